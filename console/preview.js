// How the server understands a file, what else it could be, and the order to load it.

import { call } from "./api.js";
import { h, problemBox, put, sentence } from "./dom.js";
import { attempt, choice, chosen, confirmed, field, select, tick } from "./form.js";
import { count } from "./format.js";
import { rows } from "./job.js";
import { Reading } from "./reading.js";
import { grid } from "./grid.js";

const SHOWN = 20; // rows
const MODES = {
  append: "Adds the rows to those that are there. A file that was loaded already is not loaded twice.",
  replace: "Removes all rows that are there, and puts these in their place.",
  upsert: "Replaces the rows whose key the file has, and adds the others.",
};

/** A preview with its choices. onOrder orders the load; mayChange: the dataset's settings, too. */
export class Preview {
  constructor(dataset, file, { signal, onOrder, mayChange }) {
    Object.assign(this, { path: `v1/datasets/${dataset}/files/${file}`, dataset, signal, onOrder, mayChange });
    this.trouble = h("div");
    this.body = h("div", {}, h("p", { class: "soft", role: "status" }, "Looking at the file…"));
    this.element = h("div", { "aria-busy": "true" }, this.trouble, this.body);
    this.#begin().catch((e) => this.#complain(e));
  }

  #complain(problem) {
    if (problem.name === "AbortError") return;
    this.element.setAttribute("aria-busy", "false");
    put(this.body, h("p", {}, h("a", { href: `#/${this.dataset}/load` }, "Choose a file")));
    put(this.trouble, problemBox(problem));
  }

  async #begin() {
    [this.file, this.into] = await Promise.all([call("GET", this.path, undefined, this.signal), call("GET", `v1/datasets/${this.dataset}`, undefined, this.signal)]);
    this.reading = new Reading(this.file.options ?? {}, (options) => this.#reread(options));
    this.found = h("div", { class: "found" });
    put(this.body);
    try {
      await this.#look();
    } catch (problem) {
      if (problem.name === "AbortError" || problem.status === 404) throw problem;
      put(this.trouble, problemBox(problem)); // another way to read it may do
    }
    this.order = this.into.kind === "table" ? this.#tableOrder() : h("p", { class: "soft" }, "Events are appended; each counts once.");
    const load = h("button", { type: "button", class: "go", onclick: () => attempt(load, () => this.#load(), this.wrong) }, `Load into ${this.dataset}`);
    this.wrong = h("div");
    put(this.body, h("h2", {}, this.file.name), this.reading.element, this.found,
      h("section", { "aria-label": "Load" }, h("h2", {}, "Load"), this.order, this.wrong, load));
  }

  async #look() {
    this.element.setAttribute("aria-busy", "true");
    try {
      this.seen = await call("GET", `${this.path}/preview?rows=${SHOWN}`, undefined, this.signal);
      this.#draw();
    } finally {
      this.element.setAttribute("aria-busy", "false");
    }
  }

  // Another way to read is kept with the file, so that the load reads it so, too.
  async #reread(options) {
    put(this.trouble);
    try {
      this.file = await call("PATCH", this.path, { options }, this.signal);
      await this.#look();
    } catch (problem) {
      if (problem.name === "AbortError") return;
      put(this.trouble, problemBox(problem));
    }
  }

  #draw() {
    const { columns, rows: some, warnings, bad } = this.seen;
    this.reading.show(this.seen.options);
    const typed = this.found.querySelector("select:focus")?.dataset.column;
    put(this.found,
      warnings?.length > 0 && h("ul", { class: "notice", "aria-label": "Warnings" }, warnings.map((w) => h("li", {}, sentence(w)))) || "",
      grid({ label: "The first rows", columns: columns ?? [], rows: some ?? [], onType: (name, type) => this.reading.type(name, type) }),
      h("p", { class: "soft" }, some?.length === SHOWN ? `The first ${rows(SHOWN)}, ${count(columns.length)} columns.` : `${rows(some?.length ?? 0)}, ${count(columns?.length ?? 0)} columns.`),
      bad?.length > 0 ? unfit(bad) : "");
    this.found.querySelector(`select[data-column="${CSS.escape(typed ?? "")}"]`)?.focus();
    if (this.keys) this.#drawKeys();
    if (this.times) this.#drawTimes();
  }

  #tableOrder() {
    const mode = this.file.mode ?? "append";
    this.modes = choice("What becomes of the rows that are there", "mode", [["append", "Append"], ["replace", "Replace"], ["upsert", "Upsert"]], mode, (m) => this.#chose(m));
    this.means = h("p", { class: "soft", "aria-live": "polite" });
    this.keys = h("fieldset", { class: "keys" });
    this.#drawKeys();
    this.times = h("div");
    this.#drawTimes();
    const order = h("div", { class: "order" }, this.modes, this.means, this.keys, this.times);
    this.#chose(mode);
    return order;
  }

  #drawKeys() {
    const key = this.#key() ?? this.file.key ?? [];
    put(this.keys, h("legend", {}, "Key: the columns that tell rows apart"),
      ...(this.seen?.columns ?? []).map(({ name }) => tick(name, { value: name, checked: key.includes(name) })));
  }

  // An empty table is asked by period through the column that is chosen here, if the file
  // has times and none of them is called so.
  #drawTimes() {
    const was = this.time?.value;
    const columns = this.seen?.columns ?? [], names = columns.filter((c) => c.type === "time").map((c) => c.name);
    this.time = null;
    if (names.length === 0 || columns.some((c) => c.name === "time") || this.into.rows > 0 || !this.mayChange) { put(this.times); return; }
    const mine = was ?? this.into.settings?.time_column ?? names[0];
    this.time = select([...names, ["time", "none"]], mine);
    put(this.times, field("Questions by day are about", this.time));
  }

  #key() {
    const boxes = [...this.keys.querySelectorAll("input")];
    return boxes.length > 0 ? boxes.filter((b) => b.checked).map((b) => b.value) : null;
  }

  #chose(mode) {
    this.means.textContent = MODES[mode] + (mode === "replace" && this.into.rows > 0 ? ` There are ${rows(this.into.rows)}.` : "");
    this.keys.hidden = mode !== "upsert";
  }

  async #load() {
    if (this.into.kind === "table") {
      const mode = chosen(this.modes);
      if (mode === "replace" && this.into.rows > 0 && !await confirmed(`Replace ${this.dataset}?`, `Its ${rows(this.into.rows)} are removed once the file is loaded.`, "Replace")) return;
      if (this.time) await call("PATCH", `v1/datasets/${this.dataset}`, { settings: { time_column: this.time.value } });
      await call("PATCH", this.path, { mode, key: mode === "upsert" ? this.#key() ?? [] : [], again: false });
    }
    await this.onOrder();
  }
}

function unfit(bad) {
  return h("section", { "aria-label": "Rows that do not fit" }, h("h2", {}, "Rows that do not fit"),
    h("p", { class: "soft" }, "They go to quarantine, and the others are loaded."),
    h("ul", { class: "quarantine" }, bad.slice(0, 5).map(({ line, column, reason, raw }) => h("li", {},
      h("p", {}, h("strong", {}, `Line ${count(line)}${column ? `, ${column}` : ""}: `), sentence(reason)),
      h("pre", { tabindex: "0", "aria-label": `Line ${line}` }, h("code", {}, raw))))),
    bad.length > 5 && h("p", { class: "soft" }, `and ${count(bad.length - 5)} more among the first`));
}
