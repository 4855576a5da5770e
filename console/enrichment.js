// What is done to a dataset's events on their way in: a list of steps, which is tried before it holds.

import { call, Problem } from "./api.js";
import { h, problemBox, put, sentence } from "./dom.js";
import { action, field } from "./form.js";
import { when } from "./format.js";

const LAST = 5; // stored events that a list is tried on
const EXAMPLE = `[
  {"rename": {"from": "uid", "to": "user_id"}},
  {"parse_user_agent": {"field": "user_agent"}},
  {"filter": {"column": "event", "op": "!=", "value": "heartbeat"}}
]`;

/** The steps of one dataset, in the place of its panel. */
export class Enrichment {
  #leaving = new AbortController();

  constructor(name, caller) {
    this.name = name;
    this.path = `v1/datasets/${name}/enrichment`;
    this.may = caller.may("dataset:update");
    this.title = h("h1", { tabindex: "-1" }, "Enrichment");
    this.about = h("p", { class: "soft", role: "status" }, "Loading…");
    this.trouble = h("div");
    this.steps = h("textarea", { class: "mono", rows: "10", spellcheck: "false", autocomplete: "off", readonly: !this.may, placeholder: EXAMPLE });
    this.outcomes = h("section", { "aria-label": "What would become of events", hidden: true });
    this.form = h("form", { hidden: true, onsubmit: (e) => e.preventDefault() }, field("Steps, one after the other", this.steps,
      "A JSON array. A step renames, casts, drops, hashes, looks up, parses a user agent, samples or filters; the reference tells how. An empty array ends the enrichment."), this.trouble);
    this.element = h("article", { class: "enrichment" }, h("p", {}, h("a", { href: `#/${name}` }, name)),
      h("header", {}, this.title, this.about), this.form, this.outcomes);
    this.#begin();
  }

  focus() { this.title.focus(); }

  stop() { this.#leaving.abort(); }

  async #begin() {
    try {
      const now = await this.#newest();
      this.form.hidden = false;
      this.#show(now);
      if (!this.may) return;
      this.form.append(h("div", { class: "actions" },
        action("Try on the last events", () => this.#try(), this.trouble),
        action("Make it hold", () => this.#put(), this.trouble, { class: "go" })));
    } catch (problem) {
      if (problem.name === "AbortError") return;
      put(this.about);
      put(this.outcomes, problemBox(problem));
      this.outcomes.hidden = false;
    }
  }

  #newest() {
    return call("GET", this.path, undefined, this.#leaving.signal).catch((problem) => {
      if (problem.code === "no_enrichment") return { version: 0, steps: [] };
      throw problem;
    });
  }

  #show({ version, created, by, steps }) {
    this.version = version;
    put(this.about, version === 0 ? "Nothing is done to its events on their way in." : ["Version ", String(version), " holds since ", h("time", { datetime: created }, when(created)), `, by ${by}.`]);
    this.steps.value = steps.length === 0 ? "" : `[\n${steps.map((s) => `  ${JSON.stringify(s)}`).join(",\n")}\n]`;
  }

  #read() {
    const text = this.steps.value.trim();
    try {
      return text === "" ? [] : JSON.parse(text);
    } catch (e) {
      throw new Problem({ detail: "the steps are no JSON", hint: e.message });
    }
  }

  async #try() {
    const { events } = await call("POST", `${this.path}/preview`, { steps: this.#read(), last: LAST }, this.#leaving.signal);
    put(this.outcomes, h("h2", {}, events.length === 0 ? "There are no events yet to try it on" : "What would become of the events that came last"),
      h("ul", { class: "entries" }, events.map(outcome)));
    this.outcomes.hidden = false;
  }

  async #put() {
    const made = await call("PUT", this.path, { from_version: this.version, steps: this.#read() }, this.#leaving.signal);
    this.#show(made);
    this.outcomes.hidden = true;
  }
}

function outcome({ before, after, fate, step, code, reason }) {
  return h("li", { class: "entry" },
    h("p", { class: "head" }, h("span", { class: `state ${fate}` }, step ? `${fate} by step ${step}` : fate), code && h("code", { class: "tag" }, code)),
    reason && h("p", { class: "soft" }, sentence(reason)),
    h("div", { class: "pair" }, written("Before", before), after && written("After", after)));
}

function written(label, event) {
  return h("div", {}, h("p", { class: "soft" }, label), h("pre", { tabindex: "0", "aria-label": label }, h("code", {}, JSON.stringify(event, null, 2))));
}
