// A connector as it is made or changed: which source, which of its tables, into what.

import { call } from "./api.js";
import { h, problemBox, put } from "./dom.js";
import { attempt, field, select } from "./form.js";
import { exampleOf, kindOf, kinds, titleOf } from "./kinds.js";
import { Tables } from "./tables.js";

/** A form. name is that of the connector that is changed, if any; onDone gets what was made of it. */
export class ConnectorForm {
  constructor({ name, onDone }) {
    Object.assign(this, { of: name, onDone, leaving: new AbortController() });
    this.title = h("h1", { tabindex: "-1" }, name ? `Change ${name}` : "New connector");
    this.trouble = h("div");
    this.body = h("div", {}, h("p", { class: "soft", role: "status" }, "Loading…"));
    this.element = h("article", {}, h("p", {}, h("a", { href: name ? `#connectors/${name}` : "#connectors" }, name ? `Back to ${name}` : "All connectors")), h("header", {}, this.title), this.body);
    this.#begin().catch((e) => { if (e.name !== "AbortError") put(this.body, problemBox(e)); });
  }

  focus() { this.title.focus(); }

  stop() { this.leaving.abort(); }

  async #begin() {
    const { signal } = this.leaving;
    if (this.of) this.was = await call("GET", `v1/connectors/${this.of}`, undefined, signal);
    const all = this.was ? [this.was.kind] : await kinds();
    this.kind = select(all.map((k) => [k, titleOf(k)]), all.includes("postgres") ? "postgres" : all[0], { disabled: Boolean(this.of), onchange: () => this.#explain() });
    this.name = h("input", { type: "text", required: true, maxlength: "64", pattern: "[a-z][a-z0-9_]*", autocomplete: "off", spellcheck: "false", value: this.of ?? "", disabled: Boolean(this.of) });
    this.dsn = h("input", { type: "password", required: !this.of, maxlength: "4096", autocomplete: "off", spellcheck: "false", placeholder: this.of ? "as it is" : "", oninput: () => this.#guess(all) });
    this.example = h("code", {});
    this.settings = h("textarea", { rows: "5", spellcheck: "false", class: "mono" }, this.was?.settings ? JSON.stringify(this.was.settings, null, 2) : "");
    this.extra = h("details", {}, h("summary", {}, "Settings"), field("Settings, as JSON", this.settings, "An object that some kinds have; it is shown to who manages connectors, so nothing secret goes into it."));
    this.tables = new Tables(this.was?.tables ?? []);
    this.chosen = h("section", { hidden: true, "aria-label": "Tables" });
    this.look = h("button", { type: "submit" }, this.of ? "Look for tables" : "Connect and look for tables");
    const submit = (e) => {
      e.preventDefault();
      attempt(this.look, () => this.#explore(), this.trouble);
    };
    put(this.body, h("form", { onsubmit: submit }, h("div", { class: "fields" }, field("Kind", this.kind), field("Name", this.name, this.of ? null : "Begins with a letter; then a-z, 0-9 and _.")),
      field("Connection string", this.dsn, [this.of ? "It is never shown. Leave it empty to keep it." : "It is kept as a secret, and never shown again.", h("br"), "Such as ", this.example]), this.extra, this.trouble, this.look), this.chosen);
    this.#explain();
    if (this.was) this.#offer([]);
  }

  // What a connection string begins with tells most kinds.
  #guess(all) {
    const kind = kindOf(this.dsn.value);
    if (this.of || !all.includes(kind)) return;
    this.kind.value = kind;
    this.#explain();
  }

  #explain() {
    this.example.textContent = exampleOf(this.kind.value) || "what the documentation of this kind says";
    this.extra.open = this.settings.value !== "" || !this.kind.value.match(/^(postgres|mysql|sqlserver|mongodb)$/);
  }

  #source() {
    const source = { kind: this.kind.value, dsn: this.dsn.value };
    if (this.settings.value.trim() !== "") source.settings = parsed(this.settings.value);
    return source;
  }

  // What is kept of a connector is asked by its name; what is not yet kept is sent along.
  async #explore() {
    const source = this.#source();
    const { tables } = this.of && !source.dsn
      ? await call("GET", `v1/connectors/${this.of}/tables`, undefined, this.leaving.signal)
      : await call("POST", "v1/source-tables", source, this.leaving.signal);
    this.#offer(tables);
    this.chosen.querySelector("h2").focus();
  }

  #offer(found) {
    const wrong = h("div");
    const save = h("button", { type: "button", class: "go" }, this.of ? "Save" : "Make the connector");
    save.addEventListener("click", () => attempt(save, () => this.#save(), wrong));
    this.tables.show(found);
    put(this.chosen, h("h2", { tabindex: "-1" }, found.length > 0 ? `${found.length} ${found.length === 1 ? "table" : "tables"} found` : this.of ? "Tables" : "The source lists no tables"), this.tables.element, wrong, save);
    this.chosen.hidden = false;
  }

  async #save() {
    const { kind, dsn, settings } = this.#source();
    const tables = this.tables.chosen();
    if (tables.length === 0) throw { detail: "no table is chosen", hint: "tick those that are to be mirrored" };
    if (!this.of) this.onDone(await call("POST", "v1/connectors", { name: this.name.value, kind, dsn, settings, tables }));
    else this.onDone(await call("PATCH", `v1/connectors/${this.of}`, { ...dsn && { dsn }, ...settings && { settings }, tables }));
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (e) {
    throw { detail: "the settings are no JSON", hint: e.message };
  }
}
