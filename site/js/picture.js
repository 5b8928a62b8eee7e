// @ts-check
/**
 * Pictures on canvases: reads a file into one, and draws one with what was found in it.
 */

/** @typedef {import("./crop.js").Face} Face */
/** @typedef {import("./crop.js").Rectangle} Rectangle */

/** Phones refuse larger canvases. */
const PIXELS_MAX = 16_000_000;
/** Longest side of the picture that is shown; crops are cut from the full one. */
const SHOWN_MAX = 1280;

const BRIGHT = "#6ff3d6";
const DIM = "rgb(255 255 255 / 0.55)";

/** The landmarks as lines: first point, last point, closed. */
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
 * Reads a picture from a file, upright as its camera meant it.
 * @param {Blob} file
 * @returns {Promise<HTMLCanvasElement>}
 */
export async function readPicture(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw new Error("This file is no picture that the browser can open. Try a JPEG or PNG.");
  });
  const scale = Math.min(1, Math.sqrt(PIXELS_MAX / (bitmap.width * bitmap.height)));
  const picture = scaled(bitmap, bitmap.width, bitmap.height, scale);
  bitmap.close();
  return picture;
}

/**
 * The picture as it is shown, with a frame around what becomes the crop, the landmarks, and thin
 * frames around the other faces.
 * @param {HTMLCanvasElement} canvas to be drawn on
 * @param {HTMLCanvasElement} picture
 * @param {import("./finder.js").Found} [found]
 */
export function drawFound(canvas, picture, found) {
  const scale = Math.min(1, SHOWN_MAX / Math.max(picture.width, picture.height));
  const context = draw(canvas, picture, picture.width, picture.height, scale);
  if (!found) return;
  const unit = Math.max(picture.width, picture.height) / 480;
  context.scale(scale, scale);
  context.lineWidth = unit;
  context.strokeStyle = DIM;
  for (const { box } of found.others) context.strokeRect(box.x, box.y, box.width, box.height);
  context.strokeStyle = BRIGHT;
  drawLandmarks(context, found.face, found.frame.width / 160);
  drawFrame(context, found.frame, unit);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Face} face
 * @param {number} unit small beside the face, however large that is
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
 * A thin frame with strong corners, as in a viewfinder.
 * @param {CanvasRenderingContext2D} context
 * @param {Rectangle} frame
 * @param {number} unit
 */
function drawFrame(context, { x, y, width, height }, unit) {
  context.lineWidth = unit;
  context.strokeRect(x, y, width, height);
  context.lineWidth = 3 * unit;
  context.lineCap = "round";
  const arm = 0.14 * width;
  for (const [cornerX, signX] of [[x, 1], [x + width, -1]]) {
    for (const [cornerY, signY] of [[y, 1], [y + height, -1]]) {
      context.beginPath();
      context.moveTo(cornerX + signX * arm, cornerY);
      context.lineTo(cornerX, cornerY);
      context.lineTo(cornerX, cornerY + signY * arm);
      context.stroke();
    }
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
  // Transparent parts would turn black, which is no colour of a face's surroundings.
  context.fillStyle = "rgb(128 128 128)";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context;
}
