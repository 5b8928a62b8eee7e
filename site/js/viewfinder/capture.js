// @ts-check
/**
 * Captures a face: from the camera, or from a photo that people choose, drop or paste. It ends with
 * a crop for a search or an enrolment, or with a sentence that says why there is none.
 */

import { loadDetector } from "../finder/detector.js";
import * as session from "../page/session.js";
import { cancel, run } from "../page/task.js";
import * as view from "../page/view.js";
import { listCameras } from "./camera-list.js";
import { Camera } from "./camera.js";
import { cutOut, freeze, showFound } from "./cut-out.js";
import { clearFrames } from "./frames.js";
import * as guide from "./guide.js";
import { watch } from "./live.js";
import { readPicture } from "./picture.js";

const { element, elementOf } = view;

const camera = new Camera(elementOf(HTMLVideoElement, "video"));
const fileField = elementOf(HTMLInputElement, "file");

/** @type {import("../page/session.js").Shape} */
let shape = { width: 0, height: 0, mirrored: false };

/**
 * Where the face is that people picked in the viewfinder.
 * @type {() => import("../finder/crop.js").Point | undefined}
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
  session.forget();
  clear();
  view.enter("idle");
}

/** Stops the capture. The pictures of an enrolment are kept. */
export function leave() {
  guide.end();
  cancel();
  if (session.collects() && session.current()) return goOn();
  session.begin();
  reset();
}

/** Removes everything that is shown of a face. */
function clear() {
  camera.stop();
  clearFrames();
  view.panel("none");
  view.stage("empty");
}

/** Shows the camera's picture in the viewfinder. */
export function startCamera() {
  run("loading", "Starting the camera… Your browser may ask you first.", async (signal) => {
    clear();
    lastSource = "camera";
    await camera.start(signal, lose).catch((error) => {
      guide.end();
      if (session.collects() && session.current() && !signal.aborted) goOn();
      throw error;
    });
    if (signal.aborted) return;
    shape = camera.shape;
    await look(signal);
    await listCameras(camera);
  });
}

function lose() {
  leave();
  const message = "Connect it again and try again, or choose a photo.";
  view.fail({ title: "The camera is gone", message }, { again: startCamera, afterSeconds: 0 });
}

/** @param {AbortSignal} signal until when it shows what the camera sees */
async function look(signal) {
  view.stage("camera", shape);
  view.enter("camera", guide.show() || "The camera is on.");
  element("capture").focus({ preventScroll: true });
  const isAutomatic = () => elementOf(HTMLInputElement, "automatic").checked;
  const options = { isAutomatic, onGood: takePicture, pose: guide.pose() };
  ({ picked } = watch(camera, signal, options));
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
    freeze(picture, shape);
    try {
      await cutOut(picture, shape, near, signal, () => {
        guide.next();
        goOn();
      });
    } catch (error) {
      // The camera stays on, so that people can try again at once.
      if (!signal.aborted) await look(signal);
      throw error;
    }
  });
}

/** Goes on without the picture that the camera waits for. */
export function skip() {
  guide.next();
  goOn();
}

/**
 * Takes the pictures of an enrolment that are still wanted, then shows its form. Where the first
 * one is from the camera, others are wanted.
 */
export function guideThrough() {
  const { found } = session.origin() ?? {};
  const isNew = session.intendedFor() === "" && session.all().length === 1;
  if (lastSource === "camera" && isNew && found) guide.begin(found.face.points);
  goOn();
}

/** What comes after a crop: the next picture of an enrolment, its form, or the choices. */
function goOn() {
  if (session.collects() && guide.pose()) {
    if (!camera.on) return startCamera();
    run("camera", "", look);
    return;
  }
  camera.stop();
  showFound(goOn);
  if (session.collects()) return session.collected();
  view.enter("cropped", "Face found.");
  view.panel("work");
}

/** @param {Blob | undefined} file a photo, whose face is cut out once people have agreed */
export function openFile(file) {
  if (!file) return;
  if (!elementOf(HTMLInputElement, "consent").checked) {
    reset();
    waitingFile = file;
    view.notice("Your photo waits. Tick “I agree” to open it.");
    return element("consent").focus();
  }
  run("loading", "Opening the photo…", async (signal) => {
    clear();
    lastSource = "file";
    guide.end();
    const picture = await readPicture(file);
    if (signal.aborted) return;
    shape = { width: picture.width, height: picture.height, mirrored: false };
    freeze(picture, shape);
    await cutOut(picture, shape, undefined, signal, goOn);
  });
}

/** Loads the detector and opens a waiting photo. Called once people have agreed. */
export function prepare() {
  // Loads while people look for their photo. A failure is shown when the detector is needed.
  loadDetector().catch(() => {});
  openFile(waitingFile);
  waitingFile = undefined;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden && camera.on) leave();
});
addEventListener("pagehide", () => camera.stop());
navigator.mediaDevices?.addEventListener("devicechange", () => {
  if (camera.on) listCameras(camera);
});
