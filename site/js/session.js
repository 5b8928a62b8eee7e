// @ts-check
/**
 * The face that people work with at present: its picture, its crop, and the person to whom it is to
 * be added. There is one at most.
 */

/** @typedef {{picture: HTMLCanvasElement, found: import("./find-face.js").Found, crop: Blob,
 *   url: string}} Session  the crop as it is sent, and an address at which `<img>` shows it */

/** @type {Session | undefined} */
let session;

/** The delete token of the person to whom the next picture is added. Empty for a new person. */
let person = "";

/** @param {string} [token] of the person to whom the next picture is added */
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

/** @param {Omit<Session, "url">} [next] without it, the present face is forgotten */
export function hold(next) {
  if (session) URL.revokeObjectURL(session.url);
  session = next && { ...next, url: URL.createObjectURL(next.crop) };
  for (const image of document.querySelectorAll("[data-crop]")) {
    if (session) /** @type {HTMLImageElement} */ (image).src = session.url;
    else image.removeAttribute("src");
  }
}
