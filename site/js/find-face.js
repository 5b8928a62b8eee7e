// @ts-check
/**
 * From a picture to the one face that is used: detector and recipe together, without the page.
 */

import { chooseFace, cropFrame } from "./crop.js";
import { detectFaces } from "./detector.js";
import { nearest } from "./quality.js";

/** @typedef {import("./crop.js").Face} Face */
/** @typedef {import("./crop.js").Point} Point */
/** @typedef {import("./crop.js").Rectangle} Rectangle */
/** @typedef {{face: Face, faces: Face[], frame: Rectangle}} Found  the frame is the crop's */

/** Faces narrower than this in the picture are blurred by enlarging them. */
const SMALL_FACE = 80;

/**
 * @param {HTMLCanvasElement} picture
 * @param {Point} [picked] take the face that is nearest to this
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
 * @param {Face[]} faces all in the picture
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
  const sentences = [`160 × 160 pixels, ${Math.round(bytes / 1000)} kB. The photo stays here.`];
  if (faces.length > 1) sentences.push(`${faces.length} faces: click another to take it.`);
  if (frame.width < SMALL_FACE) sentences.push("The face is small: a closer picture works better.");
  return sentences.join(" ");
}
