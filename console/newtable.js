// A table that is made of a file.

import { call } from "./api.js";
import { h, put } from "./dom.js";
import { described, dropZone } from "./drop.js";
import { attempt, field } from "./form.js";
import { bring } from "./load.js";

/** A form: the file, and what its table is to be called. */
export class NewTable {
  constructor() {
    this.title = h("h1", { tabindex: "-1" }, "New table from a file");
    this.place = h("div");
    this.element = h("article", {}, h("header", {}, this.title, h("p", { class: "soft" }, "Nothing is loaded before you have seen how the file is understood.")), this.place);
    this.#choose();
  }

  focus() { this.title.focus(); }

  stop() {}

  #choose() { put(this.place, dropZone((file) => this.#name(file))); }

  #name(file) {
    const name = h("input", { type: "text", required: true, maxlength: "64", pattern: "[a-z][a-z0-9_]*", value: nameOf(file.name), autocomplete: "off", spellcheck: "false" });
    const trouble = h("div"), make = h("button", { type: "submit", class: "go" }, "Make the table and upload the file");
    const submit = (e) => {
      e.preventDefault();
      attempt(make, async () => {
        await call("POST", "v1/datasets", { name: name.value, kind: "table" });
        bring(name.value, file);
      }, trouble);
    };
    put(this.place, h("form", { onsubmit: submit }, h("p", {}, described(file), " ", h("button", { type: "button", class: "plain", onclick: () => this.#choose() }, "Choose another")),
      field("Name of the table", name, "Begins with a letter; then a-z, 0-9 and _."), trouble, make));
    name.focus();
    name.select();
  }
}

/** "orders-2026.csv.gz" as a name: orders_2026. */
function nameOf(file) {
  const stem = file.split(".")[0].toLowerCase().replace(/[^a-z0-9_]+/g, "_").replace(/^[^a-z]+|_+$/g, "");
  return stem.slice(0, 64) || "table_of_mine";
}
