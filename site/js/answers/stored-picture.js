// @ts-check
/** Shows the stored picture of a face. */

import * as api from "../server/api.js";
import * as key from "../server/key.js";

/**
 * Shows the picture of a face in an image. Where a key is needed, an image cannot send it, so the
 * picture is fetched.
 * @param {HTMLImageElement} image
 * @param {string} id of the face
 */
export async function show(image, id) {
  if (!key.kept()) {
    image.src = api.face(id);
    return;
  }
  // Without a picture the image shows its words.
  const picture = await api.picture(api.face(id)).catch(() => undefined);
  if (!picture) return;
  const address = URL.createObjectURL(picture);
  for (const type of ["load", "error"]) {
    image.addEventListener(type, () => URL.revokeObjectURL(address), { once: true });
  }
  image.src = address;
}
