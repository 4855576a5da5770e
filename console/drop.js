// Where files are dropped, or chosen from the machine.

import { h } from "./dom.js";
import { bytes } from "./format.js";

const KINDS = ".csv,.tsv,.txt,.json,.ndjson,.jsonl,.parquet,.xlsx,.gz,.zst,.zip";

/** A place for one file; onFile is called with it. */
export function dropZone(onFile) {
  const input = h("input", { type: "file", accept: KINDS, class: "hidden", id: "file" });
  input.addEventListener("change", () => { if (input.files[0]) onFile(input.files[0]); });
  const zone = h("label", { class: "drop", for: "file" }, input,
    h("span", { class: "button" }, "Choose a file"), h("span", {}, "or drop it here"),
    h("span", { class: "soft" }, "CSV, TSV, JSON, NDJSON, Parquet or Excel, also packed with gzip, zstd or zip; up to 64 GB"));
  takeDrops(zone, onFile);
  return zone;
}

/** Lets files be dropped on an element. */
export function takeDrops(element, onFile) {
  let over = 0; // a drag enters children, too
  const mark = (by) => { over = Math.max(0, over + by); element.classList.toggle("over", over > 0); };
  const files = (e) => [...e.dataTransfer?.types ?? []].includes("Files");
  element.addEventListener("dragenter", (e) => { if (files(e)) { e.preventDefault(); mark(1); } });
  element.addEventListener("dragover", (e) => { if (files(e)) e.preventDefault(); });
  element.addEventListener("dragleave", (e) => { if (files(e)) mark(-1); });
  element.addEventListener("drop", (e) => {
    if (!files(e)) return;
    e.preventDefault();
    over = 0;
    mark(0);
    if (e.dataTransfer.files[0]) onFile(e.dataTransfer.files[0]);
  });
}

/** "orders.csv, 12 MB". */
export const described = (file) => `${file.name}, ${bytes(file.size)}`;
