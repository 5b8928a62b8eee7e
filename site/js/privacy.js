// @ts-check
/** The entry of the privacy page: puts the facts of the deployment into its texts and list. */

import { config, fillFacts } from "./server/deployment.js";

/** @typedef {import("./server/api.js").Stored} Stored */

const { stored, allowed_origins: origins = [] } = (await config()) ?? {};
await fillFacts();
const list = document.querySelector("[data-stored]");
const template = document.querySelector("template");
for (const entry of stored ?? []) {
  const item = template && document.importNode(template.content, true);
  for (const cell of item?.querySelectorAll("[data-column]") ?? []) {
    const column = /** @type {keyof Stored} */ (cell.getAttribute("data-column"));
    cell.textContent = entry[column];
  }
  if (item) list?.append(item);
}
const others = document.querySelector("[data-origins]");
if (others && origins.length > 0) {
  others.textContent = origins.includes("*") ? "any website" : origins.join(", ");
}
document.body.dataset.state = stored ? "told" : "untold";
