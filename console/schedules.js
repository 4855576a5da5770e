// What is done at set times: the list of schedules, and each of them.

import { call } from "./api.js";
import { h, problemBox, put, sentence } from "./dom.js";
import { ago, when } from "./format.js";
import { action, confirmed } from "./form.js";
import { failure, JobBar, syncing, told } from "./job.js";
import { poll } from "./poll.js";
import { ScheduleForm } from "./scheduleform.js";
import { clock } from "./times.js";

const path = (name) => `v1/schedules/${encodeURIComponent(name)}`;
const address = (...parts) => `#${["schedules", ...parts].map(encodeURIComponent).join("/")}`;

/** The part of the page that is about schedules. */
export class Schedules {
  constructor(caller) {
    this.caller = caller;
    this.element = h("div", { class: "part" });
    this.go();
  }

  go() {
    const first = !this.view;
    this.stop();
    const [, name, edit] = location.hash.split("/").map(decodeURIComponent);
    const may = this.caller.may("schedules:change");
    if (name === "new" && may) this.view = new ScheduleForm(this.caller, null, (made) => { location.hash = address(made.name); });
    else if (name && edit === "edit" && may) this.view = new Editing(this.caller, name);
    else if (name) this.view = new Schedule(this.caller, name);
    else this.view = new List(this.caller);
    document.title = `${name && name !== "new" ? name : "Schedules"} – Tarn`;
    put(this.element, this.view.element);
    if (!first) this.view.focus();
  }

  stop() { this.view?.stop(); }
}

class List {
  constructor(caller) {
    this.title = h("h1", { tabindex: "-1" }, "Schedules");
    this.trouble = h("div");
    this.list = h("ul", { class: "entries", "aria-busy": "true" });
    this.place = h("div", {}, h("p", { class: "soft", role: "status" }, "Loading…"));
    this.may = caller.may("schedules:change");
    this.element = h("article", {}, h("header", { class: "titled" }, h("div", {}, this.title, h("p", { class: "soft" }, "Syncs and exports that are ordered at set times.")),
      this.may && h("a", { class: "button", href: address("new") }, "New schedule")), this.trouble, this.place);
    this.stop = poll((signal) => this.#turn(signal), { least: 10_000, most: 60_000, growth: 1.5 });
  }

  focus() { this.title.focus(); }

  async #turn(signal) {
    try {
      const all = await pages(signal);
      const last = new Map(all.map((s) => [s.name, this.last?.get(s.name)]));
      this.last = last;
      this.#draw(all);
      for (const { name } of all) { // the list tells of no runs
        last.set(name, (await call("GET", path(name), undefined, signal)).runs?.[0] ?? null);
        this.#draw(all);
      }
      put(this.trouble);
    } catch (problem) {
      if (problem.name === "AbortError") return false;
      put(this.trouble, problemBox(problem));
      throw problem;
    }
    return false;
  }

  #draw(all) {
    const drawn = JSON.stringify([all, [...this.last]]);
    if (drawn === this.drawn) return; // a reader's place in it stays
    this.drawn = drawn;
    if (all.length === 0) {
      put(this.place, h("div", { class: "empty" }, h("h2", {}, "No schedules yet"), h("p", {}, "A schedule orders a sync or an export by the clock of a time zone, and makes up for what was missed.")));
      return;
    }
    put(this.list, ...all.map((s) => this.#row(s)));
    if (!this.list.isConnected) put(this.place, this.list);
  }

  #row(s) {
    return h("li", { class: "entry" },
      h("div", { class: "head" }, h("a", { class: "name", href: address(s.name) }, s.name), s.paused && h("span", { class: "state" }, "paused")),
      h("p", { class: "soft" }, purpose(s.job), " · ", timing(s)),
      h("p", { class: "last" }, "Last run: ", outcome(this.last.get(s.name))),
      s.next.length > 0 ? h("ol", { class: "ticks", "aria-label": "Next runs" }, s.next.map((t) => h("li", {}, h("time", { datetime: t.utc }, clock(t, s.zone))))) : h("p", { class: "soft" }, "No runs ahead."));
  }
}

async function pages(signal) {
  const all = [];
  for (let next = ""; ;) {
    const page = await call("GET", `v1/schedules?limit=100${next && `&next=${encodeURIComponent(next)}`}`, undefined, signal);
    all.push(...page.schedules);
    if (!(next = page.next)) return all;
  }
}

/** What a schedule orders, in words. */
function purpose({ kind, request }) {
  if (kind === "sync") return `Sync ${request.connector}${request.full ? ", everything anew" : ""}`;
  if (kind === "export") return `Export ${request.dataset ?? request.query?.dataset ?? ""} as ${request.format}`;
  return kind;
}

/** When a schedule is due, in words. */
function timing({ cron, rate, at, zone }) {
  if (cron) return [h("code", {}, cron), ` by the clock of ${zone || "UTC"}`];
  return rate ? `every ${rate.replace(/^1 /, "")}` : `once, ${when(at)}`;
}

function outcome(run) {
  if (run === undefined) return h("span", { class: "soft" }, "…");
  if (run === null) return h("span", { class: "soft" }, "none yet");
  return [h("span", { class: `state ${run.outcome}` }, run.outcome), " ", h("time", { datetime: run.at, title: when(run.at) }, ago(run.at)), run.error && `: ${sentence(run.error.message)}`];
}

class Schedule {
  constructor(caller, name) {
    Object.assign(this, { caller, name });
    this.title = h("h1", { tabindex: "-1" }, name);
    this.about = h("p", { class: "soft" }, "Loading…");
    this.trouble = h("div");
    this.body = h("div");
    this.job = h("div");
    this.actions = h("div", { class: "actions" });
    this.element = h("article", {}, h("p", {}, h("a", { href: address() }, "All schedules")), h("header", {}, this.title, this.about), this.trouble, this.actions, this.job, this.body);
    this.stopPoll = poll((signal) => this.#turn(signal), { least: 3000, most: 15_000, growth: 1.5 });
  }

  focus() { this.title.focus(); }

  stop() {
    this.stopPoll();
    this.bar?.stop();
  }

  async #turn(signal) {
    try {
      return this.#draw(await call("GET", path(this.name), undefined, signal));
    } catch (problem) {
      if (problem.name === "AbortError") return false;
      if (!this.drawn) this.about.textContent = "";
      put(this.trouble, problemBox(problem));
      if (problem.status === 404) this.stopPoll();
      throw problem;
    }
  }

  #draw(s) {
    const drawn = JSON.stringify(s);
    if (drawn === this.drawn) return false;
    const paused = this.paused;
    this.drawn = drawn;
    this.paused = Boolean(s.paused);
    put(this.about, purpose(s.job), " · ", ...[timing(s)].flat(), s.paused ? " · paused" : "");
    if (paused !== this.paused) this.#offer();
    put(this.body,
      h("section", { "aria-label": "Next runs" }, h("h2", {}, "Next runs"), s.next.length > 0
        ? [h("ol", { class: "ticks" }, s.next.map((t) => h("li", {}, h("time", { datetime: t.utc }, clock(t, s.zone))))), h("p", { class: "soft" }, `By the clock of ${s.zone || "UTC"}.`)]
        : h("p", { class: "soft" }, s.paused ? "None while it is paused." : "None: it is over.")),
      h("section", { "aria-label": "Last runs" }, h("h2", {}, "Last runs"), s.runs?.length > 0
        ? h("ul", { class: "entries" }, s.runs.map(entry)) : h("p", { class: "soft" }, "None yet.")));
    return true;
  }

  #offer() {
    if (!this.caller.may("schedules:change")) return;
    const act = (text, work, attributes) => action(text, work, this.trouble, attributes);
    put(this.actions,
      act("Run now", () => this.#run()),
      act(this.paused ? "Resume" : "Pause", async () => this.#draw({ ...await call("PATCH", path(this.name), { paused: !this.paused }), runs: JSON.parse(this.drawn).runs })),
      h("a", { class: "button", href: address(this.name, "edit") }, "Edit"),
      act("Delete", () => this.#delete(), { class: "danger" }));
  }

  async #run() {
    const { job_id: id } = await call("POST", `${path(this.name)}/run`);
    this.bar?.stop();
    const onEnd = (job) => { if (job.state === "failed") put(this.trouble, problemBox(failure(job))); };
    this.bar = new JobBar(id, "Run", { trouble: this.trouble, say: (job) => (job.kind === "sync" ? syncing(job) : told(job)), onEnd });
    put(this.job, this.bar.element);
    this.#draw(await call("GET", path(this.name)));
  }

  async #delete() {
    if (!await confirmed(`Delete ${this.name}?`, "It orders nothing any more. Jobs that it ordered go on.", "Delete")) return;
    await call("DELETE", path(this.name));
    location.hash = address();
  }
}

function entry(run) {
  const span = run.missed > 1 ? ` and ${run.missed - 1} more until ${when(run.until)}` : "";
  return h("li", {}, h("time", { datetime: run.tick }, when(run.tick), span), h("span", { class: `state ${run.outcome}` }, run.manual ? "asked for" : run.outcome),
    h("span", { class: "soft" }, run.error ? sentence(run.error.message) : run.job_id && `job ${run.job_id}`));
}

class Editing {
  constructor(caller, name) {
    this.element = h("div", {}, h("p", { class: "soft", role: "status" }, "Loading…"));
    call("GET", path(name)).then((s) => {
      this.form = new ScheduleForm(caller, s, () => { location.hash = address(name); });
      put(this.element, this.form.element);
      this.form.focus();
    }).catch((e) => put(this.element, problemBox(e)));
  }

  focus() { this.form?.focus(); }

  stop() { this.form?.stop(); }
}
