// @ts-check
/** Cuts a face out of the picture in the viewfinder, and another one if people pick it. */

import { drawCrop, encodeCrop } from "./crop.js";
import { loadDetector } from "./detector.js";
import { findFace, remarks, take } from "./find-face.js";
import { frameFaces } from "./frames.js";
import { drawFound } from "./picture.js";
import * as session from "./session.js";
import { run } from "./task.js";
import * as view from "./view.js";

/** @typedef {{width: number, height: number, mirrored: boolean}} Shape  of the picture that is
 *   shown, in its own pixels */

const { element, elementOf } = view;

const still = elementOf(HTMLCanvasElement, "still");

/**
 * Shows a picture instead of the camera.
 * @param {HTMLCanvasElement} picture
 * @param {Shape} shape
 */
export function freeze(picture, shape) {
  drawFound(still, picture);
  view.stage("still", shape);
}

/**
 * Finds the face and cuts it out.
 * @param {HTMLCanvasElement} picture at full resolution, already shown
 * @param {Shape} shape
 * @param {import("./crop.js").Point | undefined} near takes the face that is nearest to this point
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
  if (!signal.aborted) await hold(picture, shape, found, signal, goOn);
}

/**
 * Makes the crop of a face, and shows what was found.
 * @param {HTMLCanvasElement} picture
 * @param {Shape} shape
 * @param {import("./find-face.js").Found} found
 * @param {AbortSignal} signal
 * @param {() => void} goOn
 * @param {boolean} [replaces] whether the crop is instead of the last one
 */
async function hold(picture, shape, found, signal, goOn, replaces = false) {
  const canvas = document.createElement("canvas");
  drawCrop(canvas, picture, found.frame);
  const crop = await encodeCrop(canvas);
  if (signal.aborted) return;
  if (replaces) session.drop();
  session.hold(crop, { picture, found });
  drawFound(still, picture, found);
  frameFaces(found.faces, found.face, shape, (face) => takeOther(face, shape, goOn));
  document.body.toggleAttribute("data-several", found.faces.length > 1);
  element("crop-note").textContent = remarks(found, crop.size);
  goOn();
}

/**
 * Takes another face of the picture instead.
 * @param {import("./crop.js").Face} face
 * @param {Shape} shape
 * @param {() => void} goOn
 */
function takeOther(face, shape, goOn) {
  const { picture, found } = session.origin() ?? {};
  if (!picture || !found) return;
  const other = take(face, found.faces);
  run("loading", "", (signal) => hold(picture, shape, other, signal, goOn, true));
}
