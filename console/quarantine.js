// The latest events that could not be stored, with reasons.

import { call } from "./api.js";
import { count, when } from "./format.js";
import { h, sentence } from "./dom.js";

const SHOWN = 5;
const AGAIN = 30_000; // ms; a replay elsewhere empties quarantine without a trace in the ledger's count

/** A section that is hidden while there is nothing to show. */
export class Quarantine {
  #seen = "";

  constructor(dataset) {
    this.dataset = dataset;
    this.list = h("ul", { class: "quarantine" });
    this.element = h("section", { hidden: true, "aria-label": "Quarantine" }, h("h2", {}, "Quarantine"), this.list);
  }

  async show(quarantined, signal) {
    const now = `${quarantined} ${Math.floor(Date.now() / AGAIN)}`;
    if (quarantined === 0 || now === this.#seen) return;
    const { events, total } = await call("GET", `v1/datasets/${this.dataset}/quarantine?limit=${SHOWN}`, undefined, signal);
    this.#seen = now;
    this.element.hidden = total === 0;
    const more = total - events.length;
    this.list.replaceChildren(...events.map(row), ...(more > 0 ? [h("li", { class: "soft" }, `and ${count(more)} more`)] : []));
  }
}

function row({ event_id: id, received_at: received, code, reason, raw }) {
  const text = typeof raw === "string" ? raw : JSON.stringify(raw);
  return h("li", {},
    h("p", {}, h("strong", {}, sentence(reason)), " ", h("code", { class: "tag" }, code)),
    h("p", { class: "soft" }, h("time", { datetime: received }, when(received)), id && ` · ${id}`),
    h("pre", { tabindex: "0", "aria-label": "The event as sent" }, h("code", {}, text.length > 400 ? text.slice(0, 400) + "…" : text)));
}
