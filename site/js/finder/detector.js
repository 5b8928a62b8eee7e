// @ts-check
/**
 * Finds faces and their landmarks. Other modules use the detector through this one only. It runs in
 * a web worker, so that the page stays fluid, or in the window where the browser has no worker for
 * it. It knows no page.
 */

import { models, modelsBytes, vendor, vendorBytes } from "../../vendor/index.js";
import { download } from "../server/api.js";
import { copyScale, PHOTOGRAPH, scaled } from "./search.js";

/** @typedef {import("./crop.js").Face} Face */
/** @typedef {import("./backend.js").Choice} Choice */
/** @typedef {Choice & {place: "worker" | "window"}} Loaded */
/** @typedef {(share: number) => void} OnProgress  called with 0 to 1 while files arrive */
/** @typedef {import("./search.js").Search} Search */
/** @typedef {(picture: HTMLCanvasElement, search: Search) => Promise<Face[]>} Detect */
/** @typedef {{loaded: Loaded, detect: Detect}} Detector */

/** @type {Promise<Detector> | undefined} */
let starting;

let ready = false;

/** @type {Set<OnProgress>} */
const listeners = new Set();

/** The files of the library that every browser loads. */
const LIBRARY = ["face-api.esm.js", "tfjs-backend-wasm-simd.wasm"];

/**
 * Loads the library and its models. A second call costs nothing. After a failure it tries again.
 * @param {OnProgress} [onProgress]
 * @returns {Promise<Loaded>}
 */
export async function loadDetector(onProgress) {
  if (onProgress) listeners.add(onProgress);
  try {
    return (await started()).loaded;
  } finally {
    if (onProgress) listeners.delete(onProgress);
  }
}

/** Whether the detector is loaded. */
export const isReady = () => ready;

/**
 * All faces in a picture, each once.
 * @param {HTMLCanvasElement} picture
 * @param {Search} [search] how it is searched; as photographs are without it
 * @returns {Promise<Face[]>}
 */
export async function detectFaces(picture, search = PHOTOGRAPH) {
  const { detect } = await started();
  const scale = copyScale(Math.max(picture.width, picture.height));
  if (scale === 1) return detect(picture, search);
  const faces = await detect(copyOf(picture, scale), search);
  return faces.map((face) => scaled(face, scale));
}

/**
 * A copy whose pixels are the means of so many, across and down. It is as large as the Worker's:
 * at the right and at the bottom a pixel may stand for fewer.
 * @param {HTMLCanvasElement} picture
 * @param {number} scale
 */
function copyOf(picture, scale) {
  const { width, height } = picture;
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width / scale);
  canvas.height = Math.ceil(height / scale);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser cannot draw on a canvas.");
  context.imageSmoothingQuality = "high";
  // For those pixels. All others are drawn over, so that they are not stretched.
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const [across, down] = [Math.floor(width / scale), Math.floor(height / scale)];
  context.drawImage(picture, 0, 0, across * scale, down * scale, 0, 0, across, down);
  return canvas;
}

/** The detector, which is loaded if it is not yet. */
function started() {
  starting ??= start().then(begin, (error) => {
    starting = undefined;
    console.warn("detector:", error);
    throw new Error("The face finder did not load. Check the connection and try again.");
  });
  return starting;
}

/** @param {Detector} detector */
function begin(detector) {
  ready = true;
  return detector;
}

/** @returns {Promise<Detector>} */
async function start() {
  await fetchAll();
  if (typeof Worker === "function" && typeof OffscreenCanvas === "function") {
    try {
      return await inWorker();
    } catch (error) {
      console.info("detector: not in a worker:", error);
    }
  }
  const { load, detect } = await import("./detection.js");
  return { loaded: { ...(await load()), place: "window" }, detect };
}

/**
 * Brings the large files into the browser's cache, and tells the listeners how much has arrived:
 * neither an import nor the library tells that.
 */
async function fetchAll() {
  /** @type {[string, number][]} */
  const files = LIBRARY.map((name) => [vendor + name, vendorBytes[name]]);
  for (const [name, bytes] of Object.entries(modelsBytes)) files.push([models + name, bytes]);
  const total = files.reduce((sum, [, bytes]) => sum + bytes, 0);
  let arrived = 0;
  const onBytes = (/** @type {number} */ bytes) => {
    arrived += bytes;
    for (const listener of listeners) listener(Math.min(1, arrived / total));
  };
  await Promise.all(files.map(([url]) => download(url, onBytes)));
}

/** @returns {Promise<Detector>} */
async function inWorker() {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const ask = messenger(worker);
  try {
    const choice = /** @type {Choice} */ (await ask({ kind: "load" }));
    return {
      loaded: { ...choice, place: "worker" },
      detect: async (picture, search) => {
        const bitmap = await createImageBitmap(picture);
        return /** @type {Promise<Face[]>} */ (ask({ kind: "detect", bitmap, search }, [bitmap]));
      },
    };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

/**
 * Sends questions to a worker and waits for the answer to each.
 * @param {Worker} worker
 * @returns {(question: object, transfer?: Transferable[]) => Promise<unknown>}
 */
function messenger(worker) {
  /** @type {Map<number, {resolve: (answer: unknown) => void, reject: (error: Error) => void}>} */
  const waiting = new Map();
  let count = 0;
  worker.addEventListener("message", ({ data: { id, answer, error } }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error === undefined) resolve?.(answer);
    else reject?.(new Error(error));
  });
  // The worker did not start, or has failed. It will not answer any more.
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    starting = undefined;
    for (const { reject } of waiting.values()) reject(new Error(event.message ?? "no worker"));
    waiting.clear();
  });
  return (question, transfer = []) =>
    new Promise((resolve, reject) => {
      const id = (count += 1);
      waiting.set(id, { resolve, reject });
      worker.postMessage({ ...question, id }, transfer);
    });
}
