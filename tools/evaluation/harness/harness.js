// @ts-check
/**
 * Cuts the face out of a photograph as the page does, for the evaluation. Not part of the site: it
 * is served beside it, and everything that it does to a picture is the page's own code.
 */

import { chooseFace, encodeCrop } from "/js/crop.js";
import { detectFaces } from "/js/detector.js";
import { readPicture } from "/js/picture.js";
import { RECIPES } from "/harness/recipes.js";

/**
 * @param {number} photo
 * @param {string[]} names of recipes
 * @returns {Promise<string[]>} the crops as data URLs
 */
async function crop(photo, names) {
  const file = await fetch(`/photo/${photo}`);
  const picture = await readPicture(await file.blob());
  const face = chooseFace(await detectFaces(picture), picture.width, picture.height);
  if (!face) throw new Error("no face was found");
  const crops = names.map((name) => {
    const canvas = document.createElement("canvas");
    RECIPES[name](canvas, picture, face);
    return encodeCrop(canvas).then(dataUrl);
  });
  return Promise.all(crops);
}

/**
 * @param {Blob} blob
 * @returns {Promise<string>}
 */
function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

Object.assign(globalThis, { crop });
