// @ts-check
/**
 * What the page does: consent, then a picture from camera or file, its crop, and a search or an
 * enrolment.
 */

import * as api from "./api.js";
import { Camera } from "./camera.js";
import { dropEnrolled, showEnrolled, showResult } from "./cards.js";
import { drawCrop, encodeCrop } from "./crop.js";
import { loadDetector } from "./detector.js";
import { findFace, remarks } from "./finder.js";
import { drawFound, readPicture } from "./picture.js";
import { cancel, patiently, run } from "./task.js";
import * as view from "./view.js";

const consent = /** @type {HTMLInputElement} */ (view.element("consent"));
const camera = new Camera(view.element("video"));

/** @type {Blob | undefined} */
let crop;

/** Forgets picture and crop and switches the camera off. */
function reset() {
  cancel();
  camera.stop();
  crop = undefined;
  view.clear();
  view.stage("empty");
  view.enter("idle");
}

function startCamera() {
  run("loading", "Starting the camera…", async (signal) => {
    crop = undefined;
    view.clear();
    view.stage("empty");
    await camera.start(signal, () => {
      reset();
      view.fail("The camera was disconnected. Connect it again, or choose a photo.");
    });
    if (signal.aborted) return;
    view.stage("camera", camera.shape);
    view.enter("camera", "The camera is on.");
    view.element("capture").focus({ preventScroll: true });
  });
}

function capture() {
  run("loading", "Looking for a face…", async (signal) => {
    const { shape } = camera;
    const picture = camera.grab();
    drawFound(view.element("still"), picture);
    view.stage("still", shape);
    await cutOut(picture, signal).catch((error) => {
      // The camera is still on: another try is one click away.
      if (!signal.aborted) view.stage("camera", shape);
      throw error;
    });
  });
}

/** @param {Blob | undefined} file */
function openFile(file) {
  if (!file) return;
  if (!consent.checked) return view.fail("First tick “I agree”; then the photo can be opened.");
  run("loading", "Opening the photo…", async (signal) => {
    camera.stop();
    crop = undefined;
    view.clear();
    view.stage("empty");
    const picture = await readPicture(file);
    if (signal.aborted) return;
    drawFound(view.element("still"), picture);
    view.stage("still", picture);
    await cutOut(picture, signal);
  });
}

/**
 * Finds the face and shows what becomes of it.
 * @param {HTMLCanvasElement} picture at full resolution, already shown
 * @param {AbortSignal} signal
 */
async function cutOut(picture, signal) {
  view.enter("loading", "Loading the face finder…");
  await loadDetector();
  if (signal.aborted) return;
  view.enter("loading", "Looking for a face…");
  await painted();
  const found = await findFace(picture);
  if (signal.aborted) return;
  drawFound(view.element("still"), picture, found);
  const canvas = view.element("crop");
  drawCrop(canvas, picture, found.frame);
  const blob = await encodeCrop(canvas);
  if (signal.aborted) return;
  camera.stop();
  crop = blob;
  view.showCrop(remarks(found, blob.size).join(" "));
}

function match() {
  const picture = crop;
  if (!picture) return;
  run("working", "Searching…", async () => {
    view.clearResult();
    showResult(await patiently(api.match(picture)));
  });
}

/** @param {SubmitEvent} event */
function enrol(event) {
  event.preventDefault();
  const [picture, input] = [crop, view.element("name")];
  const name = input.value.trim();
  if (!picture) return;
  if (name === "") {
    view.fail("Type a name to enrol under; a nickname will do.");
    return input.focus();
  }
  run("working", "Enrolling…", async () => {
    view.clearResult();
    const enrolled = await patiently(api.enrol(name, picture));
    const onForget = () => forget(enrolled.id, enrolled.delete_token);
    showEnrolled(enrolled, view.element("crop"), onForget);
  });
}

/**
 * @param {string} id
 * @param {string} token
 */
function forget(id, token) {
  run("working", "Deleting…", async () => {
    await api.forget(id, token);
    dropEnrolled(id);
    reset();
    view.notice("Forgotten: the picture, the name and the numbers are deleted.");
  });
}

/** @param {SubmitEvent} event */
function forgetByCode(event) {
  event.preventDefault();
  const text = view.element("code").value;
  const id = /\b[0-9a-f]{32}\b/.exec(text)?.[0];
  const token = /\b[0-9a-f]{64}\b/.exec(text)?.[0];
  if (id && token) forget(id, token);
  else view.fail("Paste both: the id (32 digits and letters) and the delete token (64).");
}

/** Lets the browser draw before the detector keeps it busy. */
function painted() {
  return new Promise((resolve) => setTimeout(resolve, 30));
}

function listen() {
  consent.checked = false;
  consent.addEventListener("change", () => {
    reset();
    // Fetched while people find their photo; a failure is told when it matters.
    if (consent.checked) loadDetector().catch(() => {});
  });
  view.element("start-camera").addEventListener("click", startCamera);
  view.element("stop-camera").addEventListener("click", reset);
  view.element("capture").addEventListener("click", capture);
  view.element("match").addEventListener("click", match);
  view.element("form").addEventListener("submit", enrol);
  view.element("forget-form").addEventListener("submit", forgetByCode);
  const input = /** @type {HTMLInputElement} */ (view.element("file"));
  input.addEventListener("change", () => {
    openFile(input.files?.[0]);
    input.value = ""; // so that the same file can be chosen again
  });
  // A file dropped beside the viewfinder must not replace the page.
  for (const type of ["dragover", "drop"]) {
    addEventListener(type, (event) => {
      const { dataTransfer } = /** @type {DragEvent} */ (event);
      if (!dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      if (type === "drop") openFile(dataTransfer.files[0]);
    });
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && camera.on) reset();
  });
  addEventListener("pagehide", () => camera.stop());
}

listen();
view.enter("idle");
