// @ts-check
/** Ties the page together: what is pressed, typed, dropped and pasted, and what then happens. */

import { Camera } from "./camera.js";
import { forgetByToken, showEarlier } from "./enrolled.js";
import { choosePerson, enrol, openForm } from "./enrolment.js";
import { fillFacts } from "./deployment.js";
import { match } from "./result.js";
import * as session from "./session.js";
import { cancel } from "./task.js";
import * as view from "./view.js";

/** One promise for all, so that what is wanted first also happens first.
 * @type {Promise<typeof import("./capture.js")> | undefined} */
let loading;

/**
 * The capture, and the detector with it, are loaded once they are wanted.
 * @param {(capture: typeof import("./capture.js")) => void} go
 */
function withCapture(go) {
  loading ??= import("./capture.js");
  loading.then(go, () => {
    loading = undefined;
    view.fail({ message: "A part of this page did not load. Check the connection, then reload." });
  });
}

const { element } = view;
const consent = /** @type {HTMLInputElement} */ (element("consent"));

/**
 * @param {string} hook
 * @param {string} type
 * @param {(event: any) => void} listener
 */
function on(hook, type, listener) {
  element(hook).addEventListener(type, listener);
}

function agree() {
  view.enter(view.state());
  withCapture((capture) => {
    capture.reset();
    if (consent.checked) capture.prepare();
  });
}

/** Stops what runs and goes back to what there was before it. */
function stop() {
  cancel();
  if (view.state() === "working" && session.current()) return view.enter("cropped", "Cancelled.");
  withCapture((capture) => {
    capture.reset();
    view.status("Cancelled.");
  });
}

/** @param {KeyboardEvent} event */
function pressKey(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const sees = document.body.dataset.stage === "camera";
  const canStop = sees || view.state() === "loading" || view.state() === "working";
  if (event.key === "Escape" && canStop) stop();
  const takesSpace = target.closest("button, input, select, summary, a");
  if (event.key === " " && sees && !takesSpace) {
    event.preventDefault();
    withCapture((capture) => capture.takePicture());
  }
}

/** Photos that are dropped anywhere, or pasted. */
function takeFiles() {
  let depth = 0;
  const dragging = (/** @type {number} */ by) => {
    depth = by === 0 ? 0 : Math.max(0, depth + by);
    document.body.toggleAttribute("data-dragging", depth > 0);
  };
  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    addEventListener(type, (event) => {
      const { dataTransfer } = /** @type {DragEvent} */ (event);
      if (!dataTransfer?.types.includes("Files")) return;
      // A file dropped beside the viewfinder must not replace the page.
      event.preventDefault();
      if (type === "dragenter") dragging(1);
      if (type === "dragleave") dragging(-1);
      if (type !== "drop") return;
      dragging(0);
      const [file] = dataTransfer.files;
      withCapture((capture) => capture.openFile(file));
    });
  }
  addEventListener("paste", (event) => {
    const file = /** @type {ClipboardEvent} */ (event).clipboardData?.files[0];
    if (file) withCapture((capture) => capture.openFile(file));
  });
}

function watchNetwork() {
  const show = () => {
    element("offline").hidden = navigator.onLine;
  };
  addEventListener("online", show);
  addEventListener("offline", show);
  show();
}

function tellObstacle() {
  element("obstacle").hidden = Camera.obstacle === "";
  element("obstacle").textContent = `${Camera.obstacle} Photos work.`;
  element("start-camera").hidden = Camera.obstacle !== "";
}

function listen() {
  consent.checked = false;
  consent.addEventListener("change", agree);
  on("start-camera", "click", () => withCapture((capture) => capture.startCamera()));
  on("stop-camera", "click", () => withCapture((capture) => capture.reset()));
  on("capture", "click", () => withCapture((capture) => capture.takePicture()));
  on("cameras", "change", ({ target }) => {
    withCapture((capture) => capture.changeCamera(target.value));
  });
  on("cancel", "click", stop);
  on("match", "click", match);
  for (const button of document.querySelectorAll("[data-open-enrol]")) {
    button.addEventListener("click", openForm);
  }
  for (const button of document.querySelectorAll("[data-another]")) {
    button.addEventListener("click", () => withCapture((capture) => capture.another()));
  }
  on("withdraw", "click", () => {
    consent.checked = false;
    agree();
    consent.focus();
  });
  on("back", "click", () => view.panel("work"));
  on("form", "submit", enrol);
  on("person", "change", choosePerson);
  on("forget-form", "submit", forgetByToken);
  const input = /** @type {HTMLInputElement} */ (element("file"));
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    input.value = ""; // so that the same file can be chosen again
    withCapture((capture) => capture.openFile(file));
  });
  document.addEventListener("keydown", pressKey);
  takeFiles();
  watchNetwork();
}

listen();
tellObstacle();
view.enter("idle");
fillFacts();
showEarlier();
