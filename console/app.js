// The console: who you are, and the part of the page that the address names.

import { Connectors } from "./connectors.js";
import { h, problemBox } from "./dom.js";
import { Home } from "./home.js";
import { whoAmI } from "./me.js";
import { Models } from "./models.js";
import { Schedules } from "./schedules.js";
import { finishSignIn, session, signIn, signOut, useKey } from "./session.js";

const main = document.querySelector("main");
const out = document.querySelector("#sign-out");
out.addEventListener("click", signOut);

// The parts, by what the address begins with. The first is for what no other is.
const PARTS = [
  { name: "Datasets", link: "#/", begins: /^(?!)/, of: Home, seen: () => true },
  { name: "Models", link: "#models", begins: /^#models(\/|$)/, of: Models, seen: (caller) => caller.mayAnywhere("models:read") },
  { name: "Schedules", link: "#schedules", begins: /^#schedules(\/|$)/, of: Schedules, seen: (caller) => caller.mayAnywhere("schedules:read") },
  { name: "Connectors", link: "#connectors", begins: /^#connectors(\/|$)/, of: Connectors, seen: (caller) => caller.mayAnywhere("connectors:manage") },
];

let view = { stop() {} }; // what is on the page

function show(next) {
  view.stop();
  view = next;
  out.hidden = !session();
  main.replaceChildren(next.element);
}

/** The page for somebody we do not know. */
class Welcome {
  constructor(problem) {
    this.trouble = h("div", {}, problem && problemBox(problem));
    const button = h("button", { type: "button", class: "primary", onclick: () => this.#signIn(button) }, "Sign in");
    this.element = h("div", { class: "welcome" },
      h("h1", {}, "Events go in. Exact numbers come out."),
      h("p", { class: "soft" }, "Sign in to see your datasets: what arrived, what was counted, and what could not be stored, and why."),
      this.trouble, button, h("p", { class: "or" }, "or"), keyForm());
  }

  async #signIn(button) {
    button.disabled = true;
    try {
      await signIn();
    } catch (e) {
      button.disabled = false;
      this.trouble.replaceChildren(problemBox(e instanceof TypeError ? { detail: "the server cannot be reached", hint: "is it running?" } : e));
    }
  }

  stop() {}
}

function keyForm() {
  const input = h("input", { id: "key", type: "password", autocomplete: "off", spellcheck: "false", required: true, placeholder: "paste it here" });
  const use = (e) => {
    e.preventDefault();
    useKey(input.value.trim());
    show(new Console());
  };
  return h("form", { onsubmit: use }, h("label", { for: "key" }, "API key"), h("div", { class: "field" }, input, h("button", { type: "submit" }, "Use")));
}

/** The page for somebody we know: its parts, and the one that the address names. */
class Console {
  #leaving = new AbortController();

  constructor() {
    this.menu = document.querySelector("#parts");
    this.element = h("div", {}, h("p", { class: "soft", role: "status" }, "Loading…"));
    addEventListener("hashchange", () => this.#go(), { signal: this.#leaving.signal });
    this.#begin();
  }

  async #begin() {
    try {
      this.caller = await whoAmI(this.#leaving.signal);
    } catch (problem) {
      if (problem.name === "AbortError" || problem.status === 401) return;
      this.element.replaceChildren(problemBox(problem));
      setTimeout(() => { if (!this.#leaving.signal.aborted) this.#begin(); }, 3000);
      return;
    }
    this.parts = PARTS.filter((p) => p.seen(this.caller));
    this.menu.hidden = this.parts.length < 2;
    this.menu.replaceChildren(...this.parts.map((p) => h("a", { href: p.link }, p.name)));
    this.#go();
  }

  stop() {
    this.#leaving.abort();
    this.menu.hidden = true;
    this.part?.stop();
  }

  #go() {
    if (!this.parts) return;
    const of = this.parts.find((p) => p.begins.test(location.hash)) ?? this.parts[0];
    [...this.menu.children].forEach((a, i) => (this.parts[i] === of ? a.setAttribute("aria-current", "page") : a.removeAttribute("aria-current")));
    if (this.of === of) { this.part.go(); return; }
    this.part?.stop();
    this.of = of;
    this.part = new of.of(this.caller);
    this.element.replaceChildren(this.part.element);
  }
}

addEventListener("signed-out", (e) => show(new Welcome(e.detail)));

try {
  await finishSignIn();
  show(session() ? new Console() : new Welcome());
} catch (e) {
  show(new Welcome(e));
}
