// @ts-check
/** The form with which people enrol one or more pictures, and agree to that. */

import * as session from "../page/session.js";
import { patiently, run } from "../page/task.js";
import * as view from "../page/view.js";
import * as api from "../server/api.js";
import { follow, showAll } from "./enrolled.js";
import { remembered } from "./remembered.js";

const { element, elementOf } = view;
const person = elementOf(HTMLSelectElement, "person");
const nameField = elementOf(HTMLInputElement, "name");
const agreed = elementOf(HTMLInputElement, "agree");

/** Pictures of one person that the server stores, `PERSON_PICTURES_MAX` in `wire::limits`. */
const PICTURES_MAX = 8;

/** Begins an enrolment with the present crop. The camera is asked for pictures from other sides. */
export async function begin() {
  session.collect(true);
  (await import("../viewfinder/capture.js")).guideThrough();
}

/** Shows the form with the pictures that there are. */
function showForm() {
  session.collect(true);
  const all = remembered.all();
  const names = all.map(({ name, delete_token }) => new Option(name, delete_token));
  person.replaceChildren(new Option("Somebody new", ""), ...names);
  const intended = all.find(({ delete_token }) => delete_token === session.intendedFor());
  person.value = intended?.delete_token ?? "";
  element("person-field").hidden = all.length === 0;
  agreed.checked = false;
  complain("");
  view.enter("cropped");
  view.panel("enrol");
  choosePerson();
  if (person.value === "") nameField.focus({ preventScroll: true });
}

/** Leaves the form. Its pictures are still there when it is opened again. */
export function back() {
  session.collect(false);
  view.panel("work");
}

/** Takes one more picture of the person. */
export async function addPicture() {
  (await import("../viewfinder/capture.js")).another();
}

function showPictures() {
  const crops = session.all();
  const items = crops.map((crop, at) => {
    const item = view.copyTemplate("picture-template");
    const image = elementOf(HTMLImageElement, "picture", item);
    image.src = crop.url;
    image.alt = `Picture ${at + 1} of ${crops.length}`;
    const remove = element("remove", item);
    remove.hidden = crops.length === 1;
    remove.setAttribute("aria-label", `Remove picture ${at + 1}`);
    remove.onclick = () => {
      session.drop(crop);
      showPictures();
      view.focus(element("panel-enrol"));
    };
    return item;
  });
  element("pictures").replaceChildren(...items);
  const stored = known()?.pictures ?? 0;
  element("add-picture").hidden = crops.length + stored >= PICTURES_MAX;
}

/** Takes over the chosen person. Only a new person needs a name. */
export function choosePerson() {
  session.intendFor(person.value);
  element("name-field").hidden = session.intendedFor() !== "";
  showPictures();
}

/** The person who is enrolled already, if one is chosen. */
function known() {
  return remembered.all().find(({ delete_token }) => delete_token === session.intendedFor());
}

/** @param {Event} event of submitting the form */
export function enrol(event) {
  event.preventDefault();
  const crops = session.all().map(({ blob }) => blob);
  if (crops.length === 0) return;
  const somebody = known();
  const name = somebody?.name ?? nameField.value.trim();
  if (name === "") return complain("Type a name first. A nickname will do.", "name");
  if (!agreed.checked) return complain("Tick the box to agree first.", "agree");
  complain("");
  const token = somebody?.delete_token ?? newToken();
  const isNew = somebody === undefined || somebody.id === "";
  run("working", "Enrolling…", async (signal) => {
    if (isNew) remembered.expect(name, token);
    const enrolled = await patiently(api.enrol(name, crops, token, isNew), signal)
      .catch(async (problem) => {
        // The server has refused it, so nothing is stored. Without an answer nobody knows.
        if (isNew && problem.status >= 400 && problem.status < 500) remembered.remove(token);
        else if (isNew && signal.aborted) await undo(token);
        throw problem;
      });
    // Cancelled after the request was sent: the enrolment is undone.
    if (signal.aborted) {
      if (isNew) return undo(token);
      await Promise.all(enrolled.ids.map((id) => api.forgetFace(id, token)));
      return;
    }
    remembered.add(enrolled);
    session.begin();
    nameField.value = "";
    view.panel("none");
    view.enter("enrolled");
    showAll(token);
    // The name is isolated, because it may be written from right to left.
    const words = `\u2068${enrolled.name}\u2069 is enrolled`;
    const count = crops.length > 1 ? ` with ${crops.length} pictures` : "";
    view.notice(`${words}${count}. You can delete that here at any time.`);
    follow(enrolled, enrolled.searchable);
  });
}

/** A delete token: 32 random bytes. */
function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Deletes a new person, who may not be stored yet.
 * @param {string} token
 */
async function undo(token) {
  await api.forget(token).catch((problem) => {
    if (problem.status !== 404) throw problem;
  });
  remembered.remove(token);
}

/**
 * Says what is missing in the form.
 * @param {string} sentence
 * @param {string} [hook] of the field
 */
function complain(sentence, hook) {
  const line = element("form-error");
  line.textContent = sentence;
  line.hidden = sentence === "";
  for (const field of ["name", "agree"]) {
    element(field).setAttribute("aria-invalid", String(field === hook));
  }
  if (hook) element(hook).focus();
}

session.onCollected(showForm);
