// @ts-check
/**
 * Finds faces and their landmarks. The only door to the detector: it runs in a worker, so that the
 * page stays fluid, or in the window where the browser has no worker for it. It knows no page.
 */

import { models, modelsBytes, vendor, vendorBytes } from "../vendor/index.js";
import { download } from "./api.js";
import { DETECTION_SIZES } from "./crop.js";

/** @typedef {import("./crop.js").Face} Face */
/** @typedef {{backend: string, milliseconds: number, place: "worker" | "window"}} Loaded */
/** @typedef {(share: number) => void} OnProgress  called with 0 to 1 while files arrive */
/** @typedef {(picture: HTMLCanvasElement, sizes: number[]) => Promise<Face[]>} Detect */

/** @type {Promise<{loaded: Loaded, detect: Detect}> | undefined} */
let starting;

let ready = false;

/** @type {Set<OnProgress>} */
const listeners = new Set();

/** What every browser loads of the library. */
const LIBRARY = ["face-api.esm.js", "tfjs-backend-wasm-simd.wasm"];

/**
 * Loads library and models. Calling it again costs nothing; after a failure it tries again.
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

/** Whether it is loaded already. */
export const isReady = () => ready;

/**
 * All faces in a picture, found at the first detection size that finds any.
 * @param {HTMLCanvasElement} picture
 * @param {number[]} [sizes] of the detector's input; those of the crop recipe unless given
 * @returns {Promise<Face[]>}
 */
export async function detectFaces(picture, sizes = DETECTION_SIZES) {
  return (await started()).detect(picture, sizes);
}

function started() {
  starting ??= start().then(begin, (error) => {
    starting = undefined;
    console.warn("face finder:", error);
    throw new Error("The face finder did not load. Check the connection and try again.");
  });
  return starting;
}

/** @param {{loaded: Loaded, detect: Detect}} detector */
function begin(detector) {
  ready = true;
  return detector;
}

/** @returns {Promise<{loaded: Loaded, detect: Detect}>} */
async function start() {
  await fetchAll();
  if (typeof Worker === "function" && typeof OffscreenCanvas === "function") {
    try {
      return await inWorker();
    } catch (error) {
      console.info("face finder: not in a worker:", error);
    }
  }
  const { load, detect } = await import("./detection.js");
  return { loaded: { ...(await load()), place: "window" }, detect };
}

/**
 * Brings the large files into the browser's cache and tells how far that is: neither imports nor
 * the library do.
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

/** @returns {Promise<{loaded: Loaded, detect: Detect}>} */
async function inWorker() {
  const worker = new Worker(new URL("./detector-worker.js", import.meta.url), { type: "module" });
  const ask = messenger(worker);
  try {
    const loaded = await ask({ kind: "load" });
    return {
      loaded: { ...loaded, place: "worker" },
      detect: async (picture, sizes) => {
        const bitmap = await createImageBitmap(picture);
        return ask({ kind: "detect", bitmap, sizes }, [bitmap]);
      },
    };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

/**
 * Questions to a worker, each with its answer.
 * @param {Worker} worker
 * @returns {(question: object, transfer?: Transferable[]) => Promise<any>}
 */
function messenger(worker) {
  /** @type {Map<number, {resolve: (answer: any) => void, reject: (error: Error) => void}>} */
  const waiting = new Map();
  let count = 0;
  worker.addEventListener("message", ({ data: { id, answer, error } }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error === undefined) resolve?.(answer);
    else reject?.(new Error(error));
  });
  // The worker does not even begin, or has come to its end: nothing will be answered any more.
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
