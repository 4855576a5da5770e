// Commands to paste: send an event, ask a question, see the fate of one event.

import { base } from "./base.js";
import { command, h } from "./dom.js";
import { session } from "./session.js";

const id = "hello-" + Array.from(crypto.getRandomValues(new Uint8Array(3)), (b) => b.toString(16).padStart(2, "0")).join("");
const bearer = '-H "Authorization: Bearer $TARN_KEY"';
const json = '-H "Content-Type: application/json"';

const post = (path, body) => `curl ${new URL(path, base)} \\\n  ${bearer} ${json} \\\n  -d '${JSON.stringify(body)}'`;

export const send = (dataset) =>
  post(`v1/datasets/${dataset}/events`, [{ event_id: id, event: "hello", user_id: "u1", properties: { answer: 42 } }]);

const ask = (dataset, dimensions) => post("v1/query", { dataset, measures: ["count"], dimensions });

const fate = (dataset) => `curl "${new URL(`v1/datasets/${dataset}/events?id=${id}`, base)}" \\\n  ${bearer}`;

/** The command that sets the credential the others use. It shows less than it copies. */
export function key() {
  const { key, access } = session();
  const label = key ? "First, your key" : "First, your access token, good for an hour at most";
  return command(label, `export TARN_KEY='${(key ?? "").slice(0, 8)}…'`, `export TARN_KEY='${key ?? access}'`);
}

/** What to paste to begin with a dataset. */
export function forEvents(dataset) {
  return h("div", { class: "commands" }, key(),
    command("Send an event", send(dataset)),
    command("Ask a question", ask(dataset, ["event"])),
    command("See the fate of one event", fate(dataset)));
}

export function forTable(dataset) {
  return h("div", { class: "commands" }, key(), command("Count its rows", ask(dataset)));
}

export function createDataset() {
  return h("div", { class: "commands" }, key(),
    command("Make a dataset", post("v1/datasets", { name: "web", kind: "events" })),
    command("Send it an event", send("web")));
}
