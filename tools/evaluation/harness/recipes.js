// @ts-check
/**
 * The page's recipe, and others that it is compared with.
 */

import { boundingBox, boxRectangle, cropFrame, drawCrop } from "/js/crop.js";

/** @typedef {import("../../../site/js/crop.js").Face} Face */
/** @typedef {(canvas: HTMLCanvasElement, picture: HTMLCanvasElement, face: Face) => void} Recipe */

/** @type {Record<string, Recipe>} */
export const RECIPES = {
  detect: (canvas, picture, face) => drawCrop(canvas, picture, cropFrame(face)),
  "raw-box": (canvas, picture, { box }) => drawCrop(canvas, picture, box),
  "square-box": (canvas, picture, { box: { x, y, width, height } }) => {
    const side = Math.max(width, height);
    const [left, top] = [x + (width - side) / 2, y + (height - side) / 2];
    drawCrop(canvas, picture, { x: left, y: top, width: side, height: side });
  },
  "mapped-box": (canvas, picture, { box }) => drawCrop(canvas, picture, boxRectangle(box)),
  level: (canvas, picture, face) => {
    const angle = tilt(face);
    const turned = turn(picture, face, -angle);
    drawCrop(canvas, turned.picture, cropFrame(turned.face));
  },
};

/**
 * How far the line through the eyes is from level, in radians; positive when the right eye of the
 * picture is lower.
 * @param {Face} face
 */
function tilt({ points }) {
  const [left, right] = [middle(points.slice(36, 42)), middle(points.slice(42, 48))];
  return Math.atan2(right.y - left.y, right.x - left.x);
}

/** @param {import("../../../site/js/crop.js").Point[]} points */
function middle(points) {
  const { x, y, width, height } = boundingBox(points);
  return { x: x + width / 2, y: y + height / 2 };
}

/**
 * Turns picture and landmarks about the middle of the face.
 * @param {HTMLCanvasElement} picture
 * @param {Face} face
 * @param {number} angle
 */
function turn(picture, face, angle) {
  const centre = middle(face.points);
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.fillStyle = "rgb(128 128 128)";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.translate(centre.x, centre.y);
  context.rotate(angle);
  context.drawImage(picture, -centre.x, -centre.y);
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  const points = face.points.map(({ x, y }) => {
    const [dx, dy] = [x - centre.x, y - centre.y];
    return { x: centre.x + cos * dx - sin * dy, y: centre.y + sin * dx + cos * dy };
  });
  return { picture: canvas, face: { ...face, points } };
}
