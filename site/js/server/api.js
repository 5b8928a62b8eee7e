// @ts-check
/**
 * The server's HTTP API. No other module of the page makes a request. What it throws is a
 * {@link Problem}, whose words can be shown to people, or the reason of an abort.
 */

import * as key from "./key.js";
import { Problem, problemOf, unknown } from "./problem.js";

/** @typedef {{id: string, name: string, distance: number, picture: string, pictures?: number,
 *   false_match_rate_at_most?: number}} Match  pictures of the person, one if that is missing; and
 *   the share of strangers who are as near */
/** @typedef {"match" | "possible" | "none" | "incomplete"} Verdict  incomplete: the search found
 *   nobody and could not look far enough */
/** @typedef {{verdict: Verdict, threshold: number, possible_threshold: number, matches: Match[],
 *   ambiguous?: boolean, by_chance_at_most?: number, gallery_size_at_most?: number}} Matches
 *   ambiguous: two people are about equally near; by chance: the share of strangers who find
 *   somebody as near as the nearest, in a gallery of so many people */
/** @typedef {{id: string, name: string, delete_token: string, expires_at: string,
 *   searchable?: boolean, pictures?: number}} Enrolled */
/** @typedef {{id: string, searchable: boolean, expires_at: string}} Status */

/** @typedef {Record<"what" | "where" | "until" | "readers", string>} Stored */
/** @typedef {{strangers_named: number, strangers_named_at_most: number, not_found: number,
 *   not_found_at_most: number}} Rates  as shares of 1, of the worst group of people */
/** @typedef {{groups: number, people: number, photographs: number, gallery_people: number,
 *   gallery_pictures: number, match: Rates, possible: Rates}} Accuracy */
/** @typedef {{model: string, pipeline: string, embedding_dimensions: number, crop_side: number,
 *   accuracy: Accuracy | null, retention: {hour_utc: number}, stored: Stored[],
 *   allowed_origins: string[], access: "public" | "private",
 *   report_address: string | null}} Config  what the page uses of `/config`; the accuracy is null
 *   for a model that was not measured */

/** The route that is asked without a key: who has a wrong key needs its facts too. */
const CONFIG = "/config";

/** A cold start loads 47 MB of weights. After a minute people no longer wait. */
const TIMEOUT_MS = 60_000;

/**
 * Lets the server load its model while people look for a picture. It may fail in silence: a search
 * waits for the model anyway, and says what is wrong.
 */
export function wake() {
  const sent = key.kept();
  const headers = sent ? { "x-api-key": sent } : undefined;
  fetch("/wake", { method: "POST", headers }).catch(() => {});
}

/**
 * Searches for the faces nearest to a crop, which the server does not keep.
 * @param {Blob} crop
 * @param {AbortSignal} signal
 * @param {boolean} amongSamples whether the samples are searched, and not people
 * @returns {Promise<Matches>}
 */
export async function match(crop, signal, amongSamples) {
  const headers = { "content-type": crop.type };
  const request = { method: "POST", headers, body: crop, signal };
  const path = amongSamples ? "/match?gallery=samples" : "/match";
  return json(path, request, ({ matches }) => Array.isArray(matches));
}

/**
 * Stores crops under a name. Only called after the person agreed. Sent again, it stores the same
 * faces.
 * @param {string} name
 * @param {Blob[]} crops
 * @param {string} token of the person
 * @param {boolean} isNew whether nobody is enrolled under the token yet
 * @returns {Promise<Enrolled & {ids: string[]}>} the last face, and the ids of all
 */
export async function enrol(name, crops, token, isNew) {
  const body = new FormData();
  body.set("name", name);
  body.set("consent", "true");
  for (const crop of crops) body.append("image", crop, "face.png");
  if (isNew) body.set("delete_token", token);
  const request = { method: "POST", headers: isNew ? undefined : bearer(token), body };
  return json("/add", request, ({ ids }) => Array.isArray(ids));
}

/**
 * Deletes one picture of a person, and what was computed from it.
 * @param {string} id
 * @param {string} token of the person
 */
export async function forgetFace(id, token) {
  await call(face(id), { method: "DELETE", headers: bearer(token) });
}

/**
 * Deletes all that is stored of a person, and stops an enrolment that is under way.
 * @param {string} token
 * @returns {Promise<boolean>} whether all is deleted by now. If not, nobody finds the person any
 *   more, and the server deletes name and numbers within minutes.
 */
export async function forget(token) {
  const { status } = await call("/faces", { method: "DELETE", headers: bearer(token) });
  return status !== 202;
}

/** @param {string} token */
function bearer(token) {
  return { authorization: `Bearer ${token}` };
}

/**
 * Says whether searches find a face by now.
 * @param {string} id
 * @returns {Promise<Status>}
 */
export function status(id) {
  return json(`${face(id)}/status`, {}, ({ searchable }) => typeof searchable === "boolean");
}

/** @returns {Promise<Config>} the facts of this deployment, as /openapi.json describes them */
export function config() {
  return json(CONFIG, {}, ({ stored }) => Array.isArray(stored));
}

/**
 * The address of a stored face's picture.
 * @param {string} id
 */
export function face(id) {
  return `/faces/${encodeURIComponent(id)}`;
}

/**
 * The picture of a face or of a sample.
 * @param {string} path
 * @returns {Promise<Blob>}
 */
export async function picture(path) {
  return (await call(path, {})).blob();
}

/**
 * Brings a file into the browser's cache.
 * @param {string} url
 * @param {(bytes: number) => void} onBytes called with the number of bytes of each chunk
 */
export async function download(url, onBytes) {
  const response = await fetch(url);
  if (!response.ok) throw unknown(response.status);
  const reader = response.body?.getReader();
  for (let chunk; (chunk = await reader?.read()) && !chunk.done; ) onBytes(chunk.value.length);
}

/**
 * @param {string} path
 * @param {RequestInit} init
 * @returns {Promise<Response>} a success
 */
async function call(path, init) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
  const headers = new Headers(init.headers);
  const sent = path === CONFIG ? "" : key.kept();
  if (sent) headers.set("x-api-key", sent);
  const ask = () => fetch(path, { ...init, headers, signal });
  // An instance that has broken down is replaced at once, and every request can be sent twice.
  const again = (/** @type {Response} */ response) => response.status === 500 ? ask() : response;
  const response = await ask().then(again).catch((error) => {
    if (init.signal?.aborted) throw error;
    if (error.name === "TimeoutError") {
      throw new Problem("The server took too long to answer.", { title: "No answer" });
    }
    if (!navigator.onLine) {
      throw new Problem("Connect to the network, then try again.", { title: "You are offline" });
    }
    const title = "No answer from the server";
    throw new Problem("Check the connection and try again.", { title });
  });
  if (response.ok) return response;
  throw await problemOf(response, sent);
}

/**
 * @template {object} T what the server answers
 * @param {string} path
 * @param {RequestInit} init
 * @param {(answer: Partial<Record<keyof T, unknown>>) => boolean} fits says whether an object has
 *   the members that matter most
 * @returns {Promise<T>}
 */
async function json(path, init, fits) {
  const response = await call(path, init);
  const answer = await response.json().catch((error) => {
    if (init.signal?.aborted) throw error;
  });
  if (typeof answer !== "object" || answer === null || !fits(answer)) {
    throw unknown(response.status);
  }
  return answer;
}
