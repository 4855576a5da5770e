// One dataset: what it holds, how it moves, and how to use it.

import { call } from "./api.js";
import { Chart } from "./chart.js";
import { forEvents, forTable, key, send } from "./commands.js";
import { command, h, problemBox, setText } from "./dom.js";
import { bytes, count as number, date } from "./format.js";
import { takeDrops } from "./drop.js";
import { Conservation, Numbers } from "./ledger.js";
import { Loads } from "./loads.js";
import { poll } from "./poll.js";
import { Quarantine } from "./quarantine.js";
import { count, spans } from "./span.js";

const AGAIN = 10_000; // ms at least between two looks at the schema, which changes seldom

/** A panel shows itself in `element` until stop is called. */
export class Panel {
  #looked = 0;
  #stale = false; // something changed since

  /** onFile, if given, is called with a file to load; quarantine: that is what is looked for. */
  constructor(name, { caller, onRows, onFile, quarantine }) {
    Object.assign(this, { name, caller, onRows, wanted: quarantine && "Quarantine" });
    this.trouble = h("div");
    this.about = h("p", { class: "soft" }, "Loading…");
    this.body = h("div", { class: "body" });
    this.way = h("a", { href: `#/${name}/enrichment` });
    this.ways = h("p", { class: "soft", hidden: true }, this.way);
    this.title = h("h1", { tabindex: "-1" }, name);
    this.element = h("article", { "aria-busy": "true" },
      h("header", { class: "titled" }, h("div", {}, this.title, this.about, this.ways), onFile && h("a", { class: "button", href: `#/${name}/load` }, "Load a file")), this.trouble, this.body);
    if (onFile) {
      takeDrops(this.element, onFile);
      this.loads = new Loads(name);
    }
    this.stop = poll((signal) => this.#turn(signal));
  }

  /** Takes a keyboard or a screen reader to the panel. */
  focus() { this.title.focus(); }

  async #turn(signal) {
    try {
      if (!this.live) await this.#look(signal);
      const changed = await this.live.refresh(signal);
      await this.loads?.show(signal);
      this.#find();
      this.#stale ||= changed;
      if (this.#stale && Date.now() - this.#looked > AGAIN) await this.#look(signal);
      this.#settle();
      return changed;
    } catch (problem) {
      if (problem.name === "AbortError") return false;
      this.#settle(problem);
      throw problem;
    }
  }

  // Who came to see what is in quarantine is taken there, once it is there.
  #find() {
    const place = this.wanted && this.body.querySelector(`section[aria-label="${this.wanted}"]:not([hidden])`);
    if (!place) return;
    this.wanted = null;
    place.tabIndex = -1;
    place.focus();
    place.scrollIntoView();
  }

  // Trouble that stays is told once, so that a screen reader does not repeat it.
  #settle(problem) {
    this.element.setAttribute("aria-busy", String(!this.live && !problem));
    if (problem?.detail === this.told) return;
    this.told = problem?.detail;
    this.trouble.replaceChildren(...(problem ? [problemBox(problem)] : []));
    if (problem && !this.live) this.about.textContent = "";
  }

  async #look(signal) {
    const dataset = await call("GET", `v1/datasets/${this.name}`, undefined, signal);
    this.#looked = Date.now();
    this.#stale = false;
    setText(this.about, describe(dataset));
    this.ways.hidden = dataset.kind !== "events" || !this.caller.may("events:read");
    setText(this.way, dataset.enrichment ? `Enrichment, version ${dataset.enrichment}` : "Enrichment");
    this.columns ??= new Columns();
    this.columns.show(dataset.schema.columns ?? []);
    if (this.live) return;
    this.onRows(this.name, dataset.rows);
    this.live = dataset.kind === "events" ? new Events(this.name, this.onRows) : new Table(dataset, this.caller.may("events:read"));
    this.body.replaceChildren(...this.live.elements, this.loads?.element ?? "", this.columns.element);
  }
}

function describe({ kind, rows, bytes: size, created, settings }) {
  return [settings?.description, kind, kind !== "events" && `${number(rows)} rows`, size > 0 && `${bytes(size)} in segments`, `since ${date(created)}`]
    .filter(Boolean).join(" · ");
}

class Columns {
  constructor() {
    this.title = h("summary");
    this.list = h("ul", { class: "columns" });
    this.element = h("details", {}, this.title, this.list);
  }

  show(columns) {
    setText(this.title, `${columns.length} columns`);
    this.list.replaceChildren(...columns.map((c) => h("li", {}, h("code", {}, c.name), " ", h("span", { class: "soft" }, c.type))));
  }
}

class Table {
  constructor({ name }, accounts) {
    this.name = name;
    this.accounts = accounts; // whether they may be seen
    this.quarantine = new Quarantine(name);
    this.elements = [this.quarantine.element, h("section", {}, h("h2", {}, "Try it"), forTable(name))];
  }

  async refresh(signal) {
    if (!this.accounts) return false;
    const { quarantined, visible } = await call("GET", `v1/datasets/${this.name}/ledger`, undefined, signal);
    await this.quarantine.show(quarantined, signal);
    const changed = this.visible !== visible;
    this.visible = visible;
    return changed;
  }
}

class Events {
  #last = "";

  constructor(name, onRows) {
    this.name = name;
    this.onRows = onRows;
    this.numbers = new Numbers();
    this.title = h("h2", {}, "Events");
    this.chart = new Chart();
    this.ledger = new Conservation();
    this.quarantine = new Quarantine(name);
    this.empty = h("section", { class: "empty", hidden: true }, h("h2", {}, "No events yet"),
      h("p", {}, "Send one, and this page shows it at once."), key(), command("Send an event", send(name)));
    this.full = h("div", { class: "full" }, this.numbers.element,
      h("section", { "aria-label": "Events over time" }, h("div", { class: "heading" }, this.title, this.#choice()), this.chart.element),
      this.ledger.element, this.quarantine.element,
      h("section", {}, h("h2", {}, "Try it"), forEvents(name)));
    this.full.hidden = true;
    this.elements = [this.empty, this.full];
  }

  // Until the reader chooses, the chart shows the last hour, or everything when that is empty.
  #choice() {
    this.radios = Object.entries(spans).map(([value, { title }]) =>
      h("label", {}, h("input", { type: "radio", name: "span", value, onchange: () => this.#choose(value) }), h("span", {}, title)));
    return h("fieldset", { class: "choice" }, h("legend", { class: "hidden" }, "Time shown"), this.radios);
  }

  #choose(span) {
    this.span = span;
    this.chosen = true;
    this.#draw().catch(() => {}); // the next turn of the poll tells
  }

  async refresh(signal) {
    const ledger = await call("GET", `v1/datasets/${this.name}/ledger`, undefined, signal);
    this.empty.hidden = ledger.accepted > 0;
    this.full.hidden = ledger.accepted === 0;
    this.numbers.show(ledger);
    this.ledger.show(ledger);
    this.onRows(this.name, ledger.visible);
    if (ledger.accepted > 0) await Promise.all([this.#draw(signal), this.quarantine.show(ledger.quarantined, signal)]);
    const now = JSON.stringify([ledger.accepted, ledger.visible, ledger.pending]);
    const changed = now !== this.#last;
    this.#last = now;
    return changed;
  }

  async #draw(signal) {
    this.span ??= "hour";
    const asked = this.span;
    const span = await spans[asked].of(this.name, signal);
    const bars = await count(this.name, span, signal);
    if (asked !== this.span) return; // the reader chose another meanwhile
    if (asked === "hour" && !this.chosen && bars.every((b) => b.n === 0)) {
      this.chosen = true;
      this.span = "all";
      return this.#draw(signal);
    }
    this.chosen = true;
    for (const label of this.radios) label.firstChild.checked = label.firstChild.value === this.span;
    setText(this.title, `Events per ${span.grain}`);
    this.chart.show(bars, span.grain);
  }
}
