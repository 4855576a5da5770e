// A bar chart of counts over time, drawn once and changed in place.

import { bucket, compact, events } from "./format.js";
import { h, setText } from "./dom.js";

const WIDTH = 600, HEIGHT = 150; // of the drawing, which stretches to its place
const SVG = "http://www.w3.org/2000/svg";

/** The starts of the buckets that cover [from, to), in the browser's time zone. */
export function starts(from, to, grain) {
  const out = [];
  for (let at = floor(from, grain); at < to; at = next(at, grain)) out.push(at);
  return out;
}

function floor(time, grain) {
  const t = new Date(time);
  if (grain === "minute") { t.setSeconds(0, 0); return t; }
  if (grain === "hour") { t.setMinutes(0, 0, 0); return t; }
  t.setHours(0, 0, 0, 0);
  if (grain === "week") t.setDate(t.getDate() - (t.getDay() + 6) % 7);
  if (grain === "month" || grain === "year") t.setDate(1);
  if (grain === "year") t.setMonth(0);
  return t;
}

/** The start of the bucket after this one. */
export function next(time, grain) {
  const t = new Date(time);
  if (grain === "minute") return new Date(+t + 60_000);
  if (grain === "hour") return new Date(+t + 3_600_000);
  if (grain === "day") t.setDate(t.getDate() + 1);
  if (grain === "week") t.setDate(t.getDate() + 7);
  if (grain === "month") t.setMonth(t.getMonth() + 1);
  if (grain === "year") t.setFullYear(t.getFullYear() + 1);
  return t;
}

/** The smallest of 1, 2, 5, 10, 20, … that holds n. */
export function ceiling(n) {
  const power = 10 ** Math.floor(Math.log10(Math.max(n, 1)));
  return [1, 2, 5, 10].map((m) => m * power).find((m) => m >= n);
}

/** A chart: element is its place in the page, show(bars, grain) draws [{at, n}]. */
export class Chart {
  #bars = [];
  #grain = "minute";
  #at = -1; // the bar that is read out; -1: none, the whole is summed up

  constructor() {
    this.path = draw("path", { class: "bars" });
    this.mark = draw("rect", { class: "mark", y: 0, height: HEIGHT, visibility: "hidden" });
    const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    svg.append(this.mark, this.path);
    this.top = h("span", { class: "most" });
    this.plot = h("div", { class: "plot", tabindex: "0", role: "slider", "aria-valuemin": "0", "aria-label": "Events over time" }, this.top, svg);
    this.axis = h("div", { class: "axis", "aria-hidden": "true" }, h("span"), h("span"), h("span"));
    this.readout = h("p", { class: "readout" });
    this.element = h("div", { class: "chart" }, this.readout, this.plot, this.axis);
    this.#listen(svg);
  }

  #listen(svg) {
    this.plot.addEventListener("pointermove", (e) => {
      const box = svg.getBoundingClientRect();
      this.#read(Math.floor((e.clientX - box.left) / box.width * this.#bars.length));
    });
    this.plot.addEventListener("pointerleave", () => this.#read(-1));
    this.plot.addEventListener("blur", () => this.#read(-1));
    this.plot.addEventListener("keydown", (e) => {
      const last = this.#bars.length - 1;
      const at = this.#at < 0 ? last : this.#at;
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last, Escape: -1 }[e.key];
      if (to === undefined) return;
      e.preventDefault();
      this.#read(e.key === "Escape" ? -1 : Math.min(Math.max(to, 0), last));
    });
  }

  show(bars, grain) {
    this.#bars = bars;
    this.#grain = grain;
    const most = ceiling(Math.max(...bars.map((b) => b.n)));
    const pitch = WIDTH / bars.length;
    const gap = Math.min(pitch * 0.25, 2.5);
    const d = bars.map(({ n }, i) => {
      if (n === 0) return "";
      const height = Math.max(n / most * HEIGHT, 2);
      return `M${(i * pitch + gap / 2).toFixed(2)} ${HEIGHT}v${(-height).toFixed(2)}h${(pitch - gap).toFixed(2)}V${HEIGHT}z`;
    }).join("");
    if (this.path.getAttribute("d") !== d) this.path.setAttribute("d", d);
    setText(this.top, compact(most));
    const ends = [bars[0], bars[Math.floor(bars.length / 2)], bars.at(-1)];
    ends.forEach((b, i) => setText(this.axis.children[i], bucket(b.at, grain)));
    this.#read(Math.min(this.#at, bars.length - 1));
  }

  #read(at) {
    if (at >= this.#bars.length) return;
    this.#at = at;
    const text = at < 0 ? this.#sum() : this.#tell(this.#bars[at]);
    setText(this.readout, text);
    this.plot.setAttribute("aria-valuemax", this.#bars.length - 1);
    this.plot.setAttribute("aria-valuenow", at < 0 ? this.#bars.length - 1 : at);
    this.plot.setAttribute("aria-valuetext", text);
    this.mark.setAttribute("visibility", at < 0 ? "hidden" : "visible");
    if (at < 0) return;
    const pitch = WIDTH / this.#bars.length;
    this.mark.setAttribute("x", at * pitch);
    this.mark.setAttribute("width", pitch);
  }

  #tell({ at, n }) { return `${bucket(at, this.#grain)}: ${events(n)}`; }

  #sum() {
    const all = this.#bars.reduce((sum, b) => sum + b.n, 0);
    if (all === 0) return "No events in this time";
    const busiest = this.#bars.reduce((a, b) => (b.n > a.n ? b : a));
    return `${events(all)}; most in the ${this.#grain} of ${this.#tell(busiest)}`;
  }
}

function draw(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
