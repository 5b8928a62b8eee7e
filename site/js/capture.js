// @ts-check
/**
 * The ways to a face: the camera, or a photo that is chosen, dropped or pasted. Each ends with the
 * crop on the page, or with a sentence.
 */

import { Camera } from "./camera.js";
import { drawCrop, encodeCrop } from "./crop.js";
import { loadDetector } from "./detector.js";
import { findFace, remarks, take } from "./find-face.js";
import { clearFrames, frameFaces } from "./frames.js";
import { watch } from "./live.js";
import { drawFound, readPicture } from "./picture.js";
import * as session from "./session.js";
import { cancel, run } from "./task.js";
import * as view from "./view.js";

/** @typedef {import("./find-face.js").Found} Found */

const { element } = view;

export const camera = new Camera(element("video"));

/** The shape in which the picture at hand is shown. */
let shape = { width: 0, height: 0, mirrored: false };

/** @type {() => import("./crop.js").Point | undefined} */
let picked = () => undefined;

/** @type {"camera" | "file"} */
let lastWay = "camera";

/** A photo that came before people agreed. @type {Blob | undefined} */
let early;

/** Forgets the face at hand and switches the camera off. */
export function reset() {
  cancel();
  leave();
  view.enter("idle");
}

/** Back to where nothing is shown. */
function leave() {
  camera.stop();
  session.hold();
  clearFrames();
  view.panel("none");
  view.stage("empty");
}

export function startCamera() {
  run("loading", "Starting the camera… Your browser may ask you first.", async (signal) => {
    leave();
    lastWay = "camera";
    await camera.start(signal, () => {
      reset();
      const message = "Connect it again and try again, or choose a photo.";
      view.fail({ title: "The camera is gone", message }, { again: startCamera, afterSeconds: 0 });
    });
    if (signal.aborted) return;
    shape = camera.shape;
    view.stage("camera", shape);
    view.enter("camera", "The camera is on.");
    element("capture").focus({ preventScroll: true });
    observe(signal);
    await listCameras();
  });
}

/** @param {AbortSignal} signal */
function observe(signal) {
  const isAutomatic = () => element("automatic").checked;
  ({ picked } = watch(camera, signal, { isAutomatic, onGood: takePicture }));
}

/** The way of the last picture once more. */
export function another() {
  if (lastWay === "camera") return startCamera();
  element("file").click();
}

/** Fills the picker, which is there only where people have a choice. */
export async function listCameras() {
  const cameras = await camera.all();
  const picker = element("cameras");
  const options = cameras.map(({ deviceId, label }, at) => {
    const name = label || `Camera ${at + 1}`;
    return new Option(name, deviceId, false, deviceId === camera.id);
  });
  picker.replaceChildren(...options);
  element("picker").hidden = cameras.length < 2;
}

/** @param {string} id */
export function changeCamera(id) {
  camera.choose(id);
  startCamera();
}

export function takePicture() {
  if (!camera.on) return;
  const near = picked();
  run("loading", "Looking for the face…", async (signal) => {
    const picture = camera.grab();
    drawFound(element("still"), picture);
    view.stage("still", shape);
    clearFrames();
    try {
      await cutOut(picture, near, signal);
    } catch (error) {
      // The camera is still on: another try is one click away.
      if (!signal.aborted) {
        view.stage("camera", shape);
        observe(signal);
      }
      throw error;
    }
  });
}

/** @param {Blob | undefined} file */
export function openFile(file) {
  if (!file) return;
  if (!element("consent").checked) {
    early = file;
    view.notice("Your photo waits. Tick “I agree” to open it.");
    return element("consent").focus();
  }
  run("loading", "Opening the photo…", async (signal) => {
    leave();
    lastWay = "file";
    const picture = await readPicture(file);
    if (signal.aborted) return;
    shape = { width: picture.width, height: picture.height, mirrored: false };
    drawFound(element("still"), picture);
    view.stage("still", shape);
    await cutOut(picture, undefined, signal);
  });
}

/** What can be done as soon as people agreed. */
export function prepare() {
  // Fetched while people look for their photo; a failure is told when it matters.
  loadDetector().catch(() => {});
  openFile(early);
  early = undefined;
}

/**
 * Finds the face and shows what becomes of it.
 * @param {HTMLCanvasElement} picture at full resolution, already shown
 * @param {import("./crop.js").Point | undefined} near
 * @param {AbortSignal} signal
 */
async function cutOut(picture, near, signal) {
  await loadDetector((share) => {
    if (!signal.aborted) view.status("Loading the face finder…", share);
  });
  if (signal.aborted) return;
  view.status("Looking for the face…");
  const found = await findFace(picture, near);
  if (!signal.aborted) await show(picture, found, signal);
}

/**
 * @param {HTMLCanvasElement} picture
 * @param {Found} found
 * @param {AbortSignal} signal
 */
async function show(picture, found, signal) {
  const canvas = document.createElement("canvas");
  drawCrop(canvas, picture, found.frame);
  const crop = await encodeCrop(canvas);
  if (signal.aborted) return;
  camera.stop();
  session.hold({ picture, found, crop });
  drawFound(element("still"), picture, found);
  frameFaces(found.faces, found.face, shape, takeOther);
  element("crop-note").textContent = remarks(found, crop.size);
  view.enter("cropped", "Face found.");
  view.panel("work");
}

/** @param {import("./crop.js").Face} face in the same picture */
function takeOther(face) {
  const { picture, found } = session.current() ?? {};
  if (!picture || !found) return;
  run("loading", "", (signal) => show(picture, take(face, found.faces), signal));
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden && camera.on) reset();
});
addEventListener("pagehide", () => camera.stop());
navigator.mediaDevices?.addEventListener("devicechange", () => {
  if (camera.on) listCameras();
});
