// @ts-check
/**
 * The detector itself, for a worker or a window. It owns the detection library and its models, and
 * hands out plain numbers only, so that another detector can take its place.
 */

import { models, vendor } from "../vendor/index.js";
import { chooseBackend } from "./backend.js";
import { SCORE_MIN } from "./crop.js";

/** @typedef {import("./crop.js").Face} Face */

const LIBRARY = "face-api.esm.js";

/** The input size at which backends are compared: small, since some are slow. */
const PROBE_SIZE = 224;

/** @type {any} */
let library;

/**
 * Loads library and models, and chooses what computes them.
 * @returns {Promise<import("./backend.js").Choice>}
 */
export async function load() {
  library = await import(vendor + LIBRARY);
  if (typeof window === "undefined") library.env.setEnv(workerEnvironment());
  const { tinyFaceDetector: finder, faceLandmark68TinyNet: landmarks } = library.nets;
  const loadModels = () => Promise.all([finder.loadFromUri(models), landmarks.loadFromUri(models)]);
  const sample = probePicture();
  const probe = async () => {
    if (!finder.isLoaded) await loadModels();
    const output = await finder.forward(sample, PROBE_SIZE);
    const numbers = await output.data();
    output.dispose();
    return numbers;
  };
  return chooseBackend(library.tf, vendor, probe);
}

/**
 * All faces in a picture, found at the first size that finds any.
 * @param {HTMLCanvasElement | OffscreenCanvas} picture
 * @param {number[]} sizes
 * @returns {Promise<Face[]>}
 */
export async function detect(picture, sizes) {
  for (const inputSize of sizes) {
    const options = new library.TinyFaceDetectorOptions({ inputSize, scoreThreshold: SCORE_MIN });
    const found = await library.detectAllFaces(picture, options).withFaceLandmarks(true);
    if (found.length > 0) return found.map(plain);
  }
  return [];
}

/** What the library expects of a browser, as far as a worker has it. */
function workerEnvironment() {
  const Nothing = class {};
  const missing = () => {
    throw new Error("a worker has canvases only");
  };
  return {
    Canvas: OffscreenCanvas,
    CanvasRenderingContext2D: OffscreenCanvasRenderingContext2D,
    Image: Nothing,
    ImageData,
    Video: Nothing,
    createCanvasElement: () => new OffscreenCanvas(1, 1),
    createImageElement: missing,
    createVideoElement: missing,
    fetch: self.fetch.bind(self),
    readFile: missing,
  };
}

/** A picture with light, dark and edges, the same everywhere. */
function probePicture() {
  const canvas =
    typeof document === "undefined"
      ? new OffscreenCanvas(PROBE_SIZE, PROBE_SIZE)
      : Object.assign(document.createElement("canvas"), { width: PROBE_SIZE, height: PROBE_SIZE });
  const context = /** @type {any} */ (canvas.getContext("2d", { willReadFrequently: true }));
  for (let row = 0; row < PROBE_SIZE; row += 8) {
    for (let column = 0; column < PROBE_SIZE; column += 8) {
      context.fillStyle = `rgb(${row} ${column} ${(row * column) % 256})`;
      context.fillRect(column, row, 8, 8);
    }
  }
  return canvas;
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
