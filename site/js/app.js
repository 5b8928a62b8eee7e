// @ts-check
/** Ties the page together: what is pressed, typed, dropped and pasted, and what then happens. */

import { Camera } from "./camera.js";
import { loadDetector } from "./detector.js";
import { forgetByCode, showEarlier } from "./enrolled.js";
import { enrol, openForm } from "./enrolment.js";
import { tellFacts } from "./facts.js";
import { match } from "./result.js";
import * as session from "./session.js";
import { cancel } from "./task.js";
import * as view from "./view.js";
import * as ways from "./ways.js";

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
  ways.reset();
  if (!consent.checked) return;
  // Fetched while people look for their photo; a failure is told when it matters.
  loadDetector().catch(() => {});
  ways.openEarly();
}

/** Stops what runs and goes back to what there was before it. */
function stop() {
  cancel();
  if (view.state() === "working" && session.current()) return view.enter("cropped", "Cancelled.");
  ways.reset();
  view.status("Cancelled.");
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
    ways.capture();
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
      ways.openFile(dataTransfer.files[0]);
    });
  }
  addEventListener("paste", (event) => {
    const file = /** @type {ClipboardEvent} */ (event).clipboardData?.files[0];
    if (file) ways.openFile(file);
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
  on("start-camera", "click", ways.startCamera);
  on("stop-camera", "click", ways.reset);
  on("capture", "click", ways.capture);
  on("cameras", "change", ({ target }) => ways.changeCamera(target.value));
  on("cancel", "click", stop);
  on("match", "click", match);
  for (const button of document.querySelectorAll("[data-open-enrol]")) {
    button.addEventListener("click", openForm);
  }
  for (const button of document.querySelectorAll("[data-another]")) {
    button.addEventListener("click", ways.another);
  }
  on("withdraw", "click", () => {
    consent.checked = false;
    agree();
    consent.focus();
  });
  on("back", "click", () => view.panel("work"));
  on("form", "submit", enrol);
  on("forget-form", "submit", forgetByCode);
  const input = /** @type {HTMLInputElement} */ (element("file"));
  input.addEventListener("change", () => {
    ways.openFile(input.files?.[0]);
    input.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("keydown", pressKey);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && ways.camera.on) ways.reset();
  });
  addEventListener("pagehide", () => ways.camera.stop());
  navigator.mediaDevices?.addEventListener("devicechange", () => {
    if (ways.camera.on) ways.listCameras();
  });
  takeFiles();
  watchNetwork();
}

listen();
tellObstacle();
view.enter("idle");
tellFacts();
showEarlier();
