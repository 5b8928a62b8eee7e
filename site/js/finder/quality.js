// @ts-check
/**
 * How good a face in the viewfinder is, in one word of advice. It computes with positions and
 * brightness only, and knows neither page nor camera.
 */

import { cropFrame } from "./crop.js";

/** @typedef {import("./crop.js").Face} Face */
/** @typedef {import("./crop.js").Point} Point */
/** @typedef {"none" | "several" | "closer" | "farther" | "inside" | "turned" | "straight" | "left"
 *   | "right" | "dark" | "bright" | "still" | "good"} Advice */
/** @typedef {"straight" | "left" | "right"} Pose  where the head is turned to, as the person sees
 *   it who turns it */
/** @typedef {{width: number, height: number}} Size */

/** A narrower crop, in pixels of the picture, is blurred when it is enlarged to 160 pixels. */
export const CROP_WIDTH_MIN = 110;

/** The width of a crop as a share of the picture's shorter side. Lenses distort a nearer face. */
const CROP_SHARE_MAX = 0.85;

/** How much of a crop may lie outside the picture, as a share of its width or height. */
const OUTSIDE_MAX = 0.12;

/**
 * How far the nose may be from the middle between the eyes, as a share of the eyes' distance. Of
 * 40 people who had turned by 30 degrees, half had less than 0.30 (the IMM face database).
 */
const YAW_MAX = 0.35;

/**
 * The same up to which a head counts as straight: between those who looked ahead (0.07) and those
 * who had turned (0.13).
 */
const STRAIGHT_MAX = 0.12;

/** The slope of the line through the eyes in radians, about 20 degrees. */
const ROLL_MAX = 0.36;

/** The mean brightness of a face, 0 to 255, below and above which it is too dark or too bright. */
const DARK = 45;
const BRIGHT = 225;

/** How far a face may move from one picture to the next, as a share of the crop's width. */
const MOVE_MAX = 0.06;

/**
 * What makes the picture better, or `good`.
 * @param {Face[]} faces
 * @param {Face | undefined} chosen the face that would be taken
 * @param {{size: Size, light: number, isPicked: boolean, before?: Face, pose?: Pose}} view the size
 *   of the picture in the pixels of the faces; the brightness of the face, or of the picture
 *   without one; whether people picked the face; the chosen face of the picture before; the pose
 *   that is wanted, if it matters
 * @returns {Advice}
 */
export function advise(faces, chosen, { size, light, isPicked, before, pose }) {
  if (!chosen) return light < DARK ? "dark" : "none";
  if (faces.length > 1 && !isPicked) return "several";
  const crop = cropFrame(chosen);
  if (crop.width < CROP_WIDTH_MIN) return "closer";
  if (crop.width > CROP_SHARE_MAX * Math.min(size.width, size.height)) return "farther";
  const outside = Math.max(
    -crop.x / crop.width,
    (crop.x + crop.width - size.width) / crop.width,
    -crop.y / crop.height,
    (crop.y + crop.height - size.height) / crop.height,
  );
  if (outside > OUTSIDE_MAX) return "inside";
  if (isTurned(chosen.points)) return "turned";
  if (pose && poseOf(chosen.points) !== pose) return pose;
  if (light < DARK) return "dark";
  if (light > BRIGHT) return "bright";
  if (!before || moved(before, chosen) > MOVE_MAX * crop.width) return "still";
  return "good";
}

/**
 * The face that is nearest to a point.
 * @param {Face[]} faces
 * @param {Point} point
 * @returns {Face | undefined}
 */
export function nearest(faces, point) {
  const away = (/** @type {Face} */ face) => {
    const { x, y } = centre(face);
    return Math.hypot(x - point.x, y - point.y);
  };
  return [...faces].sort((a, b) => away(a) - away(b))[0];
}

/**
 * @param {Face} face
 * @returns {Point}
 */
export function centre({ box }) {
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/**
 * Mean brightness, 0 to 255, of a part of a picture.
 * @param {CanvasRenderingContext2D} context
 * @param {import("./crop.js").Rectangle} part
 */
export function brightness(context, part) {
  const { width, height } = context.canvas;
  const left = Math.min(width - 1, Math.max(0, Math.floor(part.x)));
  const top = Math.min(height - 1, Math.max(0, Math.floor(part.y)));
  const right = Math.min(width, Math.max(left + 1, Math.ceil(part.x + part.width)));
  const bottom = Math.min(height, Math.max(top + 1, Math.ceil(part.y + part.height)));
  const { data } = context.getImageData(left, top, right - left, bottom - top);
  let sum = 0;
  // The weights of ITU-R BT.601.
  for (let at = 0; at < data.length; at += 4) {
    sum += 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
  }
  return sum / (data.length / 4);
}

/**
 * How far a head is turned and tilted.
 * @param {Point[]} points the 68 landmarks, in a picture that is not mirrored
 * @returns {{yaw: number, roll: number}} how far the nose is from the middle between the eyes,
 *   along the line through them, as a share of their distance: positive for a head that is turned
 *   to its own left; and the slope of that line in radians. Infinite where there is no such line.
 */
export function turn(points) {
  const left = mean(points.slice(36, 42));
  const right = mean(points.slice(42, 48));
  const nose = points[30];
  const [dx, dy] = [right.x - left.x, right.y - left.y];
  const distance = Math.hypot(dx, dy);
  if (!(distance > 0)) return { yaw: Infinity, roll: Infinity };
  const middle = mean([left, right]);
  const yaw = ((nose.x - middle.x) * dx + (nose.y - middle.y) * dy) / distance ** 2;
  return { yaw, roll: Math.atan2(dy, dx) };
}

/**
 * The pose of a head.
 * @param {Point[]} points the 68 landmarks
 * @returns {Pose}
 */
export function poseOf(points) {
  const { yaw } = turn(points);
  if (Math.abs(yaw) <= STRAIGHT_MAX) return "straight";
  return yaw > 0 ? "left" : "right";
}

/** @param {Point[]} points the 68 landmarks */
function isTurned(points) {
  const { yaw, roll } = turn(points);
  return Math.abs(yaw) > YAW_MAX || Math.abs(roll) > ROLL_MAX;
}

/** @param {Point[]} points */
function mean(points) {
  const sum = points.reduce((all, { x, y }) => ({ x: all.x + x, y: all.y + y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}

/**
 * @param {Face} before
 * @param {Face} now
 */
function moved(before, now) {
  const [a, b] = [centre(before), centre(now)];
  return Math.hypot(a.x - b.x, a.y - b.y) + Math.abs(before.box.width - now.box.width) / 2;
}
