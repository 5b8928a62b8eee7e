// @ts-check
/**
 * Captures a face: from the camera, or from a photo that people choose, drop or paste. It ends with
 * the crop on the page, or with a sentence that says why there is none.
 */

import { listCameras } from "./camera-list.js";
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

const { element, elementOf } = view;

const camera = new Camera(elementOf(HTMLVideoElement, "video"));
const still = elementOf(HTMLCanvasElement, "still");
const fileField = elementOf(HTMLInputElement, "file");

/** The size of the picture that is shown, in its own pixels, and whether it is mirrored. */
let shape = { width: 0, height: 0, mirrored: false };

/**
 * Where the face is that people picked in the viewfinder.
 * @type {() => import("./crop.js").Point | undefined}
 */
let picked = () => undefined;

/** @type {"camera" | "file"} */
let lastSource = "camera";

/**
 * A photo that people dropped or pasted before they agreed.
 * @type {Blob | undefined}
 */
let waitingFile;

/** Forgets the present face and switches the camera off. */
export function reset() {
  cancel();
  clear();
  view.enter("idle");
}

/** Removes everything that is shown of a face. */
function clear() {
  camera.stop();
  session.hold();
  clearFrames();
  view.panel("none");
  view.stage("empty");
}

/** Shows the camera's picture in the viewfinder. */
export function startCamera() {
  run("loading", "Starting the camera… Your browser may ask you first.", async (signal) => {
    clear();
    lastSource = "camera";
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
    await listCameras(camera);
  });
}

/** @param {AbortSignal} signal */
function observe(signal) {
  const isAutomatic = () => elementOf(HTMLInputElement, "automatic").checked;
  ({ picked } = watch(camera, signal, { isAutomatic, onGood: takePicture }));
}

/** Starts a new picture from the same source as the last one. */
export function another() {
  if (lastSource === "camera") return startCamera();
  fileField.click();
}

/** @param {string} id of the camera that people have chosen */
export function changeCamera(id) {
  camera.choose(id);
  startCamera();
}

/** Takes the camera's present picture and cuts the face out. */
export function takePicture() {
  if (!camera.on) return;
  const near = picked();
  run("loading", "Looking for the face…", async (signal) => {
    const picture = camera.grab();
    drawFound(still, picture);
    view.stage("still", shape);
    clearFrames();
    try {
      await cutOut(picture, near, signal);
    } catch (error) {
      // The camera stays on, so that people can try again at once.
      if (!signal.aborted) {
        view.stage("camera", shape);
        observe(signal);
      }
      throw error;
    }
  });
}

/**
 * Reads a photo and cuts the face out, once people have agreed.
 * @param {Blob | undefined} file
 */
export function openFile(file) {
  if (!file) return;
  if (!elementOf(HTMLInputElement, "consent").checked) {
    waitingFile = file;
    view.notice("Your photo waits. Tick “I agree” to open it.");
    return element("consent").focus();
  }
  run("loading", "Opening the photo…", async (signal) => {
    clear();
    lastSource = "file";
    const picture = await readPicture(file);
    if (signal.aborted) return;
    shape = { width: picture.width, height: picture.height, mirrored: false };
    drawFound(still, picture);
    view.stage("still", shape);
    await cutOut(picture, undefined, signal);
  });
}

/** Loads the detector and opens a waiting photo. Called once people have agreed. */
export function prepare() {
  // Loads while people look for their photo. A failure is shown when the detector is needed.
  loadDetector().catch(() => {});
  openFile(waitingFile);
  waitingFile = undefined;
}

/**
 * Finds the face and cuts it out.
 * @param {HTMLCanvasElement} picture at full resolution, already shown
 * @param {import("./crop.js").Point | undefined} near takes the face that is nearest to this point
 * @param {AbortSignal} signal
 */
async function cutOut(picture, near, signal) {
  await loadDetector((share) => {
    if (!signal.aborted) view.status("Loading the face finder…", share);
  });
  if (signal.aborted) return;
  view.status("Looking for the face…");
  const found = await findFace(picture, near);
  if (!signal.aborted) await showCrop(picture, found, signal);
}

/**
 * Makes the crop of a face and shows it.
 * @param {HTMLCanvasElement} picture
 * @param {import("./find-face.js").Found} found
 * @param {AbortSignal} signal
 */
async function showCrop(picture, found, signal) {
  const canvas = document.createElement("canvas");
  drawCrop(canvas, picture, found.frame);
  const crop = await encodeCrop(canvas);
  if (signal.aborted) return;
  camera.stop();
  session.hold({ picture, found, crop });
  drawFound(still, picture, found);
  frameFaces(found.faces, found.face, shape, takeOther);
  element("crop-note").textContent = remarks(found, crop.size);
  view.enter("cropped", "Face found.");
  view.panel("work");
}

/** @param {import("./crop.js").Face} face another face in the same picture */
function takeOther(face) {
  const { picture, found } = session.current() ?? {};
  if (!picture || !found) return;
  run("loading", "", (signal) => showCrop(picture, take(face, found.faces), signal));
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden && camera.on) reset();
});
addEventListener("pagehide", () => camera.stop());
navigator.mediaDevices?.addEventListener("devicechange", () => {
  if (camera.on) listCameras(camera);
});
