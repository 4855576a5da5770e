// How much time a chart shows, and in what grain.

import { call } from "./api.js";
import { next, starts } from "./chart.js";

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The spans to choose from, by name. */
export const spans = {
  hour: { title: "Hour", of: async () => last(60, MINUTE, "minute") },
  day: { title: "Day", of: async () => last(24, HOUR, "hour") },
  all: { title: "All time", of: whole },
};

function last(n, width, grain) {
  const now = Date.now();
  return { from: new Date(now - (n - 1) * width), to: new Date(now), grain };
}

// whole is the time from the first event to the last.
async function whole(dataset, signal) {
  const ends = [{ name: "first", op: "min", column: "time" }, { name: "last", op: "max", column: "time" }];
  const { columns, rows } = await call("POST", "v1/query", { dataset, measures: ends }, signal);
  const of = (name) => rows[0]?.[columns.findIndex((c) => c.name === name)];
  if (!of("first")) return last(60, MINUTE, "minute");
  const from = new Date(of("first")), to = new Date(+new Date(of("last")) + 1);
  return { from, to, grain: grainFor(to - from) };
}

function grainFor(length) {
  const widest = { minute: 2 * HOUR, hour: 4 * DAY, day: 120 * DAY, week: 730 * DAY, month: 3650 * DAY };
  return Object.keys(widest).find((grain) => length <= widest[grain]) ?? "year";
}

/** The events of each bucket of a span, none left out. */
export async function count(dataset, { from, to, grain }, signal) {
  const bars = starts(from, to, grain).map((at) => ({ at, n: 0 }));
  const question = {
    dataset, measures: ["count"], limit: 10_000,
    time: { from: bars[0].at.toISOString(), to: next(bars.at(-1).at, grain).toISOString(), grain, zone },
  };
  const { columns, rows } = await call("POST", "v1/query", question, signal);
  const time = columns.findIndex((c) => c.name === "time"), n = columns.findIndex((c) => c.name === "count");
  for (const row of rows) {
    const bar = bars.findLast((b) => b.at <= new Date(row[time])) ?? bars[0];
    bar.n += row[n];
  }
  return bars;
}
