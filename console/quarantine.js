// The latest events that could not be stored, with reasons.

import { call } from "./api.js";
import { count, when } from "./format.js";
import { h, sentence } from "./dom.js";

const SHOWN = 5;

/** A section that is hidden while there is nothing to show. */
export class Quarantine {
  #seen = 0; // number of entries when it was last read

  constructor(dataset) {
    this.dataset = dataset;
    this.list = h("ul", { class: "quarantine" });
    this.element = h("section", { hidden: true, "aria-label": "Quarantine" }, h("h2", {}, "Quarantine"), this.list);
  }

  async show(quarantined, signal) {
    if (quarantined === this.#seen) return;
    const { entries } = await call("GET", `v1/datasets/${this.dataset}/quarantine?limit=${SHOWN}`, undefined, signal);
    this.#seen = quarantined;
    this.element.hidden = entries.length === 0;
    const more = quarantined - entries.length;
    this.list.replaceChildren(...entries.map(row), ...(more > 0 ? [h("li", { class: "soft" }, `and ${count(more)} more`)] : []));
  }
}

function row(entry) {
  const raw = typeof entry.event === "string" ? entry.event : JSON.stringify(entry.event);
  return h("li", {},
    h("p", {}, h("strong", {}, sentence(entry.reason)), " ", h("code", { class: "tag" }, entry.code)),
    h("p", { class: "soft" }, h("time", { datetime: entry.received }, when(entry.received)), entry.event_id ? ` · ${entry.event_id}` : ""),
    raw && h("pre", { tabindex: "0", "aria-label": "The event as sent" }, h("code", {}, raw.length > 400 ? raw.slice(0, 400) + "…" : raw)));
}
