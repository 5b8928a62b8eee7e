// @ts-check
/** The list from which people choose a camera. It is hidden where there is only one. */

import { element } from "../page/view.js";

/**
 * Fills the list.
 * @param {import("./camera.js").Camera} camera the one that is on
 */
export async function listCameras(camera) {
  const cameras = await camera.all();
  const options = cameras.map(({ deviceId, label }, at) => {
    const name = label || `Camera ${at + 1}`;
    return new Option(name, deviceId, false, deviceId === camera.id);
  });
  element("cameras").replaceChildren(...options);
  element("picker").hidden = cameras.length < 2;
}
