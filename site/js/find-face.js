// @ts-check
/**
 * Finds the one face of a picture that becomes the crop. It uses the detector and the recipe of
 * the crop, and knows no page.
 */

import { CROP_SIZE, chooseFace, cropFrame } from "./crop.js";
import { detectFaces } from "./detector.js";
import { nearest } from "./quality.js";

/** @typedef {import("./crop.js").Face} Face */
/** @typedef {import("./crop.js").Point} Point */
/** @typedef {import("./crop.js").Rectangle} Rectangle */
/** @typedef {{face: Face, faces: Face[], frame: Rectangle}} Found  the face that is taken, all
 *   faces in the picture, and the rectangle that becomes the crop */

/** A crop narrower than this, in pixels of the picture, is blurred when it is enlarged. */
const FRAME_WIDTH_MIN = 80;

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
 * @param {number} bytes of the encoded crop
 * @returns {string} sentences
 */
export function remarks({ frame, faces }, bytes) {
  const size = `${CROP_SIZE} × ${CROP_SIZE} pixels, ${Math.round(bytes / 1000)} kB`;
  const sentences = [`${size}. The photo stays here.`];
  if (faces.length > 1) sentences.push(`${faces.length} faces: click another to take it.`);
  if (frame.width < FRAME_WIDTH_MIN) {
    sentences.push("The face is small: a closer picture works better.");
  }
  return sentences.join(" ");
}
