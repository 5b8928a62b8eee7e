// @ts-check
/**
 * One thing at a time: something newer takes the place of what runs, except of a request, which
 * cannot be taken back.
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
    if (!signal.aborted) view.fail(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Waits for the server, and says so when it takes long.
 * @template T
 * @param {Promise<T>} answer
 * @returns {Promise<T>}
 */
export async function patiently(answer) {
  const waking = () => view.enter("working", "Waking the model… this can take a few seconds.");
  const timer = setTimeout(waking, WAKING_MS);
  return answer.finally(() => clearTimeout(timer));
}
