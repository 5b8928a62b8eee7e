// @ts-check
/**
 * What was enrolled from this device: per face what is kept and until when, whether searches find
 * it, and the means to delete it. Also deletes what was enrolled elsewhere, by id and token.
 */

import * as api from "./api.js";
import { moment } from "./facts.js";
import { store } from "./store.js";
import { run } from "./task.js";
import * as view from "./view.js";
import { reset } from "./ways.js";

const { element } = view;

/** @typedef {import("./api.js").Enrolled} Enrolled */

/** How often it is asked whether a search finds the face, at first and at most. */
const POLL_MS = [700, 10_000];
const COPIED_MS = 2500;

/**
 * Shows what there is.
 * @param {string} [open] the id of the one to be shown in full
 */
export function showAll(open) {
  const list = /** @type {HTMLElement} */ (element("enrolled-list"));
  const all = store.all();
  const items = all.map((enrolled) => itemOf(enrolled.id) ?? newItem(enrolled));
  list.replaceChildren(...items);
  if (open) for (const { id } of all) element("more", itemOf(id)).open = id === open;
  element("enrolled").hidden = all.length === 0;
}

/** Shows what earlier visits left, but for what is gone by now. */
export function showEarlier() {
  showAll();
  for (const { id } of store.all()) follow(id, false);
}

/**
 * Asks whether a search finds a face, ever more rarely, until it does, and says so.
 * @param {string} id
 * @param {boolean} [found]
 */
export async function follow(id, found = false) {
  let [pause, most] = POLL_MS;
  for (;;) {
    found ||= await api.status(id).then(({ searchable }) => searchable, (problem) => {
      if (problem.status === 404) store.remove(id);
      return false;
    });
    const item = itemOf(id);
    if (!item) return;
    if (found) return showFound(item);
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(most, 1.5 * pause);
  }
}

/** @param {HTMLElement} item */
function showFound(item) {
  item.dataset.searchable = "true";
  element("enrolled-found", item).textContent = "Searches find it now.";
}

/**
 * @param {string} id
 * @returns {HTMLElement | undefined}
 */
function itemOf(id) {
  const items = /** @type {HTMLElement[]} */ ([...element("enrolled-list").children]);
  return items.find((item) => item.dataset.id === id);
}

/**
 * @param {Enrolled} enrolled
 * @returns {HTMLElement}
 */
function newItem({ id, name, delete_token, expires_at }) {
  const item = element("enrolled-template").content.firstElementChild.cloneNode(true);
  item.dataset.id = id;
  const picture = element("enrolled-picture", item);
  picture.src = api.face(id);
  picture.alt = `The stored picture of ${name}`;
  element("enrolled-name", item).textContent = name;
  element("enrolled-id", item).textContent = id;
  element("delete-token", item).textContent = delete_token;
  const until = element("enrolled-until", item);
  until.dateTime = expires_at;
  until.textContent = moment(expires_at);
  const copy = element("copy", item);
  copy.onclick = () => copyText(copy, `id ${id}\ndelete token ${delete_token}`);
  const button = element("forget", item);
  button.setAttribute("aria-label", `Forget me now: ${name}`);
  button.onclick = () => forget(id, delete_token);
  return item;
}

/**
 * @param {string} id
 * @param {string} token
 */
function forget(id, token) {
  run("working", "Deleting…", async () => {
    await api.forget(id, token).catch((problem) => {
      // Somebody else, or the daily purge, was faster.
      if (problem.status !== 404 || !itemOf(id)) throw problem;
    });
    store.remove(id);
    element("code").value = "";
    reset();
    view.notice("Forgotten. The picture, the name and the numbers are deleted.");
  });
}

/** @param {SubmitEvent} event */
export function forgetByCode(event) {
  event.preventDefault();
  const text = element("code").value;
  const id = /\b[0-9a-f]{32}\b/.exec(text)?.[0];
  const token = /\b[0-9a-f]{64}\b/.exec(text)?.[0];
  if (id && token) return forget(id, token);
  view.fail({ message: "Paste both: the id (32 digits and letters) and the delete token (64)." });
}

/**
 * @param {HTMLButtonElement} button
 * @param {string} text
 */
async function copyText(button, text) {
  const label = button.textContent;
  const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
  button.textContent = done ? "Copied" : "Select and copy by hand";
  view.status(button.textContent);
  setTimeout(() => (button.textContent = label), COPIED_MS);
}

store.addEventListener("change", () => showAll());
