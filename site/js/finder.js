// @ts-check
/**
 * From a picture to the one face that is used: detector and recipe together, without the page.
 */

import { chooseFace, cropFrame } from "./crop.js";
import { detectFaces } from "./detector.js";

/** @typedef {import("./crop.js").Face} Face */
/** @typedef {import("./crop.js").Rectangle} Rectangle */
/** @typedef {{face: Face, frame: Rectangle, others: Face[]}} Found  the frame is the crop's */

/** Faces narrower than this in the picture are blurred by enlarging them. */
const SMALL_FACE = 80;

/**
 * @param {HTMLCanvasElement} picture
 * @returns {Promise<Found>}
 * @throws when there is no face, with a sentence for people
 */
export async function findFace(picture) {
  const faces = await detectFaces(picture);
  const face = chooseFace(faces, picture.width, picture.height);
  if (!face) {
    throw new Error("No face was found. Come closer, face the camera, and mind the light.");
  }
  const frame = cropFrame(face);
  return { face, frame, others: faces.filter((other) => other !== face) };
}

/**
 * What people should know about the crop.
 * @param {Found} found
 * @param {number} bytes of the encoded crop
 * @returns {string[]} sentences
 */
export function remarks({ frame, others }, bytes) {
  const sentences = [`${Math.round(bytes / 1000)} kB, cut out here in your browser.`];
  const count = others.length + 1;
  if (count > 1) sentences.push(`${count} faces were found; this is the framed one.`);
  if (frame.width < SMALL_FACE) sentences.push("The face is small: a closer picture works better.");
  return sentences;
}
