// @ts-check
/** What goes wrong with a request, in words that can be shown to people. */

import * as key from "./key.js";

/** The type of the problem that a key is missing or wrong. */
const WRONG_KEY = "urn:cface:problem:wrong-key";

/** What people without a key are told where one is needed. */
export const INVITED = "Open this page by the link that you were given. It ends with a key.";

/** A request that did not succeed. */
export class Problem extends Error {
  /**
   * @param {string} message a sentence or two that say what to do
   * @param {{title?: string, status?: number, retryAfter?: number}} [more] the HTTP status, or 0
   *   when there was no answer; the seconds to wait before another try
   */
  constructor(message, { title = "", status = 0, retryAfter = 0 } = {}) {
    super(message);
    this.title = title;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/**
 * The problem that the server has answered with.
 * @param {Response} response
 * @param {string} sent the key that was sent, or nothing without one
 * @returns {Promise<Problem>}
 */
export async function problemOf(response, sent) {
  const { status, headers } = response;
  const problem = await response.json().catch(() => undefined);
  if (typeof problem?.detail !== "string") return unknown(status);
  if (problem.type === WRONG_KEY) return wrongKey(sent, status);
  const retryAfter = Number(headers.get("retry-after")) || 0;
  return new Problem(problem.detail, { title: problem.title, status, retryAfter });
}

/**
 * @param {string} sent
 * @param {number} status
 */
function wrongKey(sent, status) {
  if (!sent) return new Problem(INVITED, { title: "For invited people only", status });
  // Another tab may have taken a newer one meanwhile.
  if (key.kept() === sent) key.forget();
  const message = "This browser has dropped it. Try again without a key, or ask for a new link.";
  return new Problem(message, { title: "Your key is no longer valid", status });
}

/**
 * The problem of an answer that makes no sense.
 * @param {number} status
 */
export function unknown(status) {
  const title = "Something is wrong with the server";
  const message = `It gave an answer that this page does not know (${status}).`;
  return new Problem(message, { title, status });
}
