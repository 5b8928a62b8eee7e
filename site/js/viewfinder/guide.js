// @ts-check
/**
 * Leads through the pictures of an enrolment: which pose the camera waits for, and what people can
 * do where that pose does not come. Three sides of a face make searches more reliable.
 */

import { poseOf } from "../finder/quality.js";
import { element } from "../page/view.js";

/** @typedef {import("../finder/quality.js").Pose} Pose */

/** How long people may try before they are told what else they can do. */
const PATIENCE_MS = 8000;

/** @type {Record<Pose, string>} */
const WORDS = {
  straight: "look straight ahead",
  left: "turn your head a little to your left",
  right: "turn your head a little to your right",
};

const POSES = /** @type {Pose[]} */ (Object.keys(WORDS));

/**
 * The poses that are still wanted, the next one first.
 * @type {Pose[]}
 */
let wanted = [];

/** @type {ReturnType<typeof setTimeout> | undefined} */
let losingPatience;

/**
 * Asks for the poses that a first picture does not have.
 * @param {import("../finder/crop.js").Point[]} points the landmarks of the face in it
 */
export function begin(points) {
  const first = poseOf(points);
  wanted = POSES.filter((pose) => pose !== first);
}

/** The pose that the camera waits for, if there is one. */
export function pose() {
  return wanted[0];
}

/** Goes on: there is a picture of this pose, or people skip it. */
export function next() {
  wanted.shift();
}

/** Asks for nothing more. */
export function end() {
  wanted = [];
}

/**
 * Shows what is wanted beside the viewfinder.
 * @returns {string} the same in words, or nothing where any picture will do
 */
export function show() {
  clearTimeout(losingPatience);
  const [next] = wanted;
  element("tips").hidden = next !== undefined;
  element("guide").hidden = next === undefined;
  element("stuck").hidden = true;
  if (!next) return "";
  const number = POSES.length - wanted.length + 1;
  const words = `Picture ${number} of ${POSES.length}: ${WORDS[next]}`;
  element("guide-title").textContent = words;
  losingPatience = setTimeout(() => (element("stuck").hidden = false), PATIENCE_MS);
  return `${words}. It is taken by itself.`;
}
