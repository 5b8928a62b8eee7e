// @ts-check
/**
 * The page as people see it: the only module that changes the document. It holds no state but the
 * document itself, and puts what comes from the server or from people there as text only.
 */

/** @typedef {"idle"|"loading"|"camera"|"cropped"|"working"|"result"|"enrolled"|"error"} State */
/** @typedef {"empty"|"camera"|"still"} Stage */

/**
 * The element with a hook. The page does not work without it, so a missing one is our mistake.
 * @param {string} hook without `data-`
 * @param {ParentNode} [within]
 * @returns {any}
 */
export function element(hook, within = document) {
  const found = within.querySelector(`[data-${hook}]`);
  if (!found) throw new Error(`no element with data-${hook}`);
  return found;
}

const consent = /** @type {HTMLInputElement} */ (element("consent"));

/** @returns {State} */
export function state() {
  return /** @type {State} */ (document.body.dataset.state);
}

/**
 * Enters a state: says so, and lets people press only what makes sense in it.
 * @param {State} next
 * @param {string} [status] what is going on, in words
 */
export function enter(next, status = "") {
  document.body.dataset.state = next;
  element("status").textContent = status;
  const error = element("error");
  error.hidden = next !== "error";
  if (error.hidden) error.textContent = "";
  if (next !== "idle") notice("");
  const [agreed, working] = [consent.checked, next === "working"];
  document.body.toggleAttribute("data-agreed", agreed);
  consent.disabled = working;
  for (const hook of ["start-camera", "file"]) element(hook).disabled = !agreed || working;
  const busy = working || next === "loading";
  for (const hook of ["capture", "match", "enrol", "name"]) element(hook).disabled = busy;
  element("forget-code").disabled = working;
  for (const button of document.querySelectorAll("[data-forget]")) {
    /** @type {HTMLButtonElement} */ (button).disabled = working;
  }
}

/**
 * Chooses what the viewfinder shows, and gives it that picture's shape.
 * @param {Stage} stage
 * @param {{width: number, height: number, mirrored?: boolean}} [picture]
 */
export function stage(stage, picture) {
  const finder = element("finder");
  document.body.dataset.stage = stage;
  document.body.toggleAttribute("data-mirrored", picture?.mirrored ?? false);
  if (picture) finder.style.setProperty("--shape", `${picture.width} / ${picture.height}`);
  else finder.style.removeProperty("--shape");
  if (stage !== "empty") finder.scrollIntoView({ block: "nearest" });
}

/** @param {string} sentence */
export function fail(sentence) {
  const box = element("error");
  box.textContent = sentence;
  enter("error");
  box.focus();
}

/** @param {string} sentence shown, with nothing else in the way, until something else happens */
export function notice(sentence) {
  const box = element("notice");
  box.textContent = sentence;
  box.hidden = sentence === "";
  if (sentence !== "") box.focus();
}

/**
 * Shows the crop that has been drawn, and what can be done with it.
 * @param {string} note
 */
export function showCrop(note) {
  element("crop-note").textContent = note;
  element("work").hidden = false;
  enter("cropped", "Face found.");
  focus("work-title");
}

/** Takes crop and result away. What was enrolled stays: its token is shown only once. */
export function clear() {
  element("work").hidden = true;
  clearResult();
}

/** Takes the result away. */
export function clearResult() {
  element("result-panel").hidden = true;
  element("verdict").dataset.verdict = "";
  element("results").replaceChildren();
}

/** @param {string} id of the heading that begins what is new, for keyboard and screen reader */
export function focus(id) {
  const heading = document.getElementById(id);
  heading?.focus({ preventScroll: true });
  heading?.closest("section")?.scrollIntoView({ block: "nearest" });
}
