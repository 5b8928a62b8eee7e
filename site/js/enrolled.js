// @ts-check
/**
 * Who was enrolled from this device: what is kept of each and until when, whether searches find it,
 * and the means to add to it and to delete it. Also deletes who was enrolled elsewhere, by token.
 */

import * as api from "./api.js";
import { moment } from "./deployment.js";
import * as session from "./session.js";
import { remembered } from "./remembered.js";
import { run } from "./task.js";
import * as view from "./view.js";

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
  const all = remembered.all();
  const items = all.map((enrolled) => itemOf(enrolled.id) ?? newItem(enrolled));
  list.replaceChildren(...items);
  if (open) for (const { id } of all) element("more", itemOf(id)).open = id === open;
  element("enrolled").hidden = all.length === 0;
}

/** Shows what earlier visits left, but for what is gone by now. */
export function showEarlier() {
  showAll();
  for (const { id } of remembered.all()) follow(id);
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
      if (problem.status === 404) drop(id);
      return false;
    });
    const item = itemOf(id);
    if (!item) return;
    if (found) return showFound(item);
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(most, 1.5 * pause);
  }
}

/** @param {string} id of a face that is gone */
function drop(id) {
  const gone = remembered.all().find((one) => one.id === id);
  if (gone) remembered.remove(gone.delete_token);
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
function newItem({ id, name, delete_token, expires_at, pictures = 1 }) {
  const item = element("enrolled-template").content.firstElementChild.cloneNode(true);
  item.dataset.id = id;
  const picture = element("enrolled-picture", item);
  picture.src = api.face(id);
  picture.alt = `The stored picture of ${name}`;
  element("enrolled-name", item).textContent = name;
  element("enrolled-count", item).textContent = pictures > 1 ? `, ${pictures} pictures` : "";
  element("delete-token", item).textContent = delete_token;
  const until = element("enrolled-until", item);
  until.dateTime = expires_at;
  until.textContent = moment(expires_at);
  const copy = element("copy", item);
  copy.onclick = () => copyText(copy, delete_token);
  const more = element("add", item);
  more.setAttribute("aria-label", `Add another picture of ${name}`);
  more.onclick = () => addPicture(name, delete_token);
  const button = element("forget", item);
  button.setAttribute("aria-label", `Forget me now: ${name}`);
  button.onclick = () => forget(delete_token);
  return item;
}

/**
 * @param {string} name
 * @param {string} token
 */
async function addPicture(name, token) {
  session.intendFor(token);
  if (element("consent").checked) return (await import("./capture.js")).another();
  view.notice(`Agree below, then show another picture of ${name}.`);
  element("consent").focus();
}

/** @param {string} token */
function forget(token) {
  run("working", "Deleting…", async () => {
    await api.forget(token).catch((problem) => {
      // Somebody else, or the daily purge, was faster.
      const isOurs = remembered.all().some(({ delete_token }) => delete_token === token);
      if (problem.status !== 404 || !isOurs) throw problem;
    });
    remembered.remove(token);
    element("code").value = "";
    const { reset } = await import("./capture.js");
    reset();
    view.notice("Forgotten. Pictures, name and numbers are deleted.");
  });
}

/** @param {SubmitEvent} event */
export function forgetByToken(event) {
  event.preventDefault();
  const token = /\b[0-9a-f]{64}\b/.exec(element("code").value)?.[0];
  if (token) return forget(token);
  view.fail({ message: "Paste the delete token: 64 digits and letters from a to f." });
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

remembered.addEventListener("change", () => showAll());
