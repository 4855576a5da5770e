// What forms are made of. Each field has a label, and a hint that belongs to it.

import { h, problemBox } from "./dom.js";

let made = 0;

/** A field: a label above an input, select or textarea, and what more is to know below. */
export function field(label, control, hint) {
  control.id ||= `field-${++made}`;
  const note = hint && h("p", { class: "hint", id: `${control.id}-hint` }, hint);
  if (note) control.setAttribute("aria-describedby", note.id);
  return h("div", { class: "item" }, h("label", { for: control.id }, label), control, note);
}

/** A box to tick, with its label behind it. */
export function tick(label, attributes = {}) {
  return h("label", { class: "tick" }, h("input", { type: "checkbox", ...attributes }), h("span", {}, label));
}

/** A select. options are [value, text] pairs, or values. */
export function select(options, chosen, attributes = {}) {
  return h("select", attributes, options.map((o) => {
    const [value, text] = [o].flat().length === 2 ? o : [o, o];
    return h("option", { value, selected: value === chosen }, text);
  }));
}

/** One of a few, side by side. options are [value, text]. */
export function choice(legend, name, options, chosen, onchange) {
  return h("fieldset", { class: "choice" }, h("legend", { class: "hidden" }, legend), options.map(([value, text]) =>
    h("label", {}, h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value) }), h("span", {}, text))));
}

/** Which of a choice is chosen. */
export const chosen = (fieldset) => fieldset.querySelector("input:checked")?.value;

/** A button that is out of use while work runs, and whose trouble shows in `trouble`. */
export function action(text, work, trouble, attributes = {}) {
  const button = h("button", { type: "button", ...attributes }, text);
  button.addEventListener("click", () => attempt(button, work, trouble));
  return button;
}

/** Does work once at a time. Returns whether it went well. */
export async function attempt(button, work, trouble) {
  button.disabled = true;
  trouble.replaceChildren();
  try {
    await work();
    return true;
  } catch (problem) {
    if (problem.name !== "AbortError") trouble.replaceChildren(problemBox(problem));
    return false;
  } finally {
    button.disabled = false;
  }
}

/** Asks before what cannot be undone. Resolves to whether it is meant. */
export function confirmed(question, explanation, yes) {
  const dialog = h("dialog", { "aria-labelledby": "question" }, h("form", { method: "dialog" },
    h("h2", { id: "question" }, question), h("p", {}, explanation),
    h("div", { class: "actions" }, h("button", { value: "yes", class: "danger" }, yes), h("button", { value: "no", autofocus: true }, "Cancel"))));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
