// @ts-check
/**
 * Which sizes of input the detector gets, and which of its boxes are faces. It knows no detector
 * and no page. The Worker finds faces by the same rules (`crates/face-finder`).
 */

/** @typedef {import("./crop.js").Face} Face */
/** @typedef {import("./crop.js").Rectangle} Rectangle */
/** @typedef {{sizes: number[], more: number, large: number, hint?: number}} Search  input sizes;
 *   one more, for when no face is large, or when something else scores as much as a hint; the
 *   height of a box from which a face is large, as a share of the picture's longer side */

/**
 * How photographs are searched. The detector sees faces that are 45 to 125 pixels high in its
 * input, so each size is about twice the one before. The last one takes long.
 * @type {Search}
 */
export const PHOTOGRAPH = { sizes: [96, 224, 480], more: 960, large: 0.1, hint: 0.2 };

/** How much the last size may enlarge a picture. */
export const ENLARGE_MAX = 1.5;

/** Larger photographs are searched in a copy whose sides are at most so long, in pixels. */
const COPY_SIDE_MAX = 1700;

/** Sides of the detector's input are multiples of this. */
const CELL = 32;

/** Boxes of one face overlap more than this, as a share of what both cover. */
const OVERLAP_MAX = 0.4;

/** How much of a box may lie in another one. */
const INSIDE_MAX = 0.7;

/** Below this score a face is looked at a second time, alone: its crop, in a square. */
export const SURE = 0.8;

/** Input sizes for that. */
export const LOOK_SIZES = [128, 160, 224];

/** The score that it must have there at one of the sizes. */
export const LOOK_SCORE_MIN = 0.5;

/** Height of the crop in the square as a share of it, and its width in units of that. */
const LOOK_HEIGHT = 0.6;
const LOOK_WIDTH = 0.74;

/** How far from the centre the face may be, and how high it must be, in units of the crop. */
const AWAY_MAX = 0.3;
const FACE_HEIGHT_MIN = 0.4;

/**
 * The sizes for a picture. An input larger than the picture shows nothing more, but false faces.
 * @param {number[]} sizes
 * @param {number} longer side of the picture
 */
export function limited(sizes, longer) {
  const most = CELL * Math.ceil(longer / CELL);
  return [...new Set(sizes.map((size) => Math.min(size, most)))];
}

/**
 * How many pixels of a photograph become one of the copy in which faces are found, across and down.
 * The detector looks at single pixels of a large picture, and would see other ones than the Worker.
 * @param {number} longer side of the photograph
 */
export function copyScale(longer) {
  let scale = 1;
  while (longer > scale * COPY_SIDE_MAX) scale *= 2;
  return scale;
}

/**
 * A face in a copy that is so many times as large.
 * @param {Face} face
 * @param {number} by
 * @returns {Face}
 */
export function scaled({ box, points, score }, by) {
  return {
    box: { x: box.x * by, y: box.y * by, width: box.width * by, height: box.height * by },
    points: points.map(({ x, y }) => ({ x: x * by, y: y * by })),
    score,
  };
}

/**
 * Brings together what several sizes have found: each face once, by its best box.
 * @param {Face[]} faces
 * @returns {Face[]} the best first
 */
export function merge(faces) {
  /** @type {Face[]} */
  const kept = [];
  for (const face of [...faces].sort((a, b) => b.score - a.score)) {
    if (!kept.some(({ box }) => isSame(box, face.box))) kept.push(face);
  }
  return kept;
}

/**
 * @param {Rectangle} a
 * @param {Rectangle} b
 */
function isSame(a, b) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return false;
  const shared = width * height;
  const [areaA, areaB] = [a.width * a.height, b.width * b.height];
  const overlap = shared / (areaA + areaB - shared);
  return overlap > OVERLAP_MAX || shared > INSIDE_MAX * Math.min(areaA, areaB);
}

/**
 * Where the crop is in a square for the second look.
 * @param {number} side of the square
 * @returns {Rectangle}
 */
export function placeInSquare(side) {
  const height = LOOK_HEIGHT * side;
  const width = LOOK_WIDTH * height;
  return { x: (side - width) / 2, y: (side - height) / 2, width, height };
}

/**
 * Whether a box that was found in such a square is the face of the crop.
 * @param {Rectangle} box
 * @param {number} side of the square
 */
export function isInMiddle(box, side) {
  const { width, height } = placeInSquare(side);
  const dx = Math.abs(box.x + box.width / 2 - side / 2);
  const dy = Math.abs(box.y + box.height / 2 - side / 2);
  const isNear = dx < AWAY_MAX * width && dy < AWAY_MAX * height;
  return isNear && box.height > FACE_HEIGHT_MIN * height;
}
