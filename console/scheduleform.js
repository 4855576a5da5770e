// A schedule as it is made or changed: what it orders, and when, with the next runs as one types.

import { call } from "./api.js";
import { h, put, sentence } from "./dom.js";
import { attempt, choice, chosen, field, select, tick } from "./form.js";
import { clock, here, zones } from "./times.js";

const PAUSE = 300; // ms without a key before the server is asked
const FORMATS = ["csv", "ndjson", "parquet", "xlsx"];
const CATCH_UP = [["last", "one run makes up for all"], ["all", "each is made up for"], ["skip", "none is made up for"]];

/** A form. of is the schedule that is changed, if any; onDone gets what was made of it. */
export class ScheduleForm {
  constructor(caller, of, onDone) {
    Object.assign(this, { caller, of, onDone, leaving: new AbortController() });
    this.title = h("h1", { tabindex: "-1" }, of ? `Change ${of.name}` : "New schedule");
    this.trouble = h("div");
    this.name = h("input", { type: "text", required: true, maxlength: "63", pattern: "[a-z0-9][a-z0-9_\\-]*", autocomplete: "off", spellcheck: "false", value: of?.name ?? "", disabled: Boolean(of) });
    this.what = h("div", { class: "fields" });
    this.when = h("div", { class: "fields" });
    this.next = h("div", { class: "next", "aria-live": "polite" });
    this.catchUp = select(CATCH_UP, of?.catch_up ?? "last");
    this.save = h("button", { type: "submit", class: "go" }, of ? "Save" : "Make the schedule");
    this.element = h("article", {}, h("p", {}, h("a", { href: of ? `#schedules/${of.name}` : "#schedules" }, of ? `Back to ${of.name}` : "All schedules")), h("header", {}, this.title), this.#form());
    this.#fill();
    this.#preview();
  }

  focus() { this.title.focus(); }

  stop() {
    this.leaving.abort();
    clearTimeout(this.timer);
  }

  #form() {
    const kinds = [["sync", "Sync a connector", "connectors:manage"], ["export", "Export a dataset", "export:create"]].filter(([, , needs]) => this.caller.may(needs));
    const kind = this.of?.job.kind ?? kinds[0]?.[0];
    this.kinds = choice("What it does", "kind", kinds, kind, () => this.#fill());
    const way = this.of?.rate ? "rate" : this.of?.at ? "at" : "cron";
    this.ways = choice("When", "way", [["cron", "By the clock"], ["rate", "At a rate"], ["at", "Once"]], way, () => { this.#time(); this.#preview(); });
    this.#time();
    const submit = (e) => {
      e.preventDefault();
      attempt(this.save, () => this.#submit(), this.trouble);
    };
    return h("form", { onsubmit: submit },
      field("Name", this.name, this.of ? null : "Lower-case letters, digits, _ and -."),
      h("section", { "aria-label": "What it does" }, h("h2", {}, "What it does"), this.kinds, this.what),
      h("section", { "aria-label": "When" }, h("h2", {}, "When"), this.ways, this.when, this.next),
      h("section", { "aria-label": "Missed runs" }, field("Runs that were missed", this.catchUp, "While the server was down, or the schedule was paused.")),
      this.trouble, this.save);
  }

  // The fields of what is ordered. What a schedule was told beyond them stays.
  async #fill() {
    const { signal } = this.leaving, kind = chosen(this.kinds);
    this.request = this.of?.job.kind === kind ? this.of.job.request : {};
    const trouble = (problem) => { if (problem.name !== "AbortError") put(this.what, h("p", { class: "soft" }, sentence(problem.detail))); };
    if (kind === "sync") {
      const { connectors } = await call("GET", "v1/connectors", undefined, signal).catch((e) => { trouble(e); return {}; });
      if (!connectors) return;
      this.connector = select(connectors.map((c) => c.name), this.request.connector);
      this.full = tick("Read everything anew each time", { checked: Boolean(this.request.full) });
      put(this.what, ...(connectors.length > 0 ? [field("Connector", this.connector), this.full] : [h("p", { class: "soft" }, "There is no connector yet. ", h("a", { href: "#connectors/new" }, "Make one"))]));
    } else {
      const { datasets } = await call("GET", "v1/datasets?limit=100", undefined, signal).catch((e) => { trouble(e); return {}; });
      if (!datasets) return;
      this.dataset = this.request.query ? null : select(datasets.map((d) => d.name), this.request.dataset);
      this.format = select(FORMATS, this.request.format);
      put(this.what, this.dataset ? field("Dataset", this.dataset) : h("p", { class: "soft" }, "The answer of a question, which stays as it is."), field("Format", this.format));
    }
  }

  #time() {
    const soon = () => { clearTimeout(this.timer); this.timer = setTimeout(() => this.#preview(), PAUSE); };
    const text = (value, placeholder) => h("input", { type: "text", required: true, value: value ?? "", placeholder, autocomplete: "off", spellcheck: "false", class: "mono", oninput: soon });
    const way = chosen(this.ways);
    this.zone = h("input", { type: "text", list: "zones", value: this.of?.zone ?? here ?? "UTC", autocomplete: "off", spellcheck: "false", oninput: soon });
    this.time = { cron: () => text(this.of?.cron, "30 2 * * MON-FRI"), rate: () => text(this.of?.rate, "15 minutes"),
      at: () => h("input", { type: "datetime-local", required: true, value: local(this.of?.at), oninput: soon }) }[way]();
    const hints = { cron: "Minute, hour, day, month, weekday; or @hourly, @daily, @weekly, @monthly.", rate: "15 minutes, 2 hours, 1 day.", at: "By the clock of this machine." };
    put(this.when, field({ cron: "Cron expression", rate: "Every", at: "Time" }[way], this.time, hints[way]),
      way === "cron" ? [field("Time zone", this.zone, "Summer and winter time are heeded."), h("datalist", { id: "zones" }, zones().map((z) => h("option", { value: z })))] : [], );
  }

  #timing() {
    const way = chosen(this.ways), value = this.time.value.trim();
    if (way === "at") return { at: value && new Date(value).toISOString() };
    return way === "cron" ? { cron: value, zone: this.zone.value.trim() } : { rate: value };
  }

  async #preview() {
    clearTimeout(this.timer);
    const asked = this.asked = {};
    const timing = this.#timing();
    if (!timing.cron && !timing.rate && !timing.at) { put(this.next); return; }
    try {
      const { next } = await call("POST", "v1/next-runs", timing, this.leaving.signal);
      if (asked !== this.asked) return; // more was typed
      put(this.next, next.length > 0 ? h("h3", {}, "Next runs") : h("p", { class: "wrong" }, "It is never due again."),
        h("ol", { class: "ticks" }, next.map((t) => h("li", {}, clock(t, timing.zone ?? here)))));
    } catch (problem) {
      if (asked !== this.asked || problem.name === "AbortError") return;
      put(this.next, h("p", { class: "wrong" }, sentence(problem.detail)), problem.hint ? h("p", { class: "soft" }, sentence(problem.hint)) : "");
    }
  }

  #order() {
    const kind = chosen(this.kinds);
    if (kind === "sync") return { kind, request: { ...this.request, connector: this.connector?.value, full: this.full.querySelector("input").checked } };
    return { kind, request: { ...this.request, ...this.dataset && { dataset: this.dataset.value }, format: this.format.value } };
  }

  async #submit() {
    const job = this.#order();
    const body = { ...this.#timing(), catch_up: this.catchUp.value };
    if (!this.of) this.onDone(await call("POST", "v1/schedules", { ...body, name: this.name.value, job }));
    else this.onDone(await call("PATCH", `v1/schedules/${this.of.name}`, JSON.stringify(job) === JSON.stringify(this.of.job) ? body : { ...body, job }));
  }
}

/** A time as an input of type datetime-local has it. */
function local(time) {
  if (!time) return "";
  const at = new Date(time);
  return new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
