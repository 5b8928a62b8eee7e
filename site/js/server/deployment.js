// @ts-check
/**
 * Puts what the server says of this deployment into the texts of the page. Until its fact has
 * arrived, an element with `data-fact` says something that is true of every deployment.
 */

import * as api from "./api.js";

/** @typedef {import("./api.js").Accuracy} Accuracy */
/** @typedef {import("./api.js").Config} Config */

/** @type {Promise<Config | undefined> | undefined} */
let asking;

/** @returns {Promise<Config | undefined>} the answer of `/config`, or nothing without one */
export function config() {
  asking ??= api.config().catch(() => (asking = undefined));
  return asking;
}

/** Puts the facts into the texts. */
export async function fillFacts() {
  const facts = await config();
  if (!facts) return;
  const { retention, embedding_dimensions: numbers, crop_side: side } = facts;
  fill("purge", `${String(retention.hour_utc).padStart(2, "0")}:00 UTC`);
  fill("purge-time", moment(nextPurge(retention.hour_utc).toISOString()));
  fill("numbers", String(numbers));
  fill("side", `${side} × ${side}`);
  fill("model", `${facts.model}, pipeline ${facts.pipeline}`);
  fill("accuracy", accuracyInWords(facts.accuracy));
  if (facts.report_address) showReport(facts.report_address);
}

/**
 * @param {string} fact
 * @param {string} text
 */
function fill(fact, text) {
  for (const place of document.querySelectorAll(`[data-fact="${fact}"]`)) place.textContent = text;
}

/**
 * Shows where people can report a face.
 * @param {string} address of mail or the web
 */
function showReport(address) {
  for (const link of document.querySelectorAll("[data-report] a")) {
    link.textContent = address;
    link.setAttribute("href", /^https?:/.test(address) ? address : `mailto:${address}`);
  }
  for (const place of document.querySelectorAll("[data-report]")) place.removeAttribute("hidden");
}

/**
 * How often the verdict is wrong, as far as that was measured.
 * @param {Accuracy | null} accuracy
 */
function accuracyInWords(accuracy) {
  if (!accuracy) return "This was not measured for the model that this server uses.";
  const { people, groups, gallery_people: enrolled, gallery_pictures: pictures } = accuracy;
  const { match } = accuracy;
  return (
    `Measured on photographs of ${people} people in ${groups} groups. Among ${enrolled} enrolled ` +
    `people with ${pictures} pictures each, in the group where it works worst, ` +
    `${percent(match.strangers_named)} of strangers were called a match with somebody (with 95% ` +
    `confidence at most ${percent(match.strangers_named_at_most)}), and ` +
    `${percent(match.not_found)} of enrolled people were not found as a match. People who look ` +
    `alike to the model, above all women and people whose origin its training data had few of, ` +
    `are taken for each other more often.`
  );
}

/** @param {number} share of 1 */
function percent(share) {
  return share.toLocaleString("en", { style: "percent", maximumSignificantDigits: 2 });
}

/** @param {number} hour of the daily purge in UTC */
function nextPurge(hour) {
  const purge = new Date();
  purge.setUTCHours(hour, 0, 0, 0);
  if (purge.getTime() <= Date.now()) purge.setUTCDate(purge.getUTCDate() + 1);
  return purge;
}

/**
 * A time in the words that people use, in their time zone: “today at 14:00”.
 * @param {string} time RFC 3339
 */
export function moment(time) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const days = Math.round((midnight(date) - midnight(new Date())) / 86_400_000);
  const weekday = date.toLocaleDateString("en", { weekday: "long" });
  const day = ["today", "tomorrow"][days] ?? weekday;
  return `${day} at ${date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
}

/** @param {Date} date */
function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
