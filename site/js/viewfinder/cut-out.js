// @ts-check
/** Cuts a face out of the picture in the viewfinder, and another one if people pick it. */

import { drawCrop, encodeCrop } from "../finder/crop.js";
import { loadDetector } from "../finder/detector.js";
import { findFace, remarks, take } from "../finder/find-face.js";
import * as session from "../page/session.js";
import { run } from "../page/task.js";
import * as view from "../page/view.js";
import { clearFrames, frameFaces } from "./frames.js";
import { drawFound } from "./picture.js";

/** @typedef {import("../finder/crop.js").Point} Point */
/** @typedef {import("../page/session.js").Shape} Shape */
/** @typedef {import("../page/session.js").Source} Source */

const { element, elementOf } = view;
const still = elementOf(HTMLCanvasElement, "still");

/**
 * Shows a picture instead of the camera.
 * @param {HTMLCanvasElement} picture
 * @param {Shape} shape
 */
export function freeze(picture, shape) {
  clearFrames();
  drawFound(still, picture);
  view.stage("still", shape);
}

/**
 * Finds the face and cuts it out.
 * @param {HTMLCanvasElement} picture at full resolution, already shown
 * @param {Shape} shape
 * @param {Point | undefined} near takes the face that is nearest to this point
 * @param {AbortSignal} signal
 * @param {() => void} goOn called once there is a crop
 */
export async function cutOut(picture, shape, near, signal, goOn) {
  await loadDetector((share) => {
    if (!signal.aborted) view.status("Loading the face finder…", share);
  });
  if (signal.aborted) return;
  view.status("Looking for the face…");
  const found = await findFace(picture, near);
  if (!signal.aborted) await hold({ picture, shape, found }, signal, goOn);
}

/**
 * Shows the picture of the last crop, with what was found in it.
 * @param {() => void} goOn called once another face of it was taken
 */
export function showFound(goOn) {
  const source = session.origin();
  clearFrames();
  if (!source) return view.stage("empty");
  const { picture, shape, found } = source;
  drawFound(still, picture, found);
  view.stage("still", shape);
  frameFaces(found.faces, found.face, shape, (face) => {
    const other = { picture, shape, found: take(face, found.faces) };
    run("loading", "", (signal) => hold(other, signal, goOn, true));
  });
  document.body.toggleAttribute("data-several", found.faces.length > 1);
}

/**
 * Makes the crop of a face.
 * @param {Source} source
 * @param {AbortSignal} signal
 * @param {() => void} goOn
 * @param {boolean} [replaces] whether the crop is instead of the last one
 */
async function hold(source, signal, goOn, replaces = false) {
  const canvas = document.createElement("canvas");
  drawCrop(canvas, source.picture, source.found.frame);
  const crop = await encodeCrop(canvas);
  if (signal.aborted) return;
  if (replaces) session.drop();
  session.hold(crop, source);
  element("crop-note").textContent = remarks(source.found, canvas, crop.size);
  goOn();
}
