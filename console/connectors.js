// Tables of other systems: the list of connectors, and each of them.

import { call } from "./api.js";
import { ConnectorForm } from "./connectorform.js";
import { h, problemBox, put, sentence } from "./dom.js";
import { action, confirmed } from "./form.js";
import { ago, when } from "./format.js";
import { failure, JobBar, rows, syncing } from "./job.js";
import { titleOf } from "./kinds.js";
import { poll } from "./poll.js";

const path = (name, rest = "") => `v1/connectors/${encodeURIComponent(name)}${rest}`;
const address = (...parts) => `#${["connectors", ...parts].map(encodeURIComponent).join("/")}`;

/** The part of the page that is about connectors. */
export class Connectors {
  constructor(caller) {
    this.caller = caller;
    this.element = h("div", { class: "part" });
    this.go();
  }

  go() {
    const first = !this.view;
    this.stop();
    const [, name, edit] = location.hash.split("/").map(decodeURIComponent);
    if (name === "new") this.view = new ConnectorForm({ onDone: (made) => { location.hash = address(made.name); } });
    else if (name && edit === "edit") this.view = new ConnectorForm({ name, onDone: () => { location.hash = address(name); } });
    else if (name) this.view = new Connector(this.caller, name);
    else this.view = new List();
    document.title = `${name && name !== "new" ? name : "Connectors"} – Tarn`;
    put(this.element, this.view.element);
    if (!first) this.view.focus();
  }

  stop() { this.view?.stop(); }
}

class List {
  constructor() {
    this.title = h("h1", { tabindex: "-1" }, "Connectors");
    this.trouble = h("div");
    this.place = h("div", {}, h("p", { class: "soft", role: "status" }, "Loading…"));
    this.element = h("article", {}, h("header", { class: "titled" }, h("div", {}, this.title, h("p", { class: "soft" }, "Tables of other systems, mirrored by datasets.")),
      h("a", { class: "button", href: address("new") }, "New connector")), this.trouble, this.place);
    this.stop = poll((signal) => this.#turn(signal), { least: 4000, most: 30_000, growth: 1.5 });
  }

  focus() { this.title.focus(); }

  async #turn(signal) {
    try {
      const { connectors } = await call("GET", "v1/connectors", undefined, signal);
      put(this.trouble);
      const drawn = JSON.stringify(connectors);
      if (drawn === this.drawn) return false;
      this.drawn = drawn;
      put(this.place, connectors.length > 0 ? h("ul", { class: "entries" }, connectors.map(row))
        : h("div", { class: "empty" }, h("h2", {}, "No connectors yet"), h("p", {}, "A connector reads tables of a database, or of another system, into datasets, and keeps them up to date.")));
      return true;
    } catch (problem) {
      if (problem.name === "AbortError") return false;
      put(this.trouble, problemBox(problem));
      throw problem;
    }
  }
}

function row(c) {
  return h("li", { class: "entry" },
    h("div", { class: "head" }, h("a", { class: "name", href: address(c.name) }, c.name), h("span", { class: "tag" }, titleOf(c.kind))),
    h("p", { class: "soft" }, tables(c.tables)), h("p", { class: "last" }, "Last sync: ", sync(c.last_sync)));
}

function tables(all) {
  const names = all.slice(0, 4).map((t) => t.table).join(", ");
  return all.length > 4 ? `${names} and ${all.length - 4} more tables` : names;
}

function sync(last) {
  if (!last) return h("span", { class: "soft" }, "never");
  const at = last.ended ?? last.submitted;
  return [h("span", { class: `state ${last.state}` }, last.state), ` ${rows(last.rows)}, `, h("time", { datetime: at, title: when(at) }, ago(at)),
    last.state === "failed" && last.error && `: ${sentence(last.error.message)}`];
}

class Connector {
  constructor(caller, name) {
    Object.assign(this, { caller, name });
    this.title = h("h1", { tabindex: "-1" }, name);
    this.about = h("p", { class: "soft" }, "Loading…");
    this.trouble = h("div");
    this.told = h("p", { role: "status" });
    this.last = h("p", { class: "last" });
    this.job = h("div");
    this.body = h("div");
    this.actions = h("div", { class: "actions" });
    this.element = h("article", {}, h("p", {}, h("a", { href: address() }, "All connectors")), h("header", {}, this.title, this.about, this.last), this.trouble, this.actions, this.told, this.job, this.body);
    this.stopPoll = poll((signal) => this.#turn(signal), { least: 3000, most: 20_000, growth: 1.5 });
  }

  focus() { this.title.focus(); }

  stop() {
    this.stopPoll();
    this.bar?.stop();
  }

  async #turn(signal) {
    try {
      this.#draw(await call("GET", path(this.name), undefined, signal));
    } catch (problem) {
      if (problem.name === "AbortError") return false;
      if (!this.drawn) this.about.textContent = "";
      put(this.trouble, problemBox(problem));
      if (problem.status === 404) this.stopPoll();
      throw problem;
    }
    return false;
  }

  #draw(c) {
    if (!this.drawn) this.#offer();
    const drawn = JSON.stringify(c);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.about.textContent = `${titleOf(c.kind)} · ${c.tables.length === 1 ? "1 table" : `${c.tables.length} tables`} · since ${when(c.created)}`;
    put(this.last, "Last sync: ", sync(c.last_sync));
    if (["queued", "running"].includes(c.last_sync?.state)) this.#follow(c.last_sync.job_id); // somebody else's, or a schedule's
    put(this.body, h("section", { "aria-label": "Tables" }, h("h2", {}, "Tables"), h("ul", { class: "entries" }, c.tables.map(mirrored))),
      c.settings && h("section", { "aria-label": "Settings" }, h("h2", {}, "Settings"), h("pre", { tabindex: "0", "aria-label": "Settings" }, h("code", {}, JSON.stringify(c.settings, null, 2)))));
  }

  #offer() {
    const act = (text, work, attributes) => action(text, () => { this.told.textContent = ""; return work(); }, this.trouble, attributes);
    put(this.actions, act("Sync now", () => this.#sync(false), { class: "go" }), act("Test", () => this.#test()), act("Sync everything anew", () => this.#anew()),
      h("a", { class: "button", href: address(this.name, "edit") }, "Edit"), act("Delete", () => this.#delete(), { class: "danger" }));
  }

  async #test() {
    this.told.textContent = "Asking the source…";
    try {
      await call("POST", path(this.name, "/test"));
      this.told.textContent = "The source answers.";
    } catch (problem) {
      this.told.textContent = "";
      throw problem;
    }
  }

  async #sync(full) {
    const { job_id: id } = await call("POST", path(this.name, "/sync"), { full });
    this.#follow(id);
  }

  async #anew() {
    if (!await confirmed("Read everything anew?", "All rows are read again, in the stead of those that are there. That may take long, and is a load on the source.", "Read anew")) return;
    await this.#sync(true);
  }

  #follow(id) {
    if (this.following === id) return;
    this.following = id;
    this.bar?.stop();
    this.bar = new JobBar(id, "Sync", { trouble: this.trouble, mayCancel: this.caller.may("jobs:change"), say: syncing, onEnd: (job) => this.#ended(job) });
    put(this.job, h("section", { "aria-label": "Sync" }, h("h2", {}, "Sync"), this.bar.element));
  }

  #ended(job) {
    if (job.state === "failed") put(this.trouble, problemBox(failure(job)));
    if (job.state === "done") put(this.job.firstChild, h("h2", {}, "Synced"), done(job.result));
    call("GET", path(this.name)).then((c) => this.#draw(c)).catch(() => {}); // the poll tells
  }

  async #delete() {
    if (!await confirmed(`Delete ${this.name}?`, "Its datasets and their rows stay; nothing is synced any more.", "Delete")) return;
    try {
      await call("DELETE", path(this.name));
    } catch (problem) {
      if (problem.code !== "not_released") throw problem;
      const cause = "The source cannot be reached, and keeps changes for this connector. Delete it all the same, and drop the slot there by hand?";
      if (!await confirmed(`Delete ${this.name} here only?`, cause, "Delete here")) throw problem;
      await call("DELETE", path(this.name, "?keep_slot=true"));
    }
    location.hash = address();
  }
}

function mirrored({ table, dataset, mode, cursor, key, window: back }) {
  const how = [mode ?? (cursor ? "incremental" : "full"), cursor && `by ${cursor}`, key?.length > 0 && `key ${key.join(", ")}`, back && `window ${back}`];
  return h("li", {}, h("code", {}, table), h("span", {}, "→ ", h("a", { href: `#/${dataset}` }, dataset)), h("span", { class: "soft" }, how.filter(Boolean).join(" · ")));
}

function done({ tables: by }) {
  return h("ul", { class: "entries" }, Object.entries(by).map(([table, { rows: n, quarantined = 0 }]) =>
    h("li", {}, h("code", {}, table), h("span", {}, rows(n)), h("span", { class: "soft" }, quarantined > 0 ? `${rows(quarantined)} in quarantine` : n === 0 ? "nothing was new" : ""))));
}
