// The files that were loaded into a dataset lately, or are being loaded.

import { call } from "./api.js";
import { h, put, sentence } from "./dom.js";
import { ago, when } from "./format.js";
import { rows } from "./job.js";

const SHOWN = 5;
const LOOK = 100; // jobs of all kinds among which they are looked for
const AGAIN = 15_000; // ms; sooner while one is under way

/** A section that is hidden while there are none. */
export class Loads {
  #looked = 0;

  constructor(dataset) {
    this.dataset = dataset;
    this.list = h("ul", { class: "entries" });
    this.element = h("section", { hidden: true, "aria-label": "Loads" }, h("h2", {}, "Files loaded"), this.list);
  }

  async show(signal) {
    if (Date.now() - this.#looked < AGAIN && !this.busy) return;
    const { jobs } = await call("GET", `v1/jobs?limit=${LOOK}`, undefined, signal);
    this.#looked = Date.now();
    const loads = jobs.filter((j) => j.kind === "load" && j.dataset === this.dataset).slice(0, SHOWN);
    this.busy = loads.some((j) => j.state === "queued" || j.state === "running");
    this.element.hidden = loads.length === 0;
    put(this.list, ...loads.map((j) => this.#row(j)));
  }

  #row(job) {
    return h("li", {}, h("a", { href: `#/${this.dataset}/files/-/${job.job_id}` }, h("time", { datetime: job.submitted, title: when(job.submitted) }, ago(job.submitted))),
      h("span", { class: `state ${job.state}` }, job.state), h("span", { class: "soft" }, job.error && job.state === "failed" ? sentence(job.error.message) : rows(job.rows)));
  }
}
