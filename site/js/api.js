// @ts-check
/**
 * The server's HTTP API. The only module that talks to the network; everything it throws is a
 * {@link Problem}, whose words can be shown to people, or the reason of an abort.
 */

/** @typedef {{id: string, name: string, distance: number, picture: string,
 *   pictures?: number}} Match  pictures of the person, one if that is missing */
/** @typedef {"match" | "possible" | "none"} Verdict */
/** @typedef {{verdict: Verdict, threshold: number, possible_threshold: number,
 *   matches: Match[]}} Matches */
/** @typedef {{id: string, name: string, delete_token: string, expires_at: string,
 *   searchable?: boolean, pictures?: number}} Enrolled */
/** @typedef {{id: string, searchable: boolean, expires_at: string}} Status */

/** A cold start loads 47 MB of weights; after a minute nobody waits any more. */
const TIMEOUT_MS = 60_000;

/** A request that did not succeed. */
export class Problem extends Error {
  /**
   * @param {string} message a sentence or two that say what to do
   * @param {{title?: string, status?: number, retryAfter?: number}} [more] status of HTTP, 0 when
   *   there was no answer; seconds to wait before trying again makes sense
   */
  constructor(message, { title = "", status = 0, retryAfter = 0 } = {}) {
    super(message);
    this.title = title;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/**
 * Searches for the faces nearest to a crop, which the server does not keep.
 * @param {Blob} crop
 * @param {AbortSignal} signal
 * @returns {Promise<Matches>}
 */
export async function match(crop, signal) {
  const headers = { "content-type": crop.type };
  const answer = await json("/match", { method: "POST", headers, body: crop, signal });
  if (!Array.isArray(answer?.matches)) throw unknown(200);
  return answer;
}

/**
 * Stores a crop under a name. Only to be called after the person agreed.
 * @param {string} name
 * @param {Blob} crop
 * @param {string} [token] of the person to whom the picture is added; somebody new without
 * @returns {Promise<Enrolled>}
 */
export async function enrol(name, crop, token) {
  const body = new FormData();
  body.set("name", name);
  body.set("consent", "true");
  body.set("image", crop, "face.png");
  const headers = bearer(token);
  const answer = await json("/add", { method: "POST", headers, body });
  if (typeof answer?.delete_token !== "string") throw unknown(201);
  return answer;
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
 * Deletes all that is stored of a person.
 * @param {string} token
 */
export async function forget(token) {
  await call("/faces", { method: "DELETE", headers: bearer(token) });
}

/** @param {string} [token] */
function bearer(token) {
  return token ? { authorization: `Bearer ${token}` } : undefined;
}

/**
 * @param {string} id
 * @returns {Promise<Status>}
 */
export function status(id) {
  return json(`${face(id)}/status`, {});
}

/** @returns {Promise<any>} facts of this deployment, see /openapi.json */
export function config() {
  return json("/config", {});
}

/**
 * The address of a stored face's picture.
 * @param {string} id
 */
export function face(id) {
  return `/faces/${encodeURIComponent(id)}`;
}

/**
 * Brings a file into the browser's cache.
 * @param {string} url
 * @param {(bytes: number) => void} onBytes told how many have arrived since the last time
 */
export async function download(url, onBytes) {
  const response = await fetch(url);
  if (!response.ok) throw unknown(response.status);
  const reader = response.body?.getReader();
  for (let part; (part = await reader?.read()) && !part.done; ) onBytes(part.value.length);
}

/**
 * @param {string} path
 * @param {RequestInit} init
 * @returns {Promise<Response>} a success
 */
async function call(path, init) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
  const response = await fetch(path, { ...init, signal }).catch((error) => {
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
  const problem = await response.json().catch(() => undefined);
  if (typeof problem?.detail !== "string") throw unknown(response.status);
  throw new Problem(problem.detail, {
    title: problem.title,
    status: response.status,
    retryAfter: Number(response.headers.get("retry-after")) || 0,
  });
}

/**
 * @param {string} path
 * @param {RequestInit} init
 * @returns {Promise<any>}
 */
async function json(path, init) {
  const response = await call(path, init);
  return response.json().catch((error) => {
    throw init.signal?.aborted ? error : unknown(response.status);
  });
}

/** @param {number} status */
function unknown(status) {
  const title = "Something is wrong with the server";
  const message = `It gave an answer that this page does not know (${status}).`;
  return new Problem(message, { title, status });
}
