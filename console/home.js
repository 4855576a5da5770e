// The datasets there are, and one of them, or what is done with it.

import { call } from "./api.js";
import { createDataset } from "./commands.js";
import { h, problemBox, setText } from "./dom.js";
import { Enrichment } from "./enrichment.js";
import { compact } from "./format.js";
import { bring, Load } from "./load.js";
import { NewTable } from "./newtable.js";
import { Panel } from "./panel.js";
import { poll } from "./poll.js";

/** The part of the page that is about datasets. */
export class Home {
  constructor(caller) {
    this.caller = caller;
    this.fresh = caller.mayAnywhere("dataset:create") && caller.may("rows:load");
    this.list = h("ul");
    this.trouble = h("div");
    this.place = h("div", { class: "place" }, h("p", { class: "soft", role: "status" }, "Loading…"));
    this.more = h("button", { type: "button", class: "plain", hidden: true, onclick: () => this.#load(this.next).catch((e) => this.#complain(e)) }, "Show more");
    this.nav = h("nav", { "aria-label": "Datasets", hidden: true }, h("h2", {}, "Datasets"), this.list, this.more,
      this.fresh && h("a", { class: "new", href: "#new" }, "New table from a file"));
    this.element = h("div", { class: "home" }, this.nav, h("div", {}, this.trouble, this.place));
    this.counts = new Map();
    this.stopList = poll((signal) => this.#turn(signal), { least: 2000, most: 30_000, growth: 1.5 });
  }

  /** Follows the address to what it names. */
  go() {
    this.#select();
    this.panel?.focus();
  }

  stop() {
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
    const making = location.hash === "#new";
    const [wanted, what, file, job] = making ? [] : location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
    const name = making ? "" : wanted || this.datasets?.[0]?.name;
    if (!this.datasets) return;
    if (!name && !making) { this.#put("", { element: welcomeIn(this.fresh), stop() {}, focus() {} }); return; }
    for (const link of this.list.querySelectorAll("a")) {
      if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const at = making ? "#new" : [name, what, file, job].filter(Boolean).join("/");
    if (this.at === at) return;
    document.title = `${name || "New table"} – Tarn`;
    this.#put(at, making ? new NewTable() : this.#view(name, what, file, job));
  }

  #view(name, what, file, job) {
    const mayLoad = this.caller.mayLoad(name);
    if (mayLoad && (what === "load" || what === "files" && file)) return new Load({ dataset: name, file, job }, this.caller);
    if (what === "enrichment") return new Enrichment(name, this.caller);
    return new Panel(name, { caller: this.caller, onRows: (of, rows) => this.#count(of, rows), onFile: mayLoad && ((f) => bring(name, f)), quarantine: what === "quarantine" });
  }

  #put(at, view) {
    this.panel?.stop();
    this.at = at;
    this.panel = view;
    this.place.replaceChildren(view.element);
  }

  #count(name, rows) {
    const place = this.counts.get(name);
    if (place) setText(place, compact(rows));
  }
}

function welcomeIn(fresh) {
  return h("article", { class: "empty" }, h("h1", {}, "No datasets yet"), h("p", {}, "A dataset holds events of one kind of source. Make one, then send it something."), createDataset(),
    fresh && h("p", { class: "links" }, h("a", { href: "#new" }, "Or make a table from a file")));
}
