// How a file is read: what was found, and what somebody knows better.

import { h } from "./dom.js";
import { field, select } from "./form.js";

const NAMES = { "\t": "tab", ",": "comma", ";": "semicolon", "|": "bar", " ": "space", "": "none", true: "yes", false: "no",
  iso: "as ISO 8601", dmy: "day, month, year", mdy: "month, day, year", ymd: "year, month, day",
  "utf-8": "UTF-8", "utf-16le": "UTF-16 LE", "utf-16be": "UTF-16 BE", "windows-1252": "Windows-1252" };
const named = (value) => NAMES[value] ?? String(value);

// What can be chosen, and of which formats.
const CHOICES = [
  { name: "delimiter", label: "Delimiter", of: ["csv"], values: [",", ";", "\t", "|", " "] },
  { name: "header", label: "First row is the header", of: ["csv", "tsv", "xlsx"], values: [true, false] },
  { name: "encoding", label: "Encoding", of: ["csv", "tsv", "json", "ndjson"], values: ["utf-8", "utf-16le", "utf-16be", "windows-1252"] },
  { name: "decimal", label: "Decimal separator", of: ["csv", "tsv"], values: [".", ","], text: { ".": "point", ",": "comma" } },
  { name: "dates", label: "Order of dates", of: ["csv", "tsv", "json", "ndjson", "xlsx"], values: ["iso", "dmy", "mdy", "ymd"] },
];

/** The options of a file. onChange is called with all that are given, when one is chosen. */
export class Reading {
  constructor(given, onChange) {
    this.given = { ...given };
    this.onChange = onChange;
    this.summary = h("summary", {}, "How it is read");
    this.fields = CHOICES.map((c) => {
      const shown = (v) => c.text?.[v] ?? named(v);
      const control = select([["", "found"], ...c.values.map((v, i) => [String(i), shown(v)])], "", { onchange: () => this.#chose(c, control.value) });
      const index = c.values.indexOf(this.given[c.name]);
      control.value = index < 0 ? "" : String(index);
      return { ...c, shown, control, element: field(c.label, control) };
    });
    this.sheet = h("input", { type: "text", maxlength: "31", value: this.given.sheet ?? "", onchange: () => this.#set("sheet", this.sheet.value || undefined) });
    this.sheetField = field("Sheet", this.sheet);
    this.element = h("details", { class: "reading" }, this.summary, h("div", { class: "fields" }, this.fields.map((f) => f.element), this.sheetField));
  }

  #chose({ name, values }, index) { this.#set(name, index === "" ? undefined : values[Number(index)]); }

  #set(name, value) {
    if (value === undefined) delete this.given[name];
    else this.given[name] = value;
    this.onChange(this.given);
  }

  /** Says the type of a column. */
  type(name, type) {
    this.#set("columns", [...(this.given.columns ?? []).filter((c) => c.name !== name), { name, type }]);
  }

  /** Shows what was found where nothing is given. */
  show(found) {
    const parts = [found.format?.toUpperCase()];
    for (const f of this.fields) {
      f.element.hidden = found.format && !f.of.includes(found.format);
      const value = found[f.name];
      if (value === undefined || f.element.hidden) continue;
      if (this.given[f.name] === undefined) f.control.options[0].textContent = `found: ${f.shown(value)}`;
      else f.control.options[0].textContent = "find it";
      if (["delimiter", "encoding"].includes(f.name)) parts.push(f.shown(value));
      if (f.name === "header") parts.push(value ? "with a header" : "without a header");
      if (f.name === "decimal" && value === ",") parts.push("decimal comma");
    }
    this.sheetField.hidden = found.format !== "xlsx";
    if (found.sheet) { this.sheet.placeholder = found.sheet; parts.push(`sheet ${found.sheet}`); }
    if (found.compression && found.compression !== "none") parts.push(`packed with ${found.compression}`);
    this.summary.textContent = `Read as ${parts.filter(Boolean).join(", ")}`;
  }
}
