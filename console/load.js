// A file on its way into a dataset: chosen and sent, looked at, loaded. Each step has an
// address of its own, so that the page can be left and come back to.

import { call } from "./api.js";
import { h, problemBox, put } from "./dom.js";
import { described, dropZone } from "./drop.js";
import { action } from "./form.js";
import { bytes, count, duration } from "./format.js";
import { Bar, failure, JobBar, loading, rows } from "./job.js";
import { Preview } from "./preview.js";
import { upload, uploadParts } from "./upload.js";

let waiting = null; // a file that was dropped elsewhere: {dataset, file}

const address = (dataset, ...rest) => `#/${[dataset, ...rest].map(encodeURIComponent).join("/")}`;

/** Goes to load a file into a dataset. */
export function bring(dataset, file) {
  waiting = { dataset, file };
  location.hash = address(dataset, "load");
}

/** A step of loading. file and job say which: none is the first, both the last. */
export class Load {
  #leaving = new AbortController();

  constructor({ dataset, file, job }, caller) {
    Object.assign(this, { dataset, file, job, caller });
    this.title = h("h1", { tabindex: "-1" }, `Load a file into ${dataset}`);
    this.trouble = h("div");
    this.place = h("div", { class: "steps" });
    this.element = h("article", {}, h("header", {}, this.title, h("p", {}, h("a", { href: address(dataset) }, `Back to ${dataset}`))), this.trouble, this.place);
    if (job) this.#follow();
    else if (file) this.#look();
    else this.#choose();
  }

  focus() { this.title.focus(); }

  stop() {
    this.#leaving.abort();
    this.bar?.stop();
  }

  #choose() {
    const ready = waiting?.dataset === this.dataset ? waiting.file : null;
    waiting = null;
    if (ready) this.#send(ready);
    else put(this.place, dropZone((file) => this.#send(file)));
  }

  async #send(file) {
    put(this.trouble);
    const { signal } = this.#leaving, began = Date.now(), bar = new Bar("Upload");
    const stop = h("button", { type: "button", onclick: () => { this.stop(); this.#leaving = new AbortController(); this.#choose(); } }, "Cancel");
    const stay = (e) => e.preventDefault(); // to leave now is to begin again
    const tell = (sent) => bar.show(file.size > 0 ? sent / file.size : 1, progress(sent, file.size, (Date.now() - began) / 1000), "Uploading");
    put(this.place, h("section", { "aria-label": "Upload" }, h("h2", {}, described(file)), bar.element, stop));
    addEventListener("beforeunload", stay);
    try {
      tell(0);
      const made = await call("POST", `v1/datasets/${this.dataset}/files`, { name: file.name, size: file.size }, signal);
      if (made.upload_url) await upload(made.upload_url, file, tell, signal);
      else await uploadParts(made.uploads, () => call("GET", `v1/datasets/${this.dataset}/files/${made.file_id}/uploads`, undefined, signal), file, tell, signal);
      location.replace(address(this.dataset, "files", made.file_id));
    } catch (problem) {
      if (problem.name === "AbortError") return;
      put(this.trouble, problemBox(problem));
      this.#choose();
    } finally {
      removeEventListener("beforeunload", stay);
    }
  }

  #look() {
    const preview = new Preview(this.dataset, this.file, { signal: this.#leaving.signal, onOrder: () => this.#order(), mayChange: this.caller.may("dataset:update") });
    put(this.place, preview.element);
  }

  async #order() {
    const { job_id: job } = await call("POST", `v1/datasets/${this.dataset}/files/${this.file}/load`);
    location.hash = address(this.dataset, "files", this.file, job);
  }

  #follow() {
    this.title.textContent = `Loading into ${this.dataset}`;
    this.bar = new JobBar(this.job, "Load", { trouble: this.trouble, mayCancel: this.caller.may("jobs:change"), say: loading, onEnd: (job) => this.#ended(job) });
    this.after = h("div", {}, h("p", { class: "soft" }, "You can leave this page: the load goes on, and its dataset lists it."));
    put(this.place, h("section", { "aria-label": "Progress" }, this.bar.element), this.after);
  }

  #ended(job) {
    const known = this.file !== "-";
    const again = known && h("a", { href: address(this.dataset, "files", this.file) }, "Change how it is read");
    this.title.textContent = { done: "Loaded", failed: "The load failed", cancelled: "The load was cancelled" }[job.state] + ` – ${this.dataset}`;
    if (job.state !== "done") {
      put(this.trouble, problemBox(failure(job)));
      put(this.after, h("p", { class: "links" }, again, this.#otherFile()));
      return;
    }
    const { already } = job.result;
    put(this.after, already ? this.#before(known) : result(this.dataset, job.result),
      h("p", { class: "links" }, h("a", { href: address(this.dataset) }, `See ${this.dataset}`), this.#otherFile()));
  }

  #otherFile() { return h("a", { href: address(this.dataset, "load") }, "Load another file"); }

  // A file that was appended before is not appended again, unless that is meant.
  #before(known) {
    const meant = async () => {
      await call("PATCH", `v1/datasets/${this.dataset}/files/${this.file}`, { again: true });
      await this.#order();
    };
    return h("div", { class: "notice", role: "status" }, h("p", {}, h("strong", {}, "This file was loaded already.")), h("p", {}, "Nothing was done, so that no row counts twice."),
      known && action("Load it again", meant, this.trouble));
  }
}

function progress(sent, size, seconds) {
  const rate = seconds > 1 ? sent / seconds : 0;
  const left = rate > 0 && sent < size && (size - sent) / rate;
  if (sent >= size) return `${bytes(size)} sent · waiting for the server`;
  return [`${bytes(sent)} of ${bytes(size)}`, rate > 0 && `${bytes(rate)}/s`, left >= 1 && `${duration(left)} left`].filter(Boolean).join(" · ");
}

function result(dataset, { loaded, quarantined, replaced = 0, dropped = 0 }) {
  const facts = [[loaded, "Loaded", "rows"], [replaced, "Replaced", "rows that are no more"], [dropped, "Dropped", "rows of erased subjects"], [quarantined, "Quarantined", "kept, with line and reason"]];
  return [h("dl", { class: "numbers", role: "status" }, facts.filter(([n], i) => n > 0 || i === 0 || i === 3).map(([n, title, note]) =>
    h("div", {}, h("dt", {}, title), h("dd", { "data-number": title.toLowerCase() }, count(n)), h("dd", { class: "note" }, note)))),
  quarantined > 0 && h("p", {}, h("a", { href: address(dataset, "quarantine") }, `See why ${rows(quarantined)} did not fit`))];
}
