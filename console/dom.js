// Elements without markup in strings: what comes from data is always text.

/** Makes an element: h("a", {href: "/", onclick: go}, "text", child). */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

/** Puts children in the place of an element's own, as h takes them. */
export function put(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child != null && child !== false));
}

/** Sets an element's text, leaving the page alone when nothing changed. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A command in a box, with a button that copies it. What is copied may differ from what is shown. */
export function command(label, shown, copied = shown) {
  const button = h("button", { type: "button", class: "copy", "aria-label": `Copy: ${label}` }, "Copy");
  button.hidden = !navigator.clipboard; // browsers have one only on HTTPS and on this machine
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(copied);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return h("div", { class: "command" },
    h("div", { class: "label" }, label, button),
    h("pre", { tabindex: "0", "aria-label": label }, h("code", {}, shown)));
}

/** What went wrong and what to do about it. */
export function problemBox(problem, ...actions) {
  return h("div", { class: "problem", role: "alert" },
    h("p", {}, h("strong", {}, sentence(problem.detail ?? problem.message))),
    problem.hint && h("p", {}, sentence(problem.hint)),
    actions);
}

/** The text with a capital letter and a full stop. */
export function sentence(text) {
  const full = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(full) ? full : `${full}.`;
}
