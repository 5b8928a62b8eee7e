// @ts-check
/**
 * What this browser remembers of enrolments: the delete token and the newest face of each person,
 * in the browser's own storage, until they expire. It fires `change` when that changes, and knows
 * neither page nor server.
 */

/** @typedef {import("../server/api.js").Enrolled} Enrolled  without an id while it is not known
 *   whether the person is stored: no answer has come */

/** No face is kept longer. */
const DAY_MS = 86_400_000;

const KEY = "cface-enrolled";

class Remembered extends EventTarget {
  /**
   * The list where storage is forbidden. It then lasts as long as the page.
   * @type {unknown}
   */
  #memory;

  constructor() {
    super();
    // Another tab has changed the list.
    addEventListener("storage", ({ key }) => {
      if (key === KEY) this.dispatchEvent(new Event("change"));
    });
  }

  /** @returns {Enrolled[]} newest first */
  all() {
    const now = Date.now();
    return this.#read().filter(({ expires_at }) => !(Date.parse(expires_at) <= now));
  }

  /** @param {Enrolled} enrolled */
  add({ id, name, delete_token, expires_at, pictures }) {
    const others = this.all().filter((other) => other.delete_token !== delete_token);
    this.#write([{ id, name, delete_token, expires_at, pictures }, ...others]);
  }

  /**
   * Keeps the token of a person who is about to be enrolled, so that it is not lost with the
   * answer.
   * @param {string} name
   * @param {string} token
   */
  expect(name, token) {
    const expires_at = new Date(Date.now() + DAY_MS).toISOString();
    this.add({ id: "", name, delete_token: token, expires_at });
  }

  /** @param {string} token */
  remove(token) {
    this.#write(this.all().filter((other) => other.delete_token !== token));
  }

  #read() {
    let list = this.#memory;
    try {
      list ??= JSON.parse(localStorage.getItem(KEY) ?? "[]");
    } catch {
      // Storage is forbidden, or another program wrote what is there.
    }
    return Array.isArray(list) ? list.filter(isEnrolled) : [];
  }

  /** @param {Enrolled[]} list */
  #write(list) {
    try {
      if (list.length > 0) localStorage.setItem(KEY, JSON.stringify(list));
      else localStorage.removeItem(KEY);
      this.#memory = undefined;
    } catch {
      this.#memory = list;
    }
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * @param {any} entry of a list that another program may have written
 * @returns {entry is Enrolled}
 */
function isEnrolled(entry) {
  const members = ["id", "name", "delete_token", "expires_at"];
  return members.every((member) => typeof entry?.[member] === "string");
}

export const remembered = new Remembered();
