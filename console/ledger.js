// The accounts of a dataset, in numbers and as a sentence.

import { count, events } from "./format.js";
import { h, setText } from "./dom.js";

const NUMBERS = [
  ["visible", "Visible", "what a query counts"],
  ["duplicate", "Duplicates", "sent again, counted once"],
  ["quarantined", "Quarantined", "kept, with the reason"],
  ["pending", "Pending", "acknowledged, on the way"],
];

/** The numbers that matter, in a row. */
export class Numbers {
  constructor() {
    this.values = NUMBERS.map(([name]) => h("dd", { "data-number": name }, "–"));
    this.element = h("dl", { class: "numbers" },
      NUMBERS.map(([, title, note], i) => h("div", {}, h("dt", {}, title), this.values[i], h("dd", { class: "note" }, note))));
  }

  show(ledger) { NUMBERS.forEach(([name], i) => setText(this.values[i], count(ledger[name]))); }
}

/** That nothing is lost, as an equation that the reader can check. */
export class Conservation {
  constructor() {
    this.sentence = h("p", { class: "equation" });
    this.verdict = h("p", { class: "verdict" });
    this.element = h("section", { "aria-label": "Ledger" }, h("h2", {}, "Ledger"), this.sentence, this.verdict);
  }

  show(l) {
    const fates = [[l.stored, "stored"], [l.duplicate, l.duplicate === 1 ? "duplicate" : "duplicates"], [l.quarantined, "quarantined"],
      [l.dropped, "dropped"], [l.pending, "pending"]];
    const text = `${count(l.accepted)} accepted = ` + fates.map(([n, fate]) => `${count(n)} ${fate}`).join(" + ");
    if (this.sentence.textContent !== text) this.sentence.replaceChildren(...bold(text));
    const { words, wrong } = judge(l, fates.reduce((sum, [n]) => sum + n, 0));
    setText(this.verdict, words);
    this.verdict.classList.toggle("wrong", wrong);
  }
}

function bold(text) {
  return text.split(/(\d\S*)/).map((part, i) => (i % 2 ? h("b", {}, part) : part));
}

function judge(l, sum) {
  if (sum !== l.accepted) return { wrong: true, words: `This does not add up: ${events(Math.abs(l.accepted - sum))} unaccounted for.` };
  if (l.visible !== l.stored - l.erased) return { wrong: true, words: `This does not add up: ${count(l.visible)} visible, ${count(l.stored)} stored, ${count(l.erased)} erased.` };
  const erased = l.erased > 0 ? ` Of those stored, ${count(l.erased)} ${l.erased === 1 ? "was" : "were"} erased, and ${count(l.visible)} are visible.` : "";
  return { wrong: false, words: "Every acknowledged event is accounted for." + erased };
}
