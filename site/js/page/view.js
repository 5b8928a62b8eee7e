// @ts-check
/**
 * The page as people see it: its states, which buttons work in them, and the words that say what
 * is going on. The document is its only state, and data goes into the document as text only.
 */

/** @typedef {"idle"|"loading"|"camera"|"cropped"|"working"|"result"|"enrolled"|"error"} State */
/** @typedef {"empty"|"camera"|"still"} Stage */

/**
 * The element with a hook. The page does not work without it, so a missing one is our mistake.
 * @param {string} hook without `data-`
 * @param {ParentNode} [within]
 * @returns {HTMLElement}
 */
export function element(hook, within) {
  return elementOf(HTMLElement, hook, within);
}

/**
 * The same, of the kind of element that the caller needs.
 * @template {HTMLElement} E
 * @param {new () => E} kind
 * @param {string} hook
 * @param {ParentNode} [within]
 * @returns {E}
 */
export function elementOf(kind, hook, within = document) {
  const found = within.querySelector(`[data-${hook}]`);
  if (!(found instanceof kind)) throw new Error(`no ${kind.name} with data-${hook}`);
  return found;
}

/**
 * A copy of the only element in a template.
 * @param {string} hook of the template
 * @returns {HTMLElement}
 */
export function copyTemplate(hook) {
  const [original] = elementOf(HTMLTemplateElement, hook).content.children;
  const copy = document.importNode(original, true);
  if (!(copy instanceof HTMLElement)) throw new Error(`no element in data-${hook}`);
  return copy;
}

const { body } = document;
const consent = elementOf(HTMLInputElement, "consent");

/** @returns {State} */
export function state() {
  return /** @type {State} */ (body.dataset.state);
}

/**
 * Enters a state, and disables the buttons that make no sense in it.
 * @param {State} next
 * @param {string} [words] what is going on
 */
export function enter(next, words = "") {
  body.dataset.state = next;
  status(words);
  if (next !== "error") element("error").hidden = true;
  if (next !== "idle") notice("");
  const [agreed, working] = [consent.checked, next === "working"];
  body.toggleAttribute("data-agreed", agreed);
  consent.disabled = working;
  elementOf(HTMLButtonElement, "start-camera").disabled = !agreed || working;
  elementOf(HTMLInputElement, "file").disabled = !agreed || working;
  const busy = working || next === "loading";
  for (const button of document.querySelectorAll("[data-when-free]")) {
    /** @type {HTMLButtonElement} */ (button).disabled = busy;
  }
}

/**
 * Says what is going on.
 * @param {string} words
 * @param {number} [share] how much of it is done, 0 to 1, if that is known
 */
export function status(words, share) {
  const [line, bar] = [element("status"), elementOf(HTMLProgressElement, "progress")];
  if (line.textContent !== words) line.textContent = words;
  bar.hidden = share === undefined;
  bar.value = share ?? 0;
}

/**
 * Chooses what the viewfinder shows, and gives it that picture's shape.
 * @param {Stage} stage
 * @param {{width: number, height: number, mirrored?: boolean}} [picture]
 */
export function stage(stage, picture) {
  const viewfinder = element("viewfinder");
  body.dataset.stage = stage;
  body.toggleAttribute("data-mirrored", picture?.mirrored ?? false);
  if (picture) {
    viewfinder.style.setProperty("--shape", `${picture.width} / ${picture.height}`);
    viewfinder.style.setProperty("--ratio", String(picture.width / picture.height));
  } else {
    viewfinder.style.removeProperty("--shape");
    viewfinder.style.removeProperty("--ratio");
  }
  if (stage !== "empty") viewfinder.scrollIntoView({ block: "nearest" });
}

/**
 * Shows on the viewfinder what makes the picture better.
 * @param {string} words
 * @param {string} advice
 * @param {number} share how much of the time that the picture has to be good is over, 0 to 1
 */
export function advice(words, advice, share) {
  const line = element("hint");
  if (line.textContent !== words) line.textContent = words;
  body.dataset.advice = advice;
  element("capture").style.setProperty("--share", `${Math.round(100 * share)}%`);
}

/**
 * Shows what went wrong, and a button that tries again.
 * @param {{title?: string, message: string}} problem
 * @param {{again: () => void, afterSeconds: number}} [retry]
 */
export function fail({ title = "", message }, retry) {
  element("error-title").textContent = title;
  element("error-title").hidden = title === "";
  element("error-text").textContent = message;
  element("error").hidden = false;
  enter("error");
  countDown(retry);
  element("error").focus();
  element("error").scrollIntoView({ block: "nearest" });
}

/** @type {ReturnType<typeof setInterval> | undefined} */
let counting;

/** @param {{again: () => void, afterSeconds: number}} [retry] */
function countDown(retry) {
  const button = element("retry");
  clearInterval(counting);
  button.hidden = retry === undefined;
  if (!retry) return;
  const until = Date.now() + 1000 * retry.afterSeconds;
  const show = () => {
    const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    // A button with the attribute `disabled` would lose the focus.
    button.setAttribute("aria-disabled", String(left > 0));
    button.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
    if (left === 0) clearInterval(counting);
  };
  button.onclick = () => button.getAttribute("aria-disabled") === "true" || retry.again();
  counting = setInterval(show, 250);
  show();
}

/** @param {string} sentence shown until the page enters another state; empty removes it */
export function notice(sentence) {
  const box = element("notice");
  box.textContent = sentence;
  box.hidden = sentence === "";
  if (sentence !== "") box.focus();
}

/**
 * Shows one of the panels beside the viewfinder and moves the focus there, or hides all.
 * @param {"work" | "result" | "enrol" | "samples" | "none"} panel
 */
export function panel(panel) {
  for (const name of ["work", "result", "enrol", "samples"]) {
    element(`panel-${name}`).hidden = name !== panel;
  }
  body.dataset.panel = panel;
  if (panel !== "result") element("verdict").dataset.verdict = "";
  if (panel !== "none") focus(element(`panel-${panel}`));
}

/** @param {HTMLElement} section that has appeared; the focus goes to its heading */
export function focus(section) {
  section.querySelector("h2")?.focus({ preventScroll: true });
  section.scrollIntoView({ block: "nearest" });
}
