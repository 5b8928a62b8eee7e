// @ts-check
/**
 * What the server answered, as people see it: the verdict with the nearest faces, and what was
 * enrolled from this page. Names and tokens are put on the page as text only.
 */

import { element, enter, focus } from "./view.js";

/** @typedef {import("./api.js").Matches} Matches */
/** @typedef {import("./api.js").Match} Match */
/** @typedef {import("./api.js").Enrolled} Enrolled */

const VERDICTS = new Set(["match", "possible", "none"]);
const COPY_LABEL = "Copy id and token";
const COPIED_MS = 2500;

/** @param {Matches} answer */
export function showResult({ verdict, threshold, matches }) {
  const heading = element("verdict");
  heading.dataset.verdict = VERDICTS.has(verdict) ? verdict : "none";
  const [title, meaning] = words(heading.dataset.verdict, threshold);
  const line = document.createElement("span");
  line.append(title);
  if (heading.dataset.verdict !== "none") line.append(isolated(matches[0]?.name ?? "somebody"));
  heading.replaceChildren(line);
  element("meaning").textContent = meaning;
  element("results").replaceChildren(...matches.map(resultItem));
  element("caution").hidden = matches.length === 0;
  element("result-panel").hidden = false;
  enter("result", "");
  focus("verdict");
}

/**
 * @param {string} verdict
 * @param {number} threshold
 */
function words(verdict, threshold) {
  const limit = number(threshold);
  if (verdict === "match") {
    return ["This looks like ", `The distance is within ${limit}, the limit for a match.`];
  }
  if (verdict === "possible") {
    return [
      "This might be ",
      `More alike than strangers usually are, but not within ${limit}, the limit for a match.`,
    ];
  }
  return ["No match", "No face that is stored here looks enough like this one. You can enrol it."];
}

/**
 * A name in a sentence, whichever way its script runs.
 * @param {string} name
 */
function isolated(name) {
  const part = document.createElement("bdi");
  part.textContent = name;
  return part;
}

/** @param {Match} match */
function resultItem({ name, distance, picture }) {
  const item = element("result-template").content.cloneNode(true);
  element("result-name", item).textContent = name;
  element("result-distance", item).textContent = number(distance);
  const image = element("result-picture", item);
  image.alt = `Stored picture of ${name}`;
  image.src = picture;
  return item;
}

/**
 * Shows what was stored, with the means to delete it.
 * @param {Enrolled} enrolled
 * @param {HTMLCanvasElement} crop
 * @param {() => void} onForget
 */
export function showEnrolled({ id, name, delete_token, expires_at }, crop, onForget) {
  const item = element("enrolled-template").content.firstElementChild.cloneNode(true);
  element("enrolled-crop", item).getContext("2d").drawImage(crop, 0, 0);
  element("enrolled-name", item).textContent = name;
  element("enrolled-id", item).textContent = id;
  element("delete-token", item).textContent = delete_token;
  const until = element("enrolled-until", item);
  until.dateTime = expires_at;
  until.textContent = moment(expires_at);
  const copy = element("copy", item);
  copy.addEventListener("click", () => copyText(copy, `id ${id}\ndelete token ${delete_token}`));
  element("forget", item).addEventListener("click", onForget);
  item.dataset.id = id;
  element("enrolled-list").prepend(item);
  element("enrolled").hidden = false;
  element("name").value = "";
  enter("enrolled", `Enrolled as ${name}.`);
  focus("enrolled-title");
}

/** @param {string} id of a face that is no longer stored */
export function dropEnrolled(id) {
  const list = element("enrolled-list");
  for (const item of [...list.children]) if (item.dataset.id === id) item.remove();
  element("enrolled").hidden = list.children.length === 0;
  element("code").value = "";
}

/**
 * @param {HTMLButtonElement} button
 * @param {string} text
 */
async function copyText(button, text) {
  const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
  button.textContent = done ? "Copied" : "Select and copy by hand";
  element("status").textContent = button.textContent;
  setTimeout(() => (button.textContent = COPY_LABEL), COPIED_MS);
}

/** @param {number} value */
function number(value) {
  return Number(value).toFixed(2);
}

/** @param {string} time RFC 3339 */
function moment(time) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  return date.toLocaleString("en-GB", {
    day: "numeric",
    month: "long",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
  });
}
