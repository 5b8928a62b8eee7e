// @ts-check
/**
 * Searches with the crop and shows the answer: the verdict in words, and the nearest faces, each on
 * a scale of distances with the thresholds marked.
 */

import * as api from "./api.js";
import * as session from "./session.js";
import { show } from "./stored-picture.js";
import { patiently, run } from "./task.js";
import { copyTemplate, element, elementOf, enter, panel } from "./view.js";

/** @typedef {import("./api.js").Matches} Matches */
/** @typedef {import("./api.js").Match} Match */

/** The scale of distances ends here. Larger distances say nothing more. */
const SCALE_END = 1.4;

/** Searches for the faces nearest to the crop, and shows them. */
export function match() {
  const crop = session.current();
  if (!crop) return;
  run("working", "Searching…", async (signal) => {
    const answer = await patiently(api.match(crop.blob, signal), signal);
    if (!signal.aborted) showResult(answer);
  });
}

/** @param {Matches} answer */
function showResult({ verdict, threshold, possible_threshold: possible, matches }) {
  const [nearest] = matches;
  const known = nearest !== undefined && (verdict === "match" || verdict === "possible");
  const heading = element("verdict");
  const shown = known || verdict === "incomplete" ? verdict : "none";
  const [title, meaning] = words(shown, nearest?.name ?? "");
  element("title").replaceChildren(...title);
  element("meaning").textContent = meaning;
  element("pair").hidden = !known;
  if (known) {
    const picture = elementOf(HTMLImageElement, "pair-picture");
    picture.removeAttribute("src");
    show(picture, nearest.id);
    picture.alt = `The stored picture of ${nearest.name}`;
  }
  const thresholds = { threshold, possible };
  element("results").replaceChildren(...matches.map((match) => resultItem(match, thresholds)));
  element("nearest").hidden = matches.length === 0;
  element("match-threshold").textContent = number(threshold);
  element("possible-threshold").textContent = number(possible);
  enter("result");
  panel("result");
  element("again").hidden = shown !== "incomplete";
  heading.dataset.verdict = shown;
}

/**
 * @param {string} verdict
 * @param {string} name
 * @returns {[(string | Node)[], string]} title and meaning
 */
function words(verdict, name) {
  if (verdict === "match") {
    return [
      ["This looks like ", isolated(name)],
      "The faces are more alike than two people’s usually are. Look-alikes exist: look yourself.",
    ];
  }
  if (verdict === "possible") {
    return [
      ["This might be ", isolated(name)],
      "Not sure. It can be the same person in other light, or somebody who looks alike. Compare.",
    ];
  }
  if (verdict === "incomplete") {
    return [
      ["We could not look at all faces"],
      "Too many faces that look like this one were deleted just now, and are still in the way. " +
        "Search again in a minute or two.",
    ];
  }
  return [
    ["Nobody we know"],
    "No face that is enrolled here looks enough like this one. The search has stored nothing.",
  ];
}

/**
 * A name in an element of its own, so that a script written from right to left leaves the rest of
 * the sentence in order.
 * @param {string} name
 */
function isolated(name) {
  const part = document.createElement("bdi");
  part.textContent = name;
  return part;
}

/**
 * @param {Match} match
 * @param {{threshold: number, possible: number}} thresholds
 */
function resultItem({ id, name, distance, pictures = 1 }, { threshold, possible }) {
  const item = copyTemplate("result-template");
  element("result-name", item).textContent = name;
  element("result-distance", item).textContent = number(distance);
  element("result-pictures", item).textContent = pictures > 1 ? `${pictures} pictures` : "";
  const image = elementOf(HTMLImageElement, "result-picture", item);
  image.alt = `Stored picture of ${name}`;
  show(image, id);
  const scale = element("scale", item);
  const marks = { "--at": distance, "--match": threshold, "--possible": possible };
  for (const [mark, value] of Object.entries(marks)) {
    scale.style.setProperty(mark, `${(100 * Math.min(1, value / SCALE_END)).toFixed(1)}%`);
  }
  const zone = distance <= threshold ? "match" : distance <= possible ? "possible" : "none";
  scale.dataset.scale = zone;
  element("result-zone", item).textContent = ZONES[zone];
  return item;
}

/** What the distance of one face means, in words. */
const ZONES = { match: "alike", possible: "not sure", none: "different" };

/** @param {number} value */
function number(value) {
  return Number(value).toFixed(2);
}
