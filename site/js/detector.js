// @ts-check
/**
 * Finds faces and their landmarks. It owns the detection library and its models, loads them once
 * and late, and hands out plain numbers only, so that another detector can take its place.
 */

import { DETECTION_SIZES, SCORE_MIN } from "./crop.js";

/** @typedef {import("./crop.js").Face} Face */

// Names in variables: the library is copied here at set-up and has no types.
const LIBRARY = "../vendor/face-api.esm.js";
const MODELS = new URL("../models", import.meta.url).href;
const WASM = new URL("../vendor/", import.meta.url).href;

// The WebAssembly backend starts at once; WebGL compiles shaders for seconds on weak devices.
const BACKENDS = ["wasm", "webgl", "cpu"];

/** @type {Promise<any> | undefined} */
let loading;

/**
 * Loads library and models. Calling it again costs nothing; after a failure it tries again.
 * @returns {Promise<any>} the library, for this module's own use
 */
export function loadDetector() {
  loading ??= start().catch((error) => {
    loading = undefined;
    console.warn("face finder:", error);
    throw new Error("The face finder did not load. Check the connection and try again.");
  });
  return loading;
}

/**
 * All faces in a picture, found at the first detection size that finds any.
 * @param {HTMLCanvasElement} picture
 * @returns {Promise<Face[]>}
 */
export async function detectFaces(picture) {
  const library = await loadDetector();
  for (const inputSize of DETECTION_SIZES) {
    const options = new library.TinyFaceDetectorOptions({ inputSize, scoreThreshold: SCORE_MIN });
    const found = await library.detectAllFaces(picture, options).withFaceLandmarks(true);
    if (found.length > 0) return found.map(plain);
  }
  return [];
}

async function start() {
  const library = await import(LIBRARY);
  await chooseBackend(library.tf);
  await Promise.all([
    library.nets.tinyFaceDetector.loadFromUri(MODELS),
    library.nets.faceLandmark68TinyNet.loadFromUri(MODELS),
  ]);
  return library;
}

/** @param {any} tf */
async function chooseBackend(tf) {
  // The threaded build wants a worker from a blob, which the content security policy forbids.
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  tf.setWasmPaths(WASM);
  for (const name of BACKENDS) {
    // A backend that does not start answers false and leaves another one in place.
    const started = await tf.setBackend(name).catch(() => false);
    if (started) await tf.ready();
    if (started && tf.getBackend() === name) return;
  }
  throw new Error("no backend starts");
}

/**
 * @param {any} found
 * @returns {Face}
 */
function plain({ detection, landmarks }) {
  const { x, y, width, height } = detection.box;
  const points = landmarks.positions.map((/** @type {any} */ at) => ({ x: at.x, y: at.y }));
  return { box: { x, y, width, height }, points, score: detection.score };
}
