// @ts-check
/** The page's entry: listens to what people press, type, drop and paste, and calls what it does. */

import { match } from "./answers/result.js";
import * as session from "./page/session.js";
import { cancel } from "./page/task.js";
import * as view from "./page/view.js";
import { forgetByToken, showEarlier } from "./people/enrolled.js";
import { addPicture, back, begin, choosePerson, enrol } from "./people/enrolment.js";
import { wake } from "./server/api.js";
import { config, fillFacts } from "./server/deployment.js";
import * as key from "./server/key.js";
import { INVITED } from "./server/problem.js";
import { Camera } from "./viewfinder/camera.js";
import { onPhoto } from "./viewfinder/dropped.js";

/**
 * One promise for all calls, so that they run in the order in which people asked.
 * @type {Promise<typeof import("./viewfinder/capture.js")> | undefined}
 */
let loading;

/**
 * Loads the capture and the detector when people first ask for them, then calls a function.
 * @param {(capture: typeof import("./viewfinder/capture.js")) => void} go
 */
function withCapture(go) {
  loading ??= import("./viewfinder/capture.js");
  loading.then(go, () => {
    loading = undefined;
    didNotLoad();
  });
}

function didNotLoad() {
  view.fail({ message: "A part of this page did not load. Check the connection, then reload." });
}

const { element, elementOf } = view;
const consent = elementOf(HTMLInputElement, "consent");

/**
 * @param {string} hook
 * @param {string} type
 * @param {(event: Event) => void} listener
 */
function on(hook, type, listener) {
  for (const found of document.querySelectorAll(`[data-${hook}]`)) {
    found.addEventListener(type, listener);
  }
}

function agree() {
  view.enter(view.state());
  withCapture((capture) => {
    capture.reset();
    if (consent.checked) capture.prepare();
  });
  if (consent.checked) wakeModel();
}

/** @param {(samples: typeof import("./answers/samples.js")) => void} go */
function withSamples(go) {
  import("./answers/samples.js").then(go, didNotLoad);
}

/** Whoever agrees will search soon, unless the server is for people with a key only. */
async function wakeModel() {
  const facts = await config();
  if (facts?.access === "public" || key.kept() !== "") wake();
}

/** Stops the present task and returns to the state before it. */
function stop() {
  cancel();
  if (view.state() === "working" && session.current()) return view.enter("cropped", "Cancelled.");
  withCapture((capture) => {
    capture.leave();
    view.status("Cancelled.");
  });
}

/** @param {KeyboardEvent} event */
function pressKey(event) {
  const cameraIsShown = document.body.dataset.stage === "camera";
  const canStop = cameraIsShown || view.state() === "loading" || view.state() === "working";
  if (event.key === "Escape" && canStop) stop();
  const { target } = event;
  const takesSpace =
    target instanceof Element && target.closest("button, input, select, summary, a");
  if (event.key === " " && cameraIsShown && !takesSpace) {
    event.preventDefault();
    withCapture((capture) => capture.takePicture());
  }
}

function watchNetwork() {
  const show = () => {
    element("offline").hidden = navigator.onLine;
  };
  addEventListener("online", show);
  addEventListener("offline", show);
  show();
}

/** Says why there can be no camera, if so. */
function showObstacle() {
  element("obstacle").hidden = Camera.obstacle === "";
  element("obstacle").textContent = `${Camera.obstacle} Photos work.`;
  element("start-camera").hidden = Camera.obstacle !== "";
}

/** Tells people without a key that they need one here. */
async function showAccess() {
  const facts = await config();
  element("private").textContent = `This server is for invited people only. ${INVITED}`;
  const isOpen = facts?.access !== "private" || key.kept() !== "";
  element("private").hidden = isOpen;
  element("try-samples").hidden = !isOpen;
}

function listen() {
  consent.checked = false;
  consent.addEventListener("change", agree);
  on("start-camera", "click", () => withCapture((capture) => capture.startCamera()));
  on("stop-camera", "click", () => withCapture((capture) => capture.leave()));
  on("skip", "click", () => withCapture((capture) => capture.skip()));
  on("take-anyway", "click", () => withCapture((capture) => capture.takePicture()));
  on("capture", "click", () => withCapture((capture) => capture.takePicture()));
  const cameras = elementOf(HTMLSelectElement, "cameras");
  cameras.addEventListener("change", () => {
    withCapture((capture) => capture.changeCamera(cameras.value));
  });
  on("cancel", "click", stop);
  on("match", "click", match);
  on("again", "click", match);
  on("open-enrol", "click", begin);
  on("another", "click", () => {
    session.begin();
    withCapture((capture) => capture.another());
  });
  on("try-samples", "click", () => withSamples((samples) => samples.open()));
  on("leave-samples", "click", () => withSamples((samples) => samples.leave()));
  on("sample", "click", ({ currentTarget }) => {
    const { sample = "" } = /** @type {HTMLElement} */ (currentTarget).dataset;
    withSamples((samples) => samples.search(sample));
  });
  on("withdraw", "click", () => {
    consent.checked = false;
    agree();
    consent.focus();
  });
  on("back", "click", back);
  on("add-picture", "click", addPicture);
  on("form", "submit", enrol);
  on("person", "change", choosePerson);
  on("forget-form", "submit", forgetByToken);
  const input = elementOf(HTMLInputElement, "file");
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    input.value = ""; // so that the same file can be chosen again
    withCapture((capture) => capture.openFile(file));
  });
  document.addEventListener("keydown", pressKey);
  onPhoto((file) => withCapture((capture) => capture.openFile(file)));
  watchNetwork();
  // The link with a key may be opened where the page is open already.
  addEventListener("hashchange", () => {
    key.take();
    showAccess();
  });
}

key.take();
listen();
showObstacle();
view.enter("idle");
fillFacts();
showAccess();
showEarlier();
