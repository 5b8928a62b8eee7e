// @ts-check
/**
 * The detector itself, for a worker or a window. It owns the detection library and its models. It
 * returns plain numbers only, so that another detector can take its place. The library requests
 * its WebAssembly and its models itself.
 */

import { models, vendor } from "../../vendor/index.js";
import { chooseBackend } from "./backend.js";
import { cropFrame, drawCrop, SCORE_MIN } from "./crop.js";
import {
  ENLARGE_MAX,
  isInMiddle,
  LOOK_SCORE_MIN,
  LOOK_SIZES,
  limited,
  merge,
  placeInSquare,
  SURE,
} from "./search.js";

/** @typedef {import("./crop.js").Face} Face */
/** @typedef {import("../../types/face-api.js").Detected} Detected */
/** @typedef {import("../../types/face-api.js").Library} Library */
/** @typedef {import("../../types/face-api.js").Picture} Picture */
/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context */

const LIBRARY = "face-api.esm.js";

/** The input size at which backends are compared. It is small, because some are slow. */
const PROBE_SIZE = 224;

/** @type {Library | undefined} */
let library;

/**
 * Loads the library and its models, and chooses the backend that computes.
 * @returns {Promise<import("./backend.js").Choice>}
 */
export async function load() {
  const { env, nets, tf } = (library = /** @type {Library} */ (await import(vendor + LIBRARY)));
  if (typeof window === "undefined") env.setEnv(workerEnvironment());
  const { tinyFaceDetector: faces, faceLandmark68TinyNet: landmarks } = nets;
  const loadModels = () => Promise.all([faces.loadFromUri(models), landmarks.loadFromUri(models)]);
  const sample = probePicture();
  const probe = async () => {
    if (!faces.isLoaded) await loadModels();
    const output = await faces.forward(sample, PROBE_SIZE);
    const numbers = await output.data();
    output.dispose();
    return numbers;
  };
  return chooseBackend(tf, vendor, probe);
}

/**
 * All faces in a picture, each once.
 * @param {Picture} picture
 * @param {import("./search.js").Search} search
 * @returns {Promise<Face[]>}
 */
export async function detect(picture, { sizes, more, large, hint = SCORE_MIN }) {
  const longer = Math.max(picture.width, picture.height);
  const first = limited(sizes, longer);
  const last = limited([more], ENLARGE_MAX * longer);
  const hinted = merge(await detectAt(picture, first, hint));
  let found = hinted.filter(({ score }) => score > SCORE_MIN);
  const isAll = found.length === hinted.length;
  const isEnough = isAll && found.some(({ box }) => box.height >= large * longer);
  if (!isEnough && last[0] > Math.max(...first)) {
    found = merge([...found, ...(await detectAt(picture, last, SCORE_MIN))]);
  }
  const faces = [];
  for (const face of found) {
    if (face.score >= SURE || (await isFaceAlone(picture, face))) faces.push(face);
  }
  return faces;
}

/**
 * @param {Picture} picture
 * @param {number[]} sizes
 * @param {number} scoreThreshold
 * @returns {Promise<Face[]>}
 */
async function detectAt(picture, sizes, scoreThreshold) {
  if (!library) throw new Error("the detector is not loaded");
  const faces = [];
  for (const inputSize of sizes) {
    const options = new library.TinyFaceDetectorOptions({ inputSize, scoreThreshold });
    const found = await library.detectAllFaces(picture, options).withFaceLandmarks(true);
    faces.push(...found.map(plain));
  }
  return faces;
}

/**
 * The second look: whether the crop alone is a face.
 * @param {Picture} picture
 * @param {Face} face
 */
async function isFaceAlone(picture, face) {
  if (!library) throw new Error("the detector is not loaded");
  const crop = square(0);
  drawCrop(crop, picture, cropFrame(face));
  for (const inputSize of LOOK_SIZES) {
    const canvas = square(inputSize);
    const { x, y, width, height } = placeInSquare(inputSize);
    const context = contextOf(canvas);
    context.fillRect(0, 0, inputSize, inputSize);
    context.drawImage(crop, x, y, width, height);
    const options = new library.TinyFaceDetectorOptions({
      inputSize,
      scoreThreshold: LOOK_SCORE_MIN,
    });
    const found = await library.detectAllFaces(canvas, options);
    if (found.some(({ box }) => isInMiddle(box, inputSize))) return true;
  }
  return false;
}

/** The parts of a browser's window that the library needs, as a worker can give them. */
function workerEnvironment() {
  const Missing = class {};
  const missing = () => {
    throw new Error("a worker has canvases only");
  };
  return {
    Canvas: OffscreenCanvas,
    CanvasRenderingContext2D: OffscreenCanvasRenderingContext2D,
    Image: Missing,
    ImageData,
    Video: Missing,
    createCanvasElement: () => new OffscreenCanvas(1, 1),
    createImageElement: missing,
    createVideoElement: missing,
    fetch: self.fetch.bind(self),
    readFile: missing,
  };
}

/** A picture with light, dark and edges, the same everywhere. */
function probePicture() {
  const canvas = square(PROBE_SIZE);
  const context = contextOf(canvas);
  for (let row = 0; row < PROBE_SIZE; row += 8) {
    for (let column = 0; column < PROBE_SIZE; column += 8) {
      context.fillStyle = `rgb(${row} ${column} ${(row * column) % 256})`;
      context.fillRect(column, row, 8, 8);
    }
  }
  return canvas;
}

/** @param {number} side */
function square(side) {
  if (typeof document === "undefined") return new OffscreenCanvas(side, side);
  return Object.assign(document.createElement("canvas"), { width: side, height: side });
}

/** @param {Picture} canvas */
function contextOf(canvas) {
  const context = /** @type {Context | null} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  if (!context) throw new Error("no canvas");
  return context;
}

/**
 * @param {Detected} found
 * @returns {Face}
 */
function plain({ detection, landmarks }) {
  const { x, y, width, height } = detection.box;
  const points = landmarks.positions.map(({ x, y }) => ({ x, y }));
  return { box: { x, y, width, height }, points, score: detection.score };
}
