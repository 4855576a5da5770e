// Drives a tracker in a page of another origin: { tracker, chromium, shop, url, key } on
// standard input. What it sent is compared with what arrived.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const given = JSON.parse(readFileSync(0, "utf8"));
const EACH = 40;

async function call(method, path, body) {
  const answer = await fetch(new URL(path, given.url), {
    method, body: body && JSON.stringify(body),
    headers: { Authorization: `Bearer ${given.key}`, "Content-Type": "application/json" },
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${answer.ok ? "" : await answer.text()}`);
  return answer.json();
}

/** The ledger, once so many events are accounted for. */
async function settled(accepted) {
  for (let tries = 0; ; tries++) {
    const ledger = await call("GET", `/v1/datasets/${dataset}/ledger`);
    if (ledger.pending === 0 && ledger.accepted >= accepted || tries === 400) return ledger;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What a page does with Plausible's, which sends each call at once. */
async function sendToPlausible({ url, key, each }) {
  const { default: Plausible } = await import("/plausible-tracker/build/module/index.js");
  const { trackEvent, trackPageview } = Plausible({ domain: key, apiHost: url, trackLocalhost: true });
  await new Promise((callback) => trackPageview({}, { callback }));
  for (let n = 0; n < each; n++) await new Promise((callback) => trackEvent("ordered", { props: { n }, callback }));
}

/** And with PostHog's, half of whose events are sent as a batch, and half as the page is left. */
async function sendToPostHog({ url, key, each }) {
  const { default: posthog } = await import("/posthog-js/dist/module.no-external.js");
  posthog.init(key, { api_host: url, opt_out_useragent_filter: true }); // or it sends nothing from a bot's browser
  for (let n = 0; n < each; n++) {
    posthog.capture("ordered", { n });
    if (n === each / 2) await new Promise((resolve) => setTimeout(resolve, 4000)); // it waits for 3 s
  }
}

const tracker = {
  "plausible-tracker": { send: sendToPlausible, besides: ["pageview"] },
  "posthog-js": { send: sendToPostHog, besides: ["$pageview", "$pageleave"] },
}[given.tracker];
const expected = /\/array\/[^/]+\/config$/; // PostHog's remote configuration, which is a 404: the tracker goes on

const dataset = `shop_${process.pid}`;
await call("POST", "/v1/datasets", { name: dataset, kind: "events" });
const { key } = await call("POST", "/v1/keys", { name: dataset, role: "producer", dataset });

const browser = await chromium.launch({
  executablePath: given.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const wrong = [];
try {
  const page = await browser.newPage();
  page.on("pageerror", (e) => wrong.push(e.stack));
  page.on("console", (m) => { if (m.type() === "error" && !expected.test(m.location().url)) wrong.push(`${m.text()} ${m.location().url}`); });
  await page.goto(given.shop);
  await page.evaluate(tracker.send, { url: given.url, key, each: EACH });
  await page.goto("about:blank");
  const want = Object.fromEntries([...Array(EACH).keys()].map((n) => [`ordered ${n}`, 1]).concat(tracker.besides.map((name) => [`${name} null`, 1])));
  const { stored, duplicate, quarantined } = await settled(Object.keys(want).length);
  const { rows } = await call("POST", "/v1/query", { dataset, measures: ["count"], dimensions: ["event", "n"], limit: 1000 });
  assert.deepEqual(Object.fromEntries(rows.map(([event, n, count]) => [`${event} ${n}`, count])), want);
  assert.deepEqual({ stored, duplicate, quarantined }, { stored: Object.keys(want).length, duplicate: 0, quarantined: 0 });
  const bots = await call("POST", "/v1/query", { dataset, measures: ["count"], filter: { column: "bot", op: "=", value: true } });
  assert.deepEqual(bots.rows, [[stored]]); // nobody sits before this browser, and it says so
  assert.deepEqual(wrong, []);
} finally {
  await browser.close();
}
