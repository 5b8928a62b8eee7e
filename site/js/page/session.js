// @ts-check
/**
 * The face that people work with at present: its crops, the picture that the last of them was cut
 * from, and the person to whom they are to be added. A search uses the last crop. An enrolment
 * collects several, one for each picture.
 */

/** @typedef {{blob: Blob, url: string, isSample: boolean}} Crop  as it is sent, an address at which
 *   `<img>` shows it, and whether it is a sample and not the face of a visitor */
/** @typedef {{width: number, height: number, mirrored: boolean}} Shape  of a picture as it is
 *   shown, in its own pixels */
/** @typedef {import("../finder/find-face.js").Found} Found */
/** @typedef {{picture: HTMLCanvasElement, shape: Shape, found: Found}} Source  the whole picture,
 *   and what was found in it */

/** @type {Crop[]} */
let crops = [];

/** @type {Source | undefined} */
let source;

/** Whether the next crop joins those that there are, instead of replacing them. */
let collecting = false;

/** The delete token of the person to whom pictures are added. Empty for a new person. */
let person = "";

/** Shows the pictures of an enrolment. */
let showCollected = () => {};

/** @param {() => void} show is called when the pictures of an enrolment have been taken */
export function onCollected(show) {
  showCollected = show;
}

/** Ends the taking of pictures for an enrolment. */
export function collected() {
  showCollected();
}

/** @param {string} [token] of the person to whom pictures are added */
export function intendFor(token = "") {
  person = token;
}

export function intendedFor() {
  return person;
}

/** @param {boolean} on whether crops are for an enrolment from now on */
export function collect(on) {
  collecting = on;
}

/** Whether a crop is for an enrolment, and not for a search. */
export function collects() {
  return collecting || person !== "";
}

/** Ends an enrolment: the next crop is for a search. */
export function begin() {
  collect(false);
  intendFor();
}

/** @returns {Crop | undefined} the last crop */
export function current() {
  return crops.at(-1);
}

/** @returns {readonly Crop[]} all crops, the oldest first */
export function all() {
  return crops;
}

/** @returns {Source | undefined} what the last crop was cut from */
export function origin() {
  return source;
}

/**
 * Takes a crop over. It replaces those before, unless crops are collected.
 * @param {Blob} blob
 * @param {Source} [from] without it, the crop is a sample
 */
export function hold(blob, from) {
  if (!collecting) discard(crops);
  crops = [...crops, { blob, url: URL.createObjectURL(blob), isSample: from === undefined }];
  source = from;
  showCurrent();
}

/** @param {Crop} [crop] that is no longer wanted; without it, the last one */
export function drop(crop = current()) {
  if (crop === current()) source = undefined;
  discard(crops.filter((one) => one === crop));
  showCurrent();
}

/** Forgets the face. */
export function forget() {
  discard(crops);
  source = undefined;
  collecting = false;
  showCurrent();
}

/** @param {Crop[]} which */
function discard(which) {
  for (const { url } of which) URL.revokeObjectURL(url);
  crops = crops.filter((crop) => !which.includes(crop));
}

function showCurrent() {
  const shown = current();
  for (const image of document.querySelectorAll("[data-crop]")) {
    if (shown) /** @type {HTMLImageElement} */ (image).src = shown.url;
    else image.removeAttribute("src");
  }
}
