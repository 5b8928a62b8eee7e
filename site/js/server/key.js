// @ts-check
/**
 * The API key that this browser keeps. Whoever was given one opens the page by a link that ends
 * with `#key=` and the key. No server sees that part of an address.
 */

const KEY = "cface-key";

/** The key where storage is forbidden. It then lasts as long as the page. */
let memory = "";

/** Takes the key from the page's address, where nobody shall read it from then on. */
export function take() {
  const found = /^#key=(.*)$/.exec(location.hash);
  if (!found) return;
  history.replaceState(null, "", location.pathname + location.search);
  const [, key] = found;
  if (!/^[0-9a-f]{64}$/.test(key)) return;
  memory = key;
  try {
    localStorage.setItem(KEY, key);
  } catch {
    // Storage is forbidden.
  }
}

/** @returns {string} the key, or nothing without one */
export function kept() {
  try {
    return localStorage.getItem(KEY) ?? memory;
  } catch {
    return memory;
  }
}

/** Forgets a key that the server does not know. */
export function forget() {
  memory = "";
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Storage is forbidden.
  }
}
