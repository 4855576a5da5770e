// Models: SQL whose answers are datasets, what reads what, and how their last builds ended.

import { call } from "./api.js";
import { h, problemBox, put, sentence } from "./dom.js";
import { action, attempt, field } from "./form.js";
import { ago, count, when } from "./format.js";
import { failure, JobBar, rows, told } from "./job.js";
import { folderButton } from "./modelfolder.js";
import { graph } from "./modelgraph.js";
import { poll } from "./poll.js";

const address = (...parts) => `#${["models", ...parts].map(encodeURIComponent).join("/")}`;

/** The part of the page that is about models. */
export class Models {
  constructor(caller) {
    this.caller = caller;
    this.title = h("h1", { tabindex: "-1" }, "Models");
    this.trouble = h("div");
    this.job = h("div");
    this.actions = h("div", { class: "actions" });
    this.place = h("div", {}, h("p", { class: "soft", role: "status" }, "Loading…"));
    this.about = h("div");
    this.element = h("div", { class: "models" }, h("article", {}, h("header", {}, this.title, h("p", { class: "soft" }, "SQL over datasets, whose answers are datasets of their own.")),
      this.trouble, this.actions, this.job, this.place, this.about));
    this.stopPoll = poll((signal) => this.#turn(signal), { least: 4000, most: 30_000, growth: 1.5 });
    this.go();
  }

  go() {
    this.chosen = location.hash.split("/").map(decodeURIComponent)[1] ?? "";
    document.title = `${this.chosen || "Models"} – Tarn`;
    if (!this.folder) return;
    this.#draw();
    this.about.querySelector("h2")?.focus();
  }

  stop() {
    this.stopPoll();
    this.bar?.stop();
  }

  async #turn(signal) {
    try {
      const folder = await call("GET", "v1/models", undefined, signal);
      const drawn = JSON.stringify(folder);
      if (drawn === this.drawn) return false;
      if (!this.folder || this.folder.models.length > 0 !== folder.models.length > 0) this.#offer(folder);
      Object.assign(this, { folder, drawn });
      this.#draw();
      return true;
    } catch (problem) {
      if (problem.name === "AbortError") return false;
      if (!this.drawn) put(this.place);
      put(this.trouble, problemBox(problem));
      throw problem;
    }
  }

  #offer({ models }) {
    if (!this.caller.may("models:manage")) return;
    put(this.actions, models.length > 0 && [action("Run", () => this.#run({}), this.trouble, { class: "go" }), action("Dry run", () => this.#try({}), this.trouble)],
      folderButton("Try a folder…", (files) => this.#tryFolder(files)));
  }

  #draw() {
    const { models, files } = this.folder;
    if (models.length === 0) {
      put(this.place, h("div", { class: "empty" }, h("h2", {}, "No models yet"), h("p", {}, "Write SQL into files of a folder, try it here, and put it: or ", h("code", {}, "tarn models push DIR"), ".")));
      return;
    }
    const scrolled = this.place.firstChild?.scrollLeft ?? 0, held = document.activeElement?.closest?.(".graph a")?.getAttribute("href");
    const region = h("div", { class: "graph", role: "region", tabindex: "0", "aria-label": "What reads what" },
      graph(models, { chosen: this.chosen, href: ({ name, model }) => (model ? address(name) : `#/${encodeURIComponent(name)}`), notes }));
    put(this.place, region);
    region.scrollLeft = scrolled;
    if (held) [...region.querySelectorAll("a")].find((a) => a.getAttribute("href") === held)?.focus({ preventScroll: true });
    const model = models.find((m) => m.name === this.chosen);
    put(this.about, model ? this.#model(model, files) : h("p", { class: "soft" }, this.chosen ? `There is no model ${this.chosen}.` : "Choose a model to see its columns, its tests and its SQL."));
  }

  #model(m, files) {
    const sql = Object.entries(files).find(([file]) => file.split("/").pop() === `${m.name}.sql`)?.[1] ?? "";
    const only = { models: [m.name] };
    return h("section", { "aria-label": m.name },
      h("div", { class: "titled" }, h("div", {}, h("h2", { tabindex: "-1" }, h("a", { href: `#/${encodeURIComponent(m.name)}` }, m.name)), m.description && h("p", {}, sentence(m.description))),
        this.caller.may("models:manage") && h("div", { class: "actions" }, action("Run this", () => this.#run(only), this.trouble), action("Dry run of this", () => this.#try(only), this.trouble))),
      h("p", { class: "soft" }, [cadence(m), m.by ? `by ${m.by}${m.grain ? `, each ${m.grain}` : ""}` : "in full each time", m.released && "released from row filters", m.tests === 1 ? "1 test" : `${m.tests} tests`].filter(Boolean).join(" · ")),
      h("p", { class: "last" }, "Last build: ", build(m.status)),
      m.grain && this.caller.may("models:manage") && this.#again(m),
      m.status?.error && problemBox({ detail: m.status.error.message, hint: m.status.error.hint }),
      m.columns?.length > 0 && [h("h3", {}, "Columns"), h("ul", { class: "entries" }, m.columns.map((c) =>
        h("li", {}, h("code", {}, c.name), c.description && h("span", {}, c.description), c.tests?.map((t) => h("span", { class: "tag" }, t)))))],
      h("h3", {}, "SQL"), h("pre", { tabindex: "0", "aria-label": `SQL of ${m.name}` }, h("code", {}, sql.trim())));
  }

  // Building a period again, whatever changed; the last day is built, too.
  #again(m) {
    const from = h("input", { type: "date", required: true }), until = h("input", { type: "date", required: true });
    const submit = async (event) => {
      event.preventDefault();
      const after = new Date(until.value);
      after.setUTCDate(after.getUTCDate() + 1);
      await attempt(event.submitter, () => this.#run({ models: [m.name], from: new Date(from.value).toISOString(), until: after.toISOString() }), this.trouble);
    };
    return h("details", { class: "again" }, h("summary", {}, "Build a period again"), h("form", { onsubmit: submit },
      h("div", { class: "fields" }, field("First day", from), field("Last day", until)),
      h("p", { class: "hint" }, "Days in UTC. What reads this model is built after it."), h("button", { type: "submit" }, "Build again")));
  }

  async #run(request) {
    const { job_id: id } = await call("POST", "v1/model-runs", request);
    this.#follow(id, "Run", () => {});
  }

  async #try(request) {
    const { job_id: id } = await call("POST", "v1/model-dry-runs", request);
    this.#follow(id, "Dry run", (job) => put(this.job, differences(job.result.differences)));
  }

  // A folder is tried first: what it would change is what is agreed to.
  async #tryFolder(files) {
    const from = this.folder.version;
    put(this.trouble);
    try {
      if (Object.keys(files).length === 0) throw { detail: "there are no .sql or .yml files in that folder" };
      const { job_id: id } = await call("POST", "v1/model-dry-runs", { files });
      const putAll = async () => {
        await call("PUT", "v1/models", { files, from_version: from });
        put(this.job, h("p", { role: "status" }, "The folder is in place. Run it to build what changed."));
        await this.#turn();
      };
      this.#follow(id, "Dry run of the folder", (job) => put(this.job, differences(job.result.differences), this.#gone(job.result.differences), h("div", { class: "actions" }, action("Put this folder in place", putAll, this.trouble, { class: "go" }))));
    } catch (problem) {
      put(this.trouble, problemBox(problem));
    }
  }

  // The models that a folder does not have any more.
  #gone(differences) {
    const names = this.folder.models.map((m) => m.name).filter((name) => !differences.some((d) => d.model === name));
    return names.length > 0 && h("p", {}, `Not in the folder, and built no more: ${names.join(", ")}. Their datasets stay.`);
  }

  #follow(id, label, onDone) {
    this.bar?.stop();
    this.bar = new JobBar(id, label, { trouble: this.trouble, mayCancel: this.caller.may("jobs:change"), say: told, onEnd: async (job) => {
      if (job.state === "failed") put(this.trouble, problemBox(failure(job)));
      if (job.state === "done") onDone(job);
      await this.#turn().catch(() => {}); // the poll tells
    } });
    put(this.job, h("section", { "aria-label": label }, h("h2", {}, label), this.bar.element));
  }
}

const cadence = (m) => ({ manual: "run by hand", on_change: "on change" })[m.run] ?? m.run;

function notes({ model }) {
  if (!model) return ["dataset"];
  const { status } = model;
  return [cadence(model), status ? `${status.outcome} ${ago(status.at)}` : "never built"];
}

function build(status) {
  if (!status) return h("span", { class: "soft" }, "none yet");
  const parts = status.parts > 0 && `, ${status.parts === 1 ? "1 part" : `${count(status.parts)} parts`}`;
  return [h("span", { class: `state ${status.outcome}` }, status.outcome), ", ", status.outcome === "built" && [rows(status.rows), parts, ", "], h("time", { datetime: status.at, title: when(status.at) }, ago(status.at)),
    status.outcome !== "built" && status.built_at && [". What is there was built ", h("time", { datetime: status.built_at, title: when(status.built_at) }, ago(status.built_at)), "."]];
}

/** What a dry run told, a line for each model and each sum that would change. */
function differences(all) {
  const number = (n) => h("td", { class: "number" }, typeof n === "number" ? count(n) : n ?? "–");
  const line = (d) => (d.failed ? [h("tr", {}, h("td", {}, d.model), h("td", { class: "wrong", colspan: 5 }, sentence(d.failed)))]
    : [h("tr", {}, h("td", {}, d.model), h("td", {}, "rows"), ...[d.before, d.after, d.added, d.removed].map(number)),
      ...d.sums.map((sum) => h("tr", {}, h("td"), h("td", {}, `sum of ${sum.column}`), number(sum.before), number(sum.after), h("td"), h("td")))]);
  const changed = all.some((d) => d.failed || d.added > 0 || d.removed > 0);
  return h("section", { "aria-label": "Dry run" }, h("h2", {}, "Dry run"), h("p", { class: "soft" }, changed ? "What a run would change. Nothing has been changed." : "A run would change nothing."),
    h("div", { class: "grid", role: "region", tabindex: "0", "aria-label": "Differences" }, h("table", {},
      h("thead", {}, h("tr", {}, ["Model", "What", "Before", "After", "Added", "Removed"].map((name, i) => h("th", { scope: "col", class: i > 1 && "number" }, name)))),
      h("tbody", {}, all.flatMap(line)))));
}
