// @ts-check
/**
 * The web worker in which the detector runs. It takes `{id, kind: "load"}` and
 * `{id, kind: "detect", bitmap, search}`, and answers `{id, answer}` or `{id, error}`.
 */

import { detect, load } from "./detection.js";

self.addEventListener("message", async ({ data: { id, kind, bitmap, search } }) => {
  try {
    const answer = kind === "load" ? await load() : await detectIn(bitmap, search);
    postMessage({ id, answer });
  } catch (error) {
    postMessage({ id, error: String(error) });
  }
});

/**
 * @param {ImageBitmap} bitmap
 * @param {import("./search.js").Search} search
 */
function detectIn(bitmap, search) {
  const picture = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = picture.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return detect(picture, search);
}
