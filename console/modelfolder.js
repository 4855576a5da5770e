// A folder of models on this machine, as the page reads it.

import { h } from "./dom.js";

const OF_MODELS = /\.(sql|ya?ml)$/;

/** A button that has a folder chosen; onFiles is called with its models' files, by their names below it. */
export function folderButton(text, onFiles) {
  const input = h("input", { type: "file", webkitdirectory: true, multiple: true, class: "hidden", "aria-label": text, tabindex: "-1" });
  input.addEventListener("change", async () => {
    const chosen = [...input.files].filter((file) => OF_MODELS.test(file.name) && !hidden(file.webkitRelativePath));
    const files = Object.fromEntries(await Promise.all(chosen.map(async (file) => [below(file.webkitRelativePath), await file.text()])));
    input.value = ""; // the same folder can be chosen again
    onFiles(files);
  });
  return [input, h("button", { type: "button", onclick: () => input.click() }, text)];
}

const below = (path) => path.split("/").slice(1).join("/");
const hidden = (path) => path.split("/").some((part) => part.startsWith("."));
