// @ts-check
/**
 * Runs one task at a time. A newer task ends the older one; only a request to the server has to be
 * cancelled by people first. A task that failed can be tried again.
 */

import { Problem } from "../server/problem.js";
import * as view from "./view.js";

/** A search that takes longer than this waits for the model to be loaded. */
const WAKING_MS = 1500;

let running = new AbortController();

/** Stops the running task. It no longer changes the page from then on. */
export function cancel() {
  running.abort();
}

/**
 * Runs a task in place of the one before. Its failure becomes a sentence on the page.
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
    const { retryAfter, status: code } =
      problem instanceof Problem ? problem : { retryAfter: 0, status: 0 };
    const again = () => run(state, status, work);
    view.fail(code === 429 ? tooMany(retryAfter) : problem, { again, afterSeconds: retryAfter });
  }
}

/** @param {number} seconds */
function tooMany(seconds) {
  const wait = seconds > 1 ? `${seconds} seconds` : "a moment";
  const message = `Your network has sent many requests. Wait ${wait}.`;
  return { title: "Too many tries", message };
}

/**
 * Waits for the server, and says so when that takes long.
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
