// The tables of a source, to choose from: which, into which dataset, and how they are kept up to date.

import { h, put } from "./dom.js";
import { field, select, tick } from "./form.js";

const MANY = 12; // from which on they can be searched
const MOVING = /^(updated|modified|changed|last_modified|last_updated)(_?at|_?on|_?date|_?time)?$/i;
const MODES = [["full", "Read everything each time"], ["incremental", "Read what a cursor has passed"], ["changes", "Follow the source's log of changes"]];

/** The choice. kept are the tables that a connector has already. */
export class Tables {
  constructor(kept) {
    this.kept = kept;
    this.search = h("input", { type: "search", "aria-label": "Find a table", placeholder: "Find a table", oninput: () => this.#filter() });
    this.list = h("ul", { class: "entries tables" });
    this.other = h("input", { type: "text", maxlength: "300", autocomplete: "off", spellcheck: "false", onkeydown: (e) => { if (e.key === "Enter") { e.preventDefault(); this.#add(); } } });
    const add = h("button", { type: "button", onclick: () => this.#add() }, "Add");
    this.element = h("div", {}, this.search, this.list, named("Another table", this.other, add, "A path of an API, a pattern of files, or a table that is not listed."));
  }

  // What a source cannot list, such as the paths of an API.
  #add() {
    const table = this.other.value.trim();
    if (table === "" || this.rows.some((r) => r.relation.table === table)) return;
    const row = new Row({ table, columns: null }, { table });
    this.rows.push(row);
    this.list.append(row.element);
    this.other.value = "";
    row.dataset.focus();
  }

  /** Shows what a source has. What is kept and was not found stays, so that nothing is lost by a look. */
  show(found) {
    const names = found.map((r) => r.table);
    const all = [...found, ...this.kept.filter((t) => !names.includes(t.table)).map((t) => ({ table: t.table, columns: null }))];
    this.rows = all.map((relation) => new Row(relation, this.kept.find((t) => t.table === relation.table)));
    this.search.hidden = all.length < MANY;
    put(this.list, this.rows.map((r) => r.element));
  }

  #filter() {
    const wanted = this.search.value.toLowerCase();
    for (const r of this.rows) r.element.hidden = !r.relation.table.toLowerCase().includes(wanted) && !r.on;
  }

  /** The tables that are ticked, as a connector has them. */
  chosen() { return this.rows.filter((r) => r.on).map((r) => r.table()); }
}

class Row {
  constructor(relation, kept) {
    Object.assign(this, { relation, kept });
    this.box = h("input", { type: "checkbox", checked: Boolean(kept), onchange: () => this.#open() });
    const columns = relation.columns?.length;
    this.details = h("div", { class: "fields", hidden: true });
    this.element = h("li", {}, h("label", { class: "tick" }, this.box, h("span", {}, h("code", {}, relation.table))),
      h("span", { class: "soft" }, columns ? `${columns} columns` : ""), this.details);
    this.#open();
  }

  get on() { return this.box.checked; }

  #open() {
    this.details.hidden = !this.on;
    if (!this.on || this.dataset) return;
    const { relation, kept } = this, columns = relation.columns ?? [];
    const names = columns.map((c) => c.name);
    const moving = columns.find((c) => MOVING.test(c.name) && c.becomes === "time")?.name;
    const key = kept?.key ?? relation.key ?? [];
    const mode = kept ? kept.mode ?? (kept.cursor ? "incremental" : "full") : moving && key.length > 0 ? "incremental" : "full";
    this.dataset = h("input", { type: "text", required: true, maxlength: "64", value: kept?.dataset ?? datasetOf(relation.table), autocomplete: "off", spellcheck: "false" });
    this.mode = select(MODES, mode, { onchange: () => this.#suit() });
    const cursor = kept?.cursor ?? moving ?? names[0];
    this.cursor = names.length > 0 ? select([...new Set([...names, cursor].filter(Boolean))], cursor) : h("input", { type: "text", value: cursor ?? "", spellcheck: "false" });
    const times = columns.filter((c) => c.becomes === "time").map((c) => c.name);
    this.time = select([...new Set([...times, kept?.time].filter(Boolean)), ["", "none"]], kept ? kept.time ?? "" : names.includes("time") ? "" : times[0] ?? "");
    this.timeField = field("Questions by day are about", this.time);
    this.timeField.hidden = this.time.options.length < 2;
    this.cursorField = field("Cursor", this.cursor, "Grows with every change of a row. Deletes are not seen.");
    this.keys = names.length > 0
      ? h("fieldset", { class: "keys" }, h("legend", {}, "Key: the columns that tell rows apart"), [...new Set([...key, ...names])].map((name) => tick(name, { value: name, checked: key.includes(name) })))
      : field("Key", h("input", { type: "text", value: key.join(", "), spellcheck: "false" }), "The columns that tell rows apart, with commas.");
    put(this.details, field("Dataset", this.dataset), field("How", this.mode), this.cursorField, this.timeField, this.keys);
    this.#suit();
  }

  #suit() {
    this.cursorField.hidden = this.mode.value !== "incremental";
    this.keys.hidden = this.mode.value === "full";
  }

  table() {
    const typed = this.keys.querySelector("input[type=text]");
    const key = typed ? typed.value.split(",").map((name) => name.trim()).filter(Boolean) : [...this.keys.querySelectorAll("input:checked")].map((b) => b.value);
    const mode = this.mode.value;
    return { table: this.relation.table, dataset: this.dataset.value, mode, ...mode === "incremental" && { cursor: this.cursor.value, ...this.kept?.window && { window: this.kept.window } },
      ...mode !== "full" && key.length > 0 && { key }, ...this.time.value && { time: this.time.value } };
  }
}

/** A field with a button behind it. */
function named(label, input, button, hint) {
  const item = field(label, input, hint);
  const line = h("div", { class: "field" });
  input.replaceWith(line);
  line.append(input, button);
  return item;
}

/** "public.Order-Lines" as the name of a dataset: order_lines. */
function datasetOf(table) {
  return table.split(".").at(-1).toLowerCase().replace(/[^a-z0-9_]+/g, "_").replace(/^[^a-z]+/, "").slice(0, 64) || "table_of_mine";
}
