// @ts-check
/** The form with which people enrol, with a consent of its own. */

import * as api from "./api.js";
import { follow, showAll } from "./enrolled.js";
import { remembered } from "./remembered.js";
import * as session from "./session.js";
import { patiently, run } from "./task.js";
import * as view from "./view.js";

const { element, elementOf } = view;
const person = elementOf(HTMLSelectElement, "person");
const nameField = elementOf(HTMLInputElement, "name");
const agreed = elementOf(HTMLInputElement, "agree");

/** Opens the form. */
export function openForm() {
  const all = remembered.all();
  const names = all.map(({ name, delete_token }) => new Option(name, delete_token));
  person.replaceChildren(new Option("Somebody new", ""), ...names);
  const intended = all.find(({ delete_token }) => delete_token === session.intendedFor());
  person.value = intended?.delete_token ?? "";
  element("person-field").hidden = all.length === 0;
  choosePerson();
  agreed.checked = false;
  complain("");
  view.enter("cropped");
  view.panel("enrol");
  if (person.value === "") nameField.focus({ preventScroll: true });
}

/** Takes over the chosen person. Only a new person needs a name. */
export function choosePerson() {
  session.intendFor(person.value);
  element("name-field").hidden = session.intendedFor() !== "";
}

/** @param {Event} event of submitting the form */
export function enrol(event) {
  event.preventDefault();
  const { crop } = session.current() ?? {};
  if (!crop) return;
  const known = remembered.all().find(({ delete_token }) => delete_token === session.intendedFor());
  const name = known?.name ?? nameField.value.trim();
  if (name === "") return complain("Type a name first. A nickname will do.", "name");
  if (!agreed.checked) return complain("Tick the box to agree first.", "agree");
  complain("");
  const token = known?.delete_token ?? newToken();
  const isNew = known === undefined || known.id === "";
  run("working", "Enrolling…", async (signal) => {
    if (isNew) remembered.expect(name, token);
    const enrolled = await patiently(api.enrol(name, crop, token, isNew), signal)
      .catch(async (problem) => {
        // The server has refused it, so nothing is stored. Without an answer that is not sure.
        if (isNew && problem.status >= 400 && problem.status < 500) remembered.remove(token);
        else if (isNew && signal.aborted) await undo(token);
        throw problem;
      });
    // Cancelled after the request was sent: the enrolment is undone.
    if (signal.aborted) {
      if (isNew) return undo(token);
      return api.forgetFace(enrolled.id, token);
    }
    remembered.add(enrolled);
    session.intendFor();
    nameField.value = "";
    view.panel("none");
    view.enter("enrolled");
    showAll(token);
    view.notice(`Enrolled as ${enrolled.name}. You can delete it here at any time.`);
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
