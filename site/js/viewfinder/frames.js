// @ts-check
/**
 * Draws a frame around each face in the viewfinder. Where there are several faces, each frame is a
 * button that picks its face.
 */

import { cropFrame } from "../finder/crop.js";
import { element } from "../page/view.js";

/** @typedef {import("../finder/crop.js").Face} Face */

/**
 * @param {Face[]} faces
 * @param {Face | undefined} chosen
 * @param {{width: number, height: number, mirrored?: boolean}} size of the picture in the faces'
 *   pixels
 * @param {(face: Face) => void} onPick
 */
export function frameFaces(faces, chosen, size, onPick) {
  const layer = element("frames");
  // Sorted from left to right as people see them. Each face then keeps its button from picture to
  // picture, and the button keeps the focus.
  const sign = size.mirrored ? -1 : 1;
  const sorted = [...faces].sort((a, b) => sign * (a.box.x - b.box.x));
  while (layer.children.length > sorted.length) layer.lastElementChild?.remove();
  while (layer.children.length < sorted.length) layer.append(document.createElement("button"));
  sorted.forEach((face, at) => {
    const frame = /** @type {HTMLButtonElement} */ (layer.children[at]);
    const { x, y, width, height } = cropFrame(face);
    const share = { "--x": x / size.width, "--y": y / size.height };
    const extent = { "--width": width / size.width, "--height": height / size.height };
    for (const [name, value] of Object.entries({ ...share, ...extent })) {
      frame.style.setProperty(name, `${(100 * value).toFixed(2)}%`);
    }
    frame.type = "button";
    frame.disabled = sorted.length < 2;
    frame.setAttribute("aria-label", `Take face ${at + 1} of ${sorted.length}`);
    frame.setAttribute("aria-pressed", String(face === chosen));
    frame.onclick = () => onPick(face);
  });
}

/** Removes all frames. */
export function clearFrames() {
  element("frames").replaceChildren();
}
