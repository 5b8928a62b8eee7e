// @ts-check
/**
 * The face at hand: the picture it is from, its crop and the bytes that are sent, and whom it is
 * to be added to. One at a time.
 */

/** @typedef {{picture: HTMLCanvasElement, found: import("./find-face.js").Found, crop: Blob,
 *   url: string}} Session  the url shows the crop */

/** @type {Session | undefined} */
let session;

/** The delete token of somebody enrolled, to whom the next picture is added; or nothing. */
let person = "";

/** @param {string} [token] */
export function intendFor(token = "") {
  person = token;
}

export function intendedFor() {
  return person;
}

/** @returns {Session | undefined} */
export function current() {
  return session;
}

/** @param {Omit<Session, "url">} [next] nothing forgets the face */
export function hold(next) {
  if (session) URL.revokeObjectURL(session.url);
  session = next && { ...next, url: URL.createObjectURL(next.crop) };
  for (const image of document.querySelectorAll("[data-crop]")) {
    if (session) /** @type {HTMLImageElement} */ (image).src = session.url;
    else image.removeAttribute("src");
  }
}
