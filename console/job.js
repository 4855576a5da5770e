// A job under way: a bar, how far it is, and how it ended.

import { call } from "./api.js";
import { h, setText } from "./dom.js";
import { bytes, count, duration } from "./format.js";
import { action } from "./form.js";
import { poll } from "./poll.js";

const ENDS = { done: "Done", failed: "Failed", cancelled: "Cancelled" };

/** A progress bar with words beneath it. What changes is read out by its state alone, or it would never end. */
export class Bar {
  constructor(label) {
    this.bar = h("progress", { max: "1", "aria-label": label });
    this.words = h("p", { class: "soft words" });
    this.spoken = h("p", { class: "hidden", role: "status" });
    this.element = h("div", { class: "bar" }, this.bar, this.words, this.spoken);
  }

  /** Shows a share of 0 to 1, or less than 0 where nobody knows. */
  show(share, words, spoken) {
    if (share < 0) this.bar.removeAttribute("value");
    else this.bar.value = share;
    setText(this.words, words);
    setText(this.spoken, spoken);
  }
}

/** Follows a job until it ends, and then calls onEnd with it, once. */
export class JobBar {
  /** say, if given, tells in words how far a job is. */
  constructor(id, label, { onEnd, mayCancel, trouble, say = told }) {
    Object.assign(this, { id, label, onEnd, say, trouble });
    this.bar = new Bar(label);
    this.cancel = mayCancel && action("Cancel", () => this.#cancel(), trouble);
    this.element = h("div", { class: "job" }, this.bar.element, this.cancel);
    this.stop = poll((signal) => this.#turn(signal), { least: 400, most: 2000, growth: 1.2 });
  }

  async #turn(signal) {
    try {
      const job = await call("GET", `v1/jobs/${encodeURIComponent(this.id)}`, undefined, signal);
      const before = this.job?.updated;
      this.job = job;
      this.bar.show(job.total > 0 || ENDS[job.state] ? job.progress : -1, this.say(job), `${this.label}: ${job.state}`);
      if (ENDS[job.state]) this.#end(job);
      return job.updated !== before;
    } catch (problem) {
      if (problem.status === 404) this.#end({ state: "failed", error: { message: problem.detail, hint: problem.hint } });
      else if (problem.name !== "AbortError") setText(this.bar.words, `${problem.detail}; this page tries again by itself`);
      throw problem;
    }
  }

  #end(job) {
    this.stop();
    this.cancel?.remove();
    this.onEnd?.(job);
  }

  async #cancel() { await call("POST", `v1/jobs/${encodeURIComponent(this.id)}/cancel`); }
}

/** "120,000 rows · 3.4 MB of 12 MB · 1.2 MB/s · 7 s left" of a job that counts bytes. */
export function loading(job) {
  const size = job.total > 0 ? `${bytes(job.done)} of ${bytes(job.total)}` : "";
  return words(job, [size, job.rate > 0 && `${bytes(job.rate)}/s`]);
}

/** The same of a job that counts something else. */
export function told(job) { return words(job, [job.total > 0 && `${count(job.done)} of ${count(job.total)}`, job.bytes > 0 && bytes(job.bytes)]); }

/** Of a sync, which counts tables. */
export function syncing(job) {
  return words(job, [job.total > 0 && `${count(job.done)} of ${count(job.total)} ${job.total === 1 ? "table" : "tables"}`, job.bytes > 0 && bytes(job.bytes)]);
}

function words(job, more) {
  const state = { queued: job.due ? "Waiting for another try" : "Waiting for its turn", running: "" }[job.state] ?? ENDS[job.state];
  const left = job.state === "running" && job.seconds_left >= 1 && `${duration(job.seconds_left)} left`;
  return [state, job.rows > 0 && rows(job.rows), ...more, left].filter(Boolean).join(" · ") || "Starting";
}

/** "1 row", "2 rows". */
export const rows = (n) => `${count(n)} ${n === 1 ? "row" : "rows"}`;

/** What went wrong with a job, as a problem is told. */
export const failure = (job) => ({ detail: job.error?.message ?? `the job was ${job.state}`, hint: job.error?.hint });
