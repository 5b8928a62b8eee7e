// @ts-check
/**
 * One thing at a time: something newer takes the place of what runs, except of a request to the
 * server, which first has to be cancelled. What failed can be tried again.
 */

import * as view from "./view.js";

/** After so long a search is no longer usual: the model is being loaded. */
const WAKING_MS = 1500;

let running = new AbortController();

/** Stops what runs; it leaves the page alone from now on. */
export function cancel() {
  running.abort();
}

/**
 * Runs one thing in place of what ran before. Its failure becomes a sentence on the page.
 * @param {import("./view.js").State} state
 * @param {string} status
 * @param {(signal: AbortSignal) => Promise<void>} work must stop quietly once the signal is aborted
 */
export async function run(state, status, work) {
  if (view.state() === "working") return;
  cancel();
  const { signal } = (running = new AbortController());
  view.enter(state, status);
  try {
    await work(signal);
  } catch (error) {
    if (signal.aborted) return;
    const problem = error instanceof Error ? error : new Error(String(error));
    const { retryAfter = 0, status: code = 0 } = /** @type {any} */ (problem);
    const again = () => run(state, status, work);
    view.fail(code === 429 ? tooMany(retryAfter) : problem, { again, afterSeconds: retryAfter });
  }
}

/** @param {number} seconds */
function tooMany(seconds) {
  const message = `Your network has sent many requests. Wait ${seconds} seconds.`;
  return { title: "Too many tries", message };
}

/**
 * Waits for the model, and says so when it takes long.
 * @template T
 * @param {Promise<T>} answer
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
export async function patiently(answer, signal) {
  const timer = setTimeout(() => {
    if (!signal.aborted) view.status("Waking the model, a few seconds…");
  }, WAKING_MS);
  return answer.finally(() => clearTimeout(timer));
}
