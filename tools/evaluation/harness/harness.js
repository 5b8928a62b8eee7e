// @ts-check
/**
 * Cuts the face out of a photograph, for the evaluation. Everything that it does to the picture is
 * the page's own code. The site does not serve this file.
 */

import { chooseFace, cropFrame, drawCrop, encodeCrop } from "/js/finder/crop.js";
import { detectFaces } from "/js/finder/detector.js";
import { readPicture } from "/js/viewfinder/picture.js";

/**
 * @param {number} photo its index
 * @returns {Promise<string>} the crop as a data URL
 */
async function crop(photo) {
  const file = await fetch(`/photo/${photo}`);
  const picture = await readPicture(await file.blob());
  const face = chooseFace(await detectFaces(picture), picture.width, picture.height);
  if (!face) throw new Error("no face was found");
  const canvas = document.createElement("canvas");
  drawCrop(canvas, picture, cropFrame(face));
  return dataUrl(await encodeCrop(canvas));
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

// Scripts of WebDriver see what is global, which the functions of a module are not.
Object.assign(globalThis, { crop });
