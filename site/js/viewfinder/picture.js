// @ts-check
/**
 * Pictures on canvases: reads a file into a canvas, and draws a picture with the landmarks of the
 * face that was found in it.
 */

import { CROP_SIZE } from "../finder/crop.js";

/** @typedef {import("../finder/crop.js").Face} Face */

/** Some phones refuse larger canvases. */
const PIXELS_MAX = 16_000_000;

/** The longest side of the picture that is shown. Crops are cut from the full picture. */
const SHOWN_SIDE_MAX = 1280;

/** The colour of the landmarks, as `--signal` in style.css. */
const BRIGHT = "#6ff3d6";

/** The lines between the landmarks: first point, last point, whether the line is closed. */
const LINES = /** @type {[number, number, boolean][]} */ ([
  [0, 16, false],
  [17, 21, false],
  [22, 26, false],
  [27, 30, false],
  [31, 35, false],
  [36, 41, true],
  [42, 47, true],
  [48, 59, true],
  [60, 67, true],
]);

/**
 * Reads a picture from a file, and turns it upright by its EXIF orientation.
 * @param {Blob} file
 * @returns {Promise<HTMLCanvasElement>}
 */
export async function readPicture(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw new Error(reason(file));
  });
  const scale = Math.min(1, Math.sqrt(PIXELS_MAX / (bitmap.width * bitmap.height)));
  const picture = scaled(bitmap, bitmap.width, bitmap.height, scale);
  bitmap.close();
  return picture;
}

/** @param {Blob & {name?: string}} file that the browser cannot open */
function reason({ type, name = "" }) {
  if (/hei[cf]/i.test(`${type} ${name}`)) {
    return "This browser cannot open HEIC pictures. Save it as JPEG, then choose it again.";
  }
  if (type.startsWith("image/")) {
    return "This browser cannot open this picture, or it is damaged. Try a JPEG or PNG.";
  }
  return "This file is no picture. Choose a JPEG or PNG with a face.";
}

/**
 * Draws a picture as it is shown, with the landmarks of the face that is taken.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLCanvasElement} picture
 * @param {import("../finder/find-face.js").Found} [found]
 */
export function drawFound(canvas, picture, found) {
  const scale = Math.min(1, SHOWN_SIDE_MAX / Math.max(picture.width, picture.height));
  const context = draw(canvas, picture, picture.width, picture.height, scale);
  if (!found) return;
  context.scale(scale, scale);
  context.strokeStyle = BRIGHT;
  drawLandmarks(context, found.face, found.frame.width / CROP_SIZE);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Face} face
 * @param {number} unit the width of a line, in proportion to the face
 */
function drawLandmarks(context, { points }, unit) {
  context.lineWidth = unit;
  context.globalAlpha = 0.6;
  for (const [first, last, closed] of LINES) {
    context.beginPath();
    for (const { x, y } of points.slice(first, last + 1)) context.lineTo(x, y);
    if (closed) context.closePath();
    context.stroke();
  }
  context.globalAlpha = 1;
  context.fillStyle = BRIGHT;
  for (const { x, y } of points) {
    context.beginPath();
    context.arc(x, y, 1.6 * unit, 0, 2 * Math.PI);
    context.fill();
  }
}

/**
 * @param {CanvasImageSource} source
 * @param {number} width
 * @param {number} height
 * @param {number} scale
 */
function scaled(source, width, height, scale) {
  const canvas = document.createElement("canvas");
  draw(canvas, source, width, height, scale);
  return canvas;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasImageSource} source
 * @param {number} width
 * @param {number} height
 * @param {number} scale
 */
function draw(canvas, source, width, height, scale) {
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  if (!context) throw new Error("This browser cannot draw on a canvas.");
  // Transparent parts would become black, which confuses the detector.
  context.fillStyle = "rgb(128 128 128)";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context;
}
