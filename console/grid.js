// Rows of a file, with the type of each column, which can be another.

import { h } from "./dom.js";
import { select } from "./form.js";

const TYPES = ["text", "int", "float", "bool", "time", "json"];
const LONG = 120; // characters of a value

/** A table of the first rows. onType is called with a column and the type that is chosen for it. */
export function grid({ label, columns, rows, onType }) {
  return h("div", { class: "grid", role: "region", tabindex: "0", "aria-label": label }, h("table", {},
    h("thead", {}, h("tr", {}, columns.map((c) => h("th", { scope: "col", class: number(c) }, h("span", {}, c.name), type(c, onType))))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((value, i) => cell(value, columns[i])))))));
}

function type({ name, type: is, declared }, onType) {
  if (declared) return h("span", { class: "soft" }, `${is}, declared`);
  return select(TYPES, is, { "aria-label": `Type of ${name}`, "data-column": name, onchange: (e) => onType(name, e.target.value) });
}

const number = (column) => ["int", "float"].includes(column?.type) && "number";

function cell(value, column) {
  if (value === null) return h("td", {}, h("span", { class: "soft" }, "–"));
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return h("td", { class: number(column) }, text.length > LONG ? text.slice(0, LONG) + "…" : text);
}
