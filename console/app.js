// The console: who you are, which datasets there are, one of them in detail.

import { call } from "./api.js";
import { createDataset } from "./commands.js";
import { h, problemBox, setText } from "./dom.js";
import { compact } from "./format.js";
import { Panel } from "./panel.js";
import { poll } from "./poll.js";
import { finishSignIn, session, signIn, signOut, useKey } from "./session.js";

const main = document.querySelector("main");
const out = document.querySelector("#sign-out");
out.addEventListener("click", signOut);

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
    show(new Home());
  };
  return h("form", { onsubmit: use }, h("label", { for: "key" }, "API key"), h("div", { class: "field" }, input, h("button", { type: "submit" }, "Use")));
}

/** The page for somebody we know. */
class Home {
  constructor() {
    this.list = h("ul");
    this.trouble = h("div");
    this.place = h("div", { class: "place" }, h("p", { class: "soft", role: "status" }, "Loading…"));
    this.more = h("button", { type: "button", class: "plain", hidden: true, onclick: () => this.#load(this.next).catch((e) => this.#complain(e)) }, "Show more");
    this.nav = h("nav", { "aria-label": "Datasets", hidden: true }, h("h2", {}, "Datasets"), this.list, this.more);
    this.element = h("div", { class: "home" }, this.nav, h("div", {}, this.trouble, this.place));
    this.counts = new Map();
    this.select = () => { this.#select(); this.panel?.focus(); };
    addEventListener("hashchange", this.select);
    this.stopList = poll((signal) => this.#turn(signal), { least: 2000, most: 30_000, growth: 1.5 });
  }

  stop() {
    removeEventListener("hashchange", this.select);
    this.stopList();
    this.panel?.stop();
  }

  // The list, then the count of each dataset but the panel's own, which it counts itself.
  async #turn(signal) {
    const before = this.#names();
    try {
      if (!this.next || !this.datasets) await this.#load("", signal);
      for (const { name } of this.datasets) {
        if (name !== this.panel?.name) this.#count(name, (await call("GET", `v1/datasets/${name}`, undefined, signal)).rows);
      }
      this.trouble.replaceChildren();
    } catch (problem) {
      if (problem.name === "AbortError") return false;
      this.#complain(problem);
      throw problem;
    }
    return before !== this.#names();
  }

  #complain(problem) {
    if (!this.datasets) this.place.replaceChildren();
    if (!this.panel) this.trouble.replaceChildren(problemBox(problem)); // a panel tells of its own
  }

  #names() { return this.datasets?.map((d) => d.name).join(); }

  async #load(next, signal) {
    const before = this.#names();
    const page = await call("GET", "v1/datasets?limit=100" + (next && `&next=${encodeURIComponent(next)}`), undefined, signal);
    this.datasets = [...(next ? this.datasets : []), ...page.datasets];
    this.next = page.next;
    this.more.hidden = !page.next;
    if (before === this.#names()) return;
    this.#draw();
    this.#select();
  }

  #draw() {
    this.nav.hidden = this.datasets.length === 0;
    this.list.replaceChildren(...this.datasets.map(({ name, kind }) => {
      if (!this.counts.has(name)) this.counts.set(name, h("span", { class: "count" }));
      return h("li", {}, h("a", { href: `#/${name}` },
        h("span", { class: "name" }, name), this.counts.get(name), h("span", { class: "kind" }, kind)));
    }));
  }

  #select() {
    const wanted = decodeURIComponent(location.hash.replace(/^#\//, ""));
    const name = wanted || this.datasets?.[0]?.name;
    if (!this.datasets) return;
    if (!name) { this.place.replaceChildren(welcomeIn()); return; }
    for (const link of this.list.querySelectorAll("a")) {
      if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (this.panel?.name === name) return;
    this.panel?.stop();
    this.panel = new Panel(name, (of, rows) => this.#count(of, rows));
    this.place.replaceChildren(this.panel.element);
    document.title = `${name} – Tarn`;
  }

  #count(name, rows) {
    const place = this.counts.get(name);
    if (place) setText(place, compact(rows));
  }
}

function welcomeIn() {
  return h("article", { class: "empty" }, h("h1", {}, "No datasets yet"), h("p", {}, "A dataset holds events of one kind of source. Make one, then send it something."), createDataset());
}

addEventListener("signed-out", (e) => show(new Welcome(e.detail)));

try {
  await finishSignIn();
  show(session() ? new Home() : new Welcome());
} catch (e) {
  show(new Welcome(e));
}
