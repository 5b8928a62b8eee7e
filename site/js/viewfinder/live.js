// @ts-check
/**
 * Watches the camera: finds the faces in its pictures, draws a frame around each, and gives advice.
 * When the picture has been good for half a second, it calls for the capture.
 */

import { chooseFace } from "../finder/crop.js";
import { detectFaces, isReady, loadDetector } from "../finder/detector.js";
import { advise, brightness, centre, nearest } from "../finder/quality.js";
import { scaled } from "../finder/search.js";
import * as view from "../page/view.js";
import { frameFaces } from "./frames.js";

/** @typedef {import("../finder/crop.js").Face} Face */
/** @typedef {import("../finder/crop.js").Point} Point */
/** @typedef {import("../finder/quality.js").Advice} Advice */
/** @typedef {import("../finder/quality.js").Pose} Pose */

/** Faces are found in a copy of this width, which shows every face that is large enough. */
const WIDTH = 640;

/** A small input is fast. When it shows nobody, a larger one looks for distant faces. */
const SEARCH = { sizes: [320], more: 416, large: 0 };

/** How long the picture has to be good before it is taken. */
const GOOD_MS = 500;

/** How long advice stays at least, so that people can read it. */
const ADVICE_MS = 700;

/** The pause between two pictures. */
const PAUSE_MS = 30;

/** @type {Record<Advice, string>} */
const WORDS = {
  none: "No face in sight",
  several: "One person only, or click a face",
  closer: "Come closer",
  farther: "A little farther away",
  inside: "Move into the picture",
  turned: "Face the camera",
  straight: "Look straight ahead",
  left: "Turn your head a little to your left",
  right: "Turn your head a little to your right",
  dark: "Too dark: turn to the light",
  bright: "Too bright: turn from the light",
  still: "Hold still",
  good: "Good",
};

/**
 * Watches until the signal is aborted.
 * @param {import("./camera.js").Camera} camera
 * @param {AbortSignal} signal
 * @param {{isAutomatic: () => boolean, onGood: () => void, pose?: Pose}} options  the pose is the
 *   one that is waited for, if it matters
 * @returns {{picked: () => Point | undefined}} tells where the face is that people picked, in the
 *   camera's pixels
 */
export function watch(camera, signal, { isAutomatic, onGood, pose }) {
  /** @type {Face | undefined} */
  let before;
  /** @type {Point | undefined} */
  let picked;
  let goodSince = 0;
  const pick = (/** @type {Face} */ face) => {
    picked = centre(face);
    view.element("capture").focus({ preventScroll: true });
  };

  const look = async () => {
    const small = camera.grab(WIDTH);
    const size = camera.shape;
    const scale = size.width / small.width;
    const faces = (await detectFaces(small, SEARCH)).map((face) => scaled(face, scale));
    if (signal.aborted) return;
    const same = picked && nearest(faces, picked);
    picked = same && centre(same);
    const chosen = same ?? chooseFace(faces, size.width, size.height);
    const light = lightOf(small, chosen, scale);
    const advice = advise(faces, chosen, { size, light, isPicked: Boolean(picked), before, pose });
    before = chosen;
    frameFaces(faces, chosen, size, pick);
    const now = performance.now();
    if (advice !== "good") goodSince = 0;
    else goodSince ||= now;
    const share = goodSince && isAutomatic() ? Math.min(1, (now - goodSince) / GOOD_MS) : 0;
    const isTooFar = advice === "turned" && (pose === "left" || pose === "right");
    say(isTooFar ? "Turn back a little" : WORDS[advice], advice, share);
    if (share === 1) onGood();
  };

  const loop = async () => {
    if (!isReady()) say("Loading the face finder…", "none", 0);
    await loadDetector((share) => {
      const words = `Loading the face finder… ${Math.round(100 * share)} %`;
      if (!signal.aborted) view.advice(words, "none", 0);
    });
    while (!signal.aborted) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };
  const say = speaker();
  loop().catch((error) => {
    if (!signal.aborted) view.advice(error.message, "none", 0);
  });
  return { picked: () => picked };
}

/** Shows advice, and replaces it only after people could read it. */
function speaker() {
  let [shown, since] = ["", 0];
  /** @type {(words: string, advice: Advice, share: number) => void} */
  return (words, advice, share) => {
    const now = performance.now();
    if (words !== shown && advice !== "good" && now - since < ADVICE_MS) return;
    if (words !== shown) [shown, since] = [words, now];
    view.advice(words, advice, share);
  };
}

/**
 * The brightness of the face, or of the whole picture without one, 0 to 255.
 * @param {HTMLCanvasElement} small
 * @param {Face | undefined} face in pixels of the camera
 * @param {number} scale from the small picture to the camera's
 */
function lightOf(small, face, scale) {
  const context = /** @type {CanvasRenderingContext2D} */ (small.getContext("2d"));
  const all = { x: 0, y: 0, width: small.width, height: small.height };
  return brightness(context, face ? scaled(face, 1 / scale).box : all);
}
