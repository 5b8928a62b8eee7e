// @ts-check
/**
 * The recipe of the crop: from the faces found in a picture to the 160x160 pixels that are sent. It
 * decides which face is taken, and which rectangle. It knows no detector and no page, so that the
 * evaluation can load it too. A crop is stretched to a square on purpose, because FaceNet was
 * trained on such crops.
 */

/** @typedef {{x: number, y: number}} Point */
/** @typedef {{x: number, y: number, width: number, height: number}} Rectangle */
/** @typedef {{box: Rectangle, points: Point[], score: number}} Face  in pixels of the picture */

/** Width and height of a crop in pixels. */
export const CROP_SIZE = 160;

/** Detections below this score are dropped. */
export const SCORE_MIN = 0.4;

// The rectangle in units of the landmarks' bounding box. It is larger than that box, because the
// landmarks end at the eyebrows and the crop shows the forehead.
const SHIFT_UP = 0.18;
const SCALE_X = 1.14;
const SCALE_Y = 1.61;

// The rectangle in units of the detector's box, for faces without landmarks. Fitted to the boxes of
// MTCNN, and then made wider by a fifth.
const BOX_SHIFT_X = 0.0115;
const BOX_SHIFT_UP = 0.1426;
const BOX_SCALE_X = 0.828;
const BOX_SCALE_Y = 1.242;

/**
 * The smallest upright rectangle that holds all points.
 * @param {Point[]} points at least one
 * @returns {Rectangle}
 */
function boundingBox(points) {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/**
 * The rectangle of the picture that becomes the crop. It may reach over the picture's edges.
 * @param {Rectangle} landmarks the bounding box of the 68 landmarks
 * @returns {Rectangle}
 */
export function cropRectangle(landmarks) {
  const centreX = landmarks.x + landmarks.width / 2;
  const centreY = landmarks.y + landmarks.height / 2 - SHIFT_UP * landmarks.height;
  const width = SCALE_X * landmarks.width;
  const height = SCALE_Y * landmarks.height;
  return { x: centreX - width / 2, y: centreY - height / 2, width, height };
}

/**
 * The rectangle that becomes the crop where there are no landmarks.
 * @param {Rectangle} box of the detector
 * @returns {Rectangle}
 */
function boxRectangle(box) {
  const centreX = box.x + box.width / 2 + BOX_SHIFT_X * box.width;
  const centreY = box.y + box.height / 2 - BOX_SHIFT_UP * box.height;
  const [width, height] = [BOX_SCALE_X * box.width, BOX_SCALE_Y * box.height];
  return { x: centreX - width / 2, y: centreY - height / 2, width, height };
}

/**
 * The rectangle that becomes the crop: from the landmarks, or from the box where there are none.
 * @param {Face} face
 * @returns {Rectangle}
 */
export function cropFrame({ points, box }) {
  if (points.length === 0) return boxRectangle(box);
  return cropRectangle(boundingBox(points));
}

/**
 * The largest face near the centre. The nearer a face is to a corner, the less its area counts.
 * @param {Face[]} faces
 * @param {number} width of the picture
 * @param {number} height of the picture
 * @returns {Face | undefined} nothing when there is no face
 */
export function chooseFace(faces, width, height) {
  /** @param {Face} face */
  const worth = ({ box }) => {
    const dx = box.x + box.width / 2 - width / 2;
    const dy = box.y + box.height / 2 - height / 2;
    const outwards = Math.hypot(dx, dy) / Math.hypot(width / 2, height / 2);
    return box.width * box.height * (1 - Math.min(1, outwards));
  };
  return [...faces].sort((a, b) => worth(b) - worth(a))[0];
}

/**
 * Draws the crop. Parts outside the picture become mid-grey, which is zero in FaceNet's input.
 * @param {HTMLCanvasElement | OffscreenCanvas} canvas is made 160x160
 * @param {CanvasImageSource} source the picture at its full resolution, not mirrored
 * @param {Rectangle} from as {@link cropRectangle} gives it
 */
export function drawCrop(canvas, source, from) {
  canvas.width = CROP_SIZE;
  canvas.height = CROP_SIZE;
  const context = /** @type {CanvasRenderingContext2D | null} */ (canvas.getContext("2d"));
  if (!context) throw new Error("This browser cannot draw on a canvas.");
  context.fillStyle = "rgb(128 128 128)";
  context.fillRect(0, 0, CROP_SIZE, CROP_SIZE);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  const { x, y, width, height } = from;
  context.drawImage(source, x, y, width, height, 0, 0, CROP_SIZE, CROP_SIZE);
}

/**
 * The crop as it is sent: PNG, so that nothing is lost on the way to the model.
 * @param {HTMLCanvasElement} canvas
 * @returns {Promise<Blob>}
 */
export function encodeCrop(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob) resolve(blob);
      else reject(new Error("This browser could not encode the picture."));
    }, "image/png");
  });
}
