// @ts-check
/**
 * The server's HTTP API. The only module that calls `fetch`; everything it throws is a
 * {@link Problem}, whose message can be shown to people.
 */

/** @typedef {{id: string, name: string, distance: number, picture: string}} Match */
/** @typedef {"match" | "possible" | "none"} Verdict */
/** @typedef {{verdict: Verdict, threshold: number, matches: Match[]}} Matches */
/** @typedef {{id: string, name: string, delete_token: string, expires_at: string}} Enrolled */

/** A cold start loads 47 MB of weights; after a minute nobody waits any more. */
const TIMEOUT_MS = 60_000;

/** A request that did not succeed. The message is the problem document's `detail`. */
export class Problem extends Error {
  /**
   * @param {string} message
   * @param {number} [status] of HTTP; 0 when there was no answer
   */
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

/**
 * Searches for the faces nearest to a crop, which the server does not keep.
 * @param {Blob} crop
 * @returns {Promise<Matches>}
 */
export async function match(crop) {
  const headers = { "content-type": crop.type };
  const answer = await json(await call("/match", { method: "POST", headers, body: crop }));
  if (!Array.isArray(answer?.matches)) throw unknown(200);
  return answer;
}

/**
 * Stores a crop under a name. Only to be called after the person agreed.
 * @param {string} name
 * @param {Blob} crop
 * @returns {Promise<Enrolled>}
 */
export async function enrol(name, crop) {
  const body = new FormData();
  body.set("name", name);
  body.set("consent", "true");
  body.set("image", crop, "face.png");
  const answer = await json(await call("/add", { method: "POST", body }));
  if (typeof answer?.delete_token !== "string") throw unknown(201);
  return answer;
}

/**
 * Deletes a stored face: its picture, its name and its numbers.
 * @param {string} id
 * @param {string} token
 */
export async function forget(id, token) {
  const headers = { authorization: `Bearer ${token}` };
  await call(`/faces/${encodeURIComponent(id)}`, { method: "DELETE", headers });
}

/**
 * @param {string} path
 * @param {RequestInit} init
 * @returns {Promise<Response>} a success
 */
async function call(path, init) {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(path, { ...init, signal }).catch((error) => {
    throw new Problem(
      error.name === "TimeoutError"
        ? "The server took too long to answer. Try again."
        : "The server cannot be reached. Check the connection and try again.",
    );
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => undefined);
  if (typeof problem?.detail !== "string") throw unknown(response.status);
  throw new Problem(problem.detail, response.status);
}

/**
 * @param {Response} response
 * @returns {Promise<any>}
 */
function json(response) {
  return response.json().catch(() => {
    throw unknown(response.status);
  });
}

/** @param {number} status */
function unknown(status) {
  return new Problem(`The server gave an answer that this page does not know (${status}).`, status);
}
