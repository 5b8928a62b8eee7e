// @ts-check
/**
 * The samples: photographs of public figures, for whom people can search before they show their own
 * face. They have a gallery of their own. No visitor's face is looked at, so there is nothing to
 * agree to.
 */

import * as session from "../page/session.js";
import { run } from "../page/task.js";
import * as view from "../page/view.js";
import * as api from "../server/api.js";
import { match } from "./result.js";

/** Shows the faces that can be searched for. */
export function open() {
  session.begin();
  session.forget();
  view.enter("idle");
  view.panel("samples");
  api.wake();
}

/** @param {string} picture the address of the one that is searched for */
export function search(picture) {
  run("loading", "Searching…", async (signal) => {
    const crop = await api.picture(picture);
    if (signal.aborted) return;
    session.forget();
    session.hold(crop);
    match();
  });
}

/** Back to where people show their own face. */
export function leave() {
  session.forget();
  view.enter("idle");
  view.panel("none");
  view.element("consent").focus();
}
