// @ts-check
/**
 * Finds the one face of a picture that becomes the crop. It uses the detector and the recipe of
 * the crop, and knows no page.
 */

import { CROP_SIZE, chooseFace, cropFrame } from "./crop.js";
import { detectFaces } from "./detector.js";
import { CROP_WIDTH_MIN, nearest } from "./quality.js";

/** @typedef {import("./crop.js").Face} Face */
/** @typedef {import("./crop.js").Point} Point */
/** @typedef {import("./crop.js").Rectangle} Rectangle */
/** @typedef {{face: Face, faces: Face[], frame: Rectangle}} Found  the face that is taken, all
 *   faces in the picture, and the rectangle that becomes the crop */

/** A crop narrower than this, in pixels of the picture, is blurred when it is enlarged. */
const FRAME_WIDTH_MIN = 80;

/** Below this sharpness a crop is blurred, for the Worker too (`crates/face-finder`). */
const SHARPNESS_MIN = 0.24;

/**
 * @param {HTMLCanvasElement} picture
 * @param {Point} [picked] takes the face that is nearest to this point
 * @returns {Promise<Found>}
 * @throws when there is no face, with a sentence for people
 */
export async function findFace(picture, picked) {
  const faces = await detectFaces(picture);
  const face = picked ? nearest(faces, picked) : chooseFace(faces, picture.width, picture.height);
  if (!face) {
    throw new Error("No face was found. Come nearer, face the camera, and mind the light.");
  }
  return take(face, faces);
}

/**
 * @param {Face} face
 * @param {Face[]} faces all faces in the picture
 * @returns {Found}
 */
export function take(face, faces) {
  return { face, faces, frame: cropFrame(face) };
}

/**
 * What people should know about the crop.
 * @param {Found} found
 * @param {HTMLCanvasElement} crop
 * @param {number} bytes of the encoded crop
 * @returns {string} sentences
 */
export function remarks({ frame, faces }, crop, bytes) {
  const size = `${CROP_SIZE} × ${CROP_SIZE} pixels, ${Math.round(bytes / 1000)} kB`;
  const sentences = [`${size}. The photo stays here.`];
  if (faces.length > 1) sentences.push(`${faces.length} faces: click another to take it.`);
  if (frame.width < FRAME_WIDTH_MIN) {
    sentences.push("The face is small: a closer picture works better.");
  } else if (frame.width >= CROP_WIDTH_MIN && sharpness(crop) < SHARPNESS_MIN) {
    sentences.push("The face is blurred: a sharper picture works better.");
  }
  return sentences.join(" ");
}

/**
 * How sharp a crop is, mostly about 0.65: the root mean square of its Laplacian at half its size,
 * in units of the standard deviation of its brightness, without the outer eighths. The Worker
 * measures it so too.
 * @param {HTMLCanvasElement} crop
 */
export function sharpness(crop) {
  const side = CROP_SIZE / 2;
  const context = crop.getContext("2d");
  if (!context) throw new Error("This browser cannot draw on a canvas.");
  const { data } = context.getImageData(0, 0, CROP_SIZE, CROP_SIZE);
  const half = (/** @type {number} */ x, /** @type {number} */ y) => {
    let sum = 0;
    for (const pixel of [0, 1, CROP_SIZE, CROP_SIZE + 1]) {
      const at = 4 * (2 * y * CROP_SIZE + 2 * x + pixel);
      sum += 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
    }
    return sum / 4;
  };
  let [sum, squares, edges] = [0, 0, 0];
  for (let y = side / 8; y < side - side / 8; y += 1) {
    for (let x = side / 8; x < side - side / 8; x += 1) {
      const value = half(x, y);
      const around = half(x - 1, y) + half(x + 1, y) + half(x, y - 1) + half(x, y + 1);
      sum += value;
      squares += value * value;
      edges += (around - 4 * value) ** 2;
    }
  }
  const count = (side * 0.75) ** 2;
  const variance = squares / count - (sum / count) ** 2;
  // Less than a step of brightness is no contrast.
  return variance < 1 ? 0 : Math.sqrt(edges / count / variance);
}
