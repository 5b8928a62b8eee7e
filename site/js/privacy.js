// @ts-check
/** The privacy page: puts what the server says about itself into the texts and the table. */

import { config, fillFacts } from "./deployment.js";

const { stored, allowed_origins: origins } = (await config()) ?? {};
await fillFacts();
const rows = document.querySelector("[data-stored]");
const template = /** @type {HTMLTemplateElement} */ (document.querySelector("template"));
for (const entry of stored ?? []) {
  const row = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  for (const cell of row.querySelectorAll("[data-column]")) {
    cell.textContent = entry[/** @type {HTMLElement} */ (cell).dataset.column ?? ""];
  }
  rows?.append(row);
}
const others = document.querySelector("[data-origins]");
if (others && origins?.length > 0) {
  others.textContent = origins.includes("*") ? "any website" : origins.join(", ");
}
document.body.dataset.state = stored ? "told" : "untold";
