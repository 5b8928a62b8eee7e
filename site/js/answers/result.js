// @ts-check
/**
 * Searches with the crop and shows the answer: the verdict in words, the nearest faces with how
 * rarely a stranger is so near, and behind that their distances on a scale with the thresholds.
 */

import * as session from "../page/session.js";
import { patiently, run } from "../page/task.js";
import { copyTemplate, element, elementOf, enter, panel } from "../page/view.js";
import * as api from "../server/api.js";
import { chance, rarity } from "./explain.js";
import { show } from "./stored-picture.js";

/** @typedef {import("../server/api.js").Matches} Matches */
/** @typedef {import("../server/api.js").Match} Match */

/** The scale of distances ends here. Larger distances say nothing more. */
const SCALE_END = 1.4;

/** Searches for the faces nearest to the crop, and shows them. */
export function match() {
  const crop = session.current();
  if (!crop) return;
  run("working", "Searching…", async (signal) => {
    const answer = await patiently(api.match(crop.blob, signal, crop.isSample), signal);
    if (!signal.aborted) showResult(answer, crop.isSample);
  });
}

/**
 * @param {Matches} answer
 * @param {boolean} isSample whether the samples were searched
 */
function showResult(answer, isSample) {
  const { verdict, matches } = answer;
  const [nearest] = matches;
  const known = nearest !== undefined && (verdict === "match" || verdict === "possible");
  const heading = element("verdict");
  const shown = known || verdict === "incomplete" ? verdict : "none";
  const [title, meaning] = words(shown, answer, isSample);
  element("title").replaceChildren(...title);
  element("meaning").textContent = meaning;
  element("pair").hidden = !known;
  if (known) showPicture(elementOf(HTMLImageElement, "pair-picture"), nearest, isSample);
  element("pair-caption").textContent = isSample ? "Sample" : "Enrolled";
  element("results").replaceChildren(...matches.map((match) => resultItem(match, isSample)));
  const odds = known ? chance(answer.by_chance_at_most, answer.gallery_size_at_most) : "";
  element("chance").textContent = odds;
  element("chance").hidden = odds === "";
  showDistances(answer);
  element("nearest").hidden = matches.length === 0;
  enter("result");
  panel("result");
  element("again").hidden = shown !== "incomplete";
  for (const part of document.querySelectorAll("[data-of-samples]")) {
    part.toggleAttribute("hidden", !isSample);
  }
  for (const part of document.querySelectorAll("[data-of-people]")) {
    part.toggleAttribute("hidden", isSample);
  }
  heading.dataset.verdict = shown;
}

/**
 * @param {string} verdict
 * @param {Matches} answer
 * @param {boolean} isSample
 * @returns {[(string | Node)[], string]} title and meaning
 */
function words(verdict, { matches, ambiguous }, isSample) {
  const [nearest, second] = matches.map(({ name }) => isolated(name));
  if (verdict === "match") {
    return [
      ["This looks like ", nearest],
      "The faces are more alike than two people’s usually are. Look-alikes exist: look yourself.",
    ];
  }
  if (verdict === "possible" && ambiguous && second) {
    return [
      ["This might be ", nearest, " or ", second],
      "Two people are about equally near, so the search cannot tell which of them it is. Compare.",
    ];
  }
  if (verdict === "possible") {
    return [
      ["This might be ", nearest],
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
  const whose = isSample ? "None of the samples" : "No face that is enrolled here";
  return [
    ["Nobody we know"],
    `${whose} looks enough like this one. The search has stored nothing.`,
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
 * @param {HTMLImageElement} image
 * @param {Match} match
 * @param {boolean} isSample
 */
function showPicture(image, { id, name, picture }, isSample) {
  image.removeAttribute("src");
  image.alt = isSample ? `Sample picture of ${name}` : `Stored picture of ${name}`;
  if (isSample) image.src = new URL(picture, location.href).pathname;
  else show(image, id);
}

/**
 * @param {Match} match
 * @param {boolean} isSample
 */
function resultItem(match, isSample) {
  const { name, pictures = 1, false_match_rate_at_most: rate } = match;
  const item = copyTemplate("result-template");
  element("result-name", item).textContent = name;
  element("result-rarity", item).textContent = rarity(rate);
  element("result-pictures", item).textContent = pictures > 1 ? `${pictures} pictures` : "";
  showPicture(elementOf(HTMLImageElement, "result-picture", item), match, isSample);
  return item;
}

/** @param {Matches} answer whose distances are shown to whoever asks for them */
function showDistances({ matches, threshold, possible_threshold: possible }) {
  const items = matches.map(({ name, distance }) => {
    const item = copyTemplate("distance-template");
    element("distance-name", item).textContent = name;
    element("result-distance", item).textContent = number(distance);
    const scale = element("scale", item);
    const marks = { "--at": distance, "--match": threshold, "--possible": possible };
    for (const [mark, value] of Object.entries(marks)) {
      scale.style.setProperty(mark, `${(100 * Math.min(1, value / SCALE_END)).toFixed(1)}%`);
    }
    return item;
  });
  element("distances").replaceChildren(...items);
  element("match-threshold").textContent = number(threshold);
  element("possible-threshold").textContent = number(possible);
}

/** @param {number} value */
function number(value) {
  return Number(value).toFixed(2);
}
