// Writes the ticks of the cases in two years, as another library than ours reckons them:
// of the days on which a clock is changed all, of the others how many and their digest.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Cron } from "croner";

const day = 24 * 60 * 60 * 1000;
const from = Date.parse("2024-01-01T00:00:00Z");
const until = Date.parse("2026-01-01T00:00:00Z");

function ticksOf(cron, zone) {
  const at = new Cron(cron, { timezone: zone });
  const all = [];
  for (let tick = at.nextRun(new Date(from - 1)); tick && tick.getTime() < until; tick = at.nextRun(tick)) all.push(tick.getTime());
  return all;
}

const text = (tick) => new Date(tick).toISOString().replace(".000Z", "Z");
const lists = [];
for (const { zone, changes, schedules } of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  const near = changes.map((c) => Date.parse(c));
  for (const cron of schedules) {
    const all = ticksOf(cron, zone);
    const changing = all.filter((tick) => near.some((c) => Math.abs(tick - c) <= day));
    const quiet = all.filter((tick) => !near.some((c) => Math.abs(tick - c) <= day)).map(text);
    const digest = createHash("sha256").update(quiet.join("\n")).digest("hex");
    lists.push({ zone, cron, quiet: quiet.length, digest, changing: changing.map(text) });
  }
}
console.log("[\n" + lists.map((l) => JSON.stringify(l)).join(",\n") + "\n]");
