// @ts-check
/**
 * The list of people who were enrolled from this device: what is kept of them and until when,
 * whether searches find them, and buttons to add a picture or delete all. It also deletes people
 * who were enrolled from another device, by their delete token.
 */

import { show } from "../answers/stored-picture.js";
import * as session from "../page/session.js";
import { run } from "../page/task.js";
import * as view from "../page/view.js";
import * as api from "../server/api.js";
import { moment } from "../server/deployment.js";
import { remembered } from "./remembered.js";

const { copyTemplate, element, elementOf } = view;

/** @typedef {import("../server/api.js").Enrolled} Enrolled */

/** The pause between two questions whether searches find a face: the first, and the longest. */
const POLL_MS = [700, 10_000];

/** What is said of a person where no answer to the enrolment came. */
const UNSURE =
  "No answer came, so it may be stored or not. “Forget me now” makes sure that it is not.";

const FORGOTTEN = "Forgotten. Pictures, name and numbers are deleted.";
const FORGOTTEN_SOON =
  "Forgotten. The pictures are deleted and nobody finds them any more. Name and numbers are " +
  "deleted within minutes.";

/** How long a button says that it has copied. */
const COPIED_MS = 2500;

/**
 * Shows all people that this browser remembers.
 * @param {string} [open] the delete token that is shown
 */
export function showAll(open) {
  const list = element("enrolled-list");
  const all = remembered.all();
  const items = all.map((enrolled) => itemOf(enrolled) ?? newItem(enrolled));
  list.replaceChildren(...items);
  for (const item of open ? items : []) {
    const token = element("delete-token", item).textContent;
    elementOf(HTMLDetailsElement, "more", item).open = token === open;
  }
  element("enrolled").hidden = all.length === 0;
}

/** Shows the people of earlier visits, and drops those whom the server no longer has. */
export function showEarlier() {
  showAll();
  for (const enrolled of remembered.all()) follow(enrolled);
}

/**
 * Asks whether searches find a face, with growing pauses, until they do, and says so. It does not
 * ask about a face that may not be stored.
 * @param {Enrolled} enrolled
 * @param {boolean} [found]
 */
export async function follow(enrolled, found = false) {
  const { id, delete_token } = enrolled;
  if (id === "") return;
  let [pause, most] = POLL_MS;
  for (;;) {
    found ||= await api.status(id).then(({ searchable }) => searchable, (problem) => {
      if (problem.status === 404) remembered.remove(delete_token);
      return false;
    });
    const item = itemOf(enrolled);
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
 * The item that shows a person by this face, or without one.
 * @param {Enrolled} enrolled
 * @returns {HTMLElement | undefined}
 */
function itemOf({ id, delete_token }) {
  const items = /** @type {NodeListOf<HTMLElement>} */ (
    element("enrolled-list").querySelectorAll("[data-id]")
  );
  const isShown = (/** @type {HTMLElement} */ item) =>
    item.dataset.id === id && element("delete-token", item).textContent === delete_token;
  return [...items].find(isShown);
}

/**
 * @param {Enrolled} enrolled
 * @returns {HTMLElement}
 */
function newItem({ id, name, delete_token, expires_at, pictures = 1 }) {
  const item = copyTemplate("enrolled-template");
  item.dataset.id = id;
  const picture = elementOf(HTMLImageElement, "enrolled-picture", item);
  const isSure = id !== "";
  item.toggleAttribute("data-unsure", !isSure);
  picture.hidden = !isSure;
  if (isSure) show(picture, id);
  else element("enrolled-found", item).textContent = UNSURE;
  picture.alt = `The stored picture of ${name}`;
  element("enrolled-name", item).textContent = name;
  element("enrolled-count", item).textContent = pictures > 1 ? `, ${pictures} pictures` : "";
  element("delete-token", item).textContent = delete_token;
  const until = elementOf(HTMLTimeElement, "enrolled-until", item);
  until.dateTime = expires_at;
  until.textContent = moment(expires_at);
  const copy = element("copy", item);
  copy.onclick = () => copyText(copy, delete_token);
  const more = element("add", item);
  more.hidden = !isSure;
  more.setAttribute("aria-label", `Add another picture of ${name}`);
  more.onclick = () => addPictures(name, delete_token);
  const button = element("forget", item);
  button.setAttribute("aria-label", `Forget me now: ${name}`);
  button.onclick = () => forget(delete_token);
  return item;
}

/**
 * @param {string} name
 * @param {string} token
 */
async function addPictures(name, token) {
  session.begin();
  session.intendFor(token);
  if (elementOf(HTMLInputElement, "consent").checked) {
    return (await import("../viewfinder/capture.js")).another();
  }
  view.enter("idle");
  view.panel("none");
  view.notice(`To add a picture of \u2068${name}\u2069, agree below, then show it.`);
  element("consent").focus();
}

/** @param {string} token */
function forget(token) {
  run("working", "Deleting…", async () => {
    const isDone = await api.forget(token).catch((problem) => {
      // Another device or the daily purge has deleted the person already, or nothing was stored.
      const isOurs = remembered.all().some(({ delete_token }) => delete_token === token);
      if (problem.status !== 404 || !isOurs) throw problem;
      return true;
    });
    remembered.remove(token);
    elementOf(HTMLInputElement, "code").value = "";
    const { reset } = await import("../viewfinder/capture.js");
    reset();
    view.notice(isDone ? FORGOTTEN : FORGOTTEN_SOON);
  });
}

/** @param {Event} event of submitting the form with the token */
export function forgetByToken(event) {
  event.preventDefault();
  const { value } = elementOf(HTMLInputElement, "code");
  const token = /\b[0-9a-f]{64}\b/.exec(value)?.[0];
  if (token) return forget(token);
  view.fail({ message: "Paste the delete token: 64 digits and letters from a to f." });
}

/**
 * @param {HTMLElement} button
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
