// What a person does with the page, one scenario a run. Standard input says which,
// and where the server is; the exit status says whether it went as it should.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const given = JSON.parse(readFileSync(0, "utf8"));
const PATIENCE = 20_000; // ms, for what takes a second on a busy machine

/** Calls the API with the key, as a producer does. */
async function call(method, path, body) {
  const answer = await fetch(new URL(path, given.url), {
    method, body: body && JSON.stringify(body),
    headers: { Authorization: `Bearer ${given.key}`, "Content-Type": "application/json" },
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${answer.ok ? "" : await answer.text()}`);
  return answer.json();
}

let made = 0;

async function makeDataset() {
  const name = `clicks_${process.pid}_${++made}`;
  await call("POST", "/v1/datasets", { name, kind: "events" });
  return name;
}

const clicks = (...ids) => ids.map((event_id) => ({ event_id, event: "clicked", time: new Date().toISOString() }));
const send = (dataset, events) => call("POST", `/v1/datasets/${dataset}/events`, events);

/** How many rows a query counts. */
async function rowsOf(dataset) {
  return (await call("POST", "/v1/query", { dataset, measures: ["count"] })).rows[0]?.[0] ?? 0;
}

/** The number of rows of each day. */
async function byDay(dataset) {
  return (await call("POST", "/v1/query", { dataset, measures: ["count"], time: { grain: "day" } })).rows;
}

/** Drops a file somewhere, as from the desktop. */
async function drop(page, onto, name, text) {
  await page.locator(onto).waitFor();
  const carried = await page.evaluateHandle(([name, text]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], name));
    return transfer;
  }, [name, text]);
  for (const kind of ["dragenter", "dragover", "drop"]) await page.dispatchEvent(onto, kind, { dataTransfer: carried });
}

async function enterKey(page, hash = "", key = given.key) {
  await page.goto(given.url + "/" + hash);
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Use" }).click();
}

const shows = (page, number, value) => page.locator(`[data-number="${number}"]`, { hasText: new RegExp(`^${value}$`) }).waitFor();
const bars = (page) => page.locator(".bars").getAttribute("d");

const scenarios = {
  async "the owner signs in and sees sent events move the number and the chart"(page) {
    const dataset = await makeDataset();
    await page.goto(`${given.url}/#/${dataset}`);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByLabel("E-mail address").fill(given.email);
    await page.getByLabel("Password").fill(given.password);
    await page.getByRole("button", { name: "Sign in" }).click();

    await page.getByRole("heading", { name: dataset }).waitFor();
    await page.getByRole("heading", { name: "No events yet" }).waitFor();
    await send(dataset, clicks("a", "b", "c"));
    await shows(page, "visible", 3);
    await page.getByRole("heading", { name: "Events per minute" }).waitFor();
    await page.getByText(/^3 events; most in the minute/).waitFor();
    const before = await bars(page);
    assert.match(before, /^M/, "the chart has a bar");

    await send(dataset, clicks(...Array.from({ length: 100 }, (_, i) => `more-${i}`)));
    await shows(page, "visible", 103);
    await page.getByText(/^103 events; most in the minute/).waitFor();
    assert.notEqual(await bars(page), before, "the chart moved");

    await page.reload();
    await shows(page, "visible", 103);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0, "nothing stays behind");
  },

  async "people sign in with other providers, by OpenID Connect and by SAML"(page) {
    for (const [provider, email] of [["Acme", "jane.doe@example.com"], ["Corp", "kim@example.com"]]) {
      await call("POST", "/v1/users", { email, groups: ["viewer"] });
      await page.goto(given.url);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("link", { name: `Sign in with ${provider}` }).click();
      await page.getByRole("button", { name: "Sign out" }).waitFor();
      assert.equal(new URL(page.url()).origin, new URL(given.url).origin, "back where it began");
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByRole("button", { name: "Sign in" }).waitFor();
    }
  },

  async "who joins by another provider in AWS is sent there once more, once, and nobody else is"(page) {
    const asked = [];
    let state, refusal = "joined Corp: sign in again"; // state: that comes back; undefined: the page's own
    await page.route(/\/oidc\/authorize/, (route) => { // as Cognito answers whom functions/signins has linked
      const query = new URL(route.request().url()).searchParams;
      asked.push(query.get("identity_provider"));
      const back = new URLSearchParams({ state: state ?? query.get("state"), error: "invalid_request",
        error_description: `PreSignUp failed with error ${refusal}.` });
      return route.fulfill({ status: 302, headers: { location: `${query.get("redirect_uri")}?${back}` } });
    });
    await page.goto(given.url);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("joined Corp: sign in again").waitFor();
    assert.deepEqual(asked.splice(0), [null, "Corp"]);

    [state, refusal] = ["another's", "joined Acme: sign in again"];
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("joined Acme: sign in again").waitFor();
    await page.goto(`${given.url}/?error=x&error_description=joined+Nobody%3A+sign+in+again`);
    await page.getByText("joined Nobody: sign in again").waitFor();
    assert.deepEqual(asked.splice(0), [null]);

    [state, refusal] = [undefined, "not_invited: Nobody has invited you yet"];
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText(/^Nobody has invited you yet/).waitFor();
    assert.deepEqual(asked, [null]);
  },

  async "a duplicate and a quarantined event show, with the reason, and the ledger adds up"(page) {
    const dataset = await makeDataset();
    await send(dataset, clicks("a", "b"));
    await enterKey(page, `#/${dataset}`);
    await shows(page, "visible", 2);
    await send(dataset, [...clicks("a"), { event_id: "nameless", properties: { answer: 42 } }]);
    await shows(page, "duplicate", 1);
    await shows(page, "quarantined", 1);
    await shows(page, "pending", 0);
    await page.getByText("4 accepted = 2 stored + 1 duplicate + 1 quarantined + 0 dropped + 0 pending").waitFor();
    await page.getByText("Every acknowledged event is accounted for.").waitFor();
    const entry = page.getByRole("region", { name: "Quarantine" }).getByRole("listitem");
    await entry.getByText("nameless").first().waitFor();
    assert.notEqual(await entry.locator("strong").textContent(), "", "a reason is given");
  },

  async "a key signs in and a wrong one is told so"(page) {
    await page.goto(given.url);
    await page.getByLabel("API key").fill("tarn_nobody");
    await page.getByRole("button", { name: "Use" }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("API key").fill(given.key);
    await page.getByLabel("API key").press("Enter");
    await page.getByRole("button", { name: "Sign out" }).waitFor();
  },

  async "trouble is told with its hint and goes away with its cause"(page) {
    const dataset = await makeDataset();
    await send(dataset, clicks("a"));
    const problem = { status: 503, code: "unavailable", detail: "the table is away", hint: "it is tried again" };
    await page.route("**/ledger", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify(problem) }));
    await enterKey(page, `#/${dataset}`);
    await page.getByRole("alert").getByText("The table is away.").waitFor();
    await page.getByRole("alert").getByText("It is tried again.").waitFor();
    await page.unroute("**/ledger");
    await shows(page, "visible", 1);
    assert.equal(await page.getByRole("alert").count(), 0, "the trouble is over");
  },

  async "a file is dropped, looked at, read another way and loaded, and counts once"(page) {
    const name = `sales_${process.pid}`;
    await enterKey(page, "#new");
    const csv = "id;price;day\n" + Array.from({ length: 500 }, (_, i) => `${i};${i},5;${1 + (i % 28)}.02.2026\n`).join("") + "ragged\n";
    await drop(page, "label.drop", "sales.csv", csv);
    await page.getByLabel("Name of the table").fill(name);
    await page.getByRole("button", { name: "Make the table and upload the file" }).click();

    await page.getByText("Read as CSV, semicolon, with a header, UTF-8, decimal comma").click();
    const preview = page.getByRole("region", { name: "The first rows" });
    await preview.getByRole("cell", { name: "2026-02-01T00:00:00Z" }).first().waitFor();
    await page.getByText("Line 502").first().waitFor();
    await page.getByLabel("Delimiter").selectOption("comma");
    await preview.getByText("5;1.02.2026").waitFor();
    await page.getByRole("list", { name: "Warnings" }).waitFor();
    await page.getByLabel("Delimiter").selectOption({ index: 0 });
    await preview.getByLabel("Type of id").selectOption("text");
    await page.waitForFunction(() => document.querySelector("[data-column=id]")?.value === "text" && document.querySelector("[aria-busy=true]") === null);
    assert.equal(await rowsOf(name), 0, "nothing is loaded by a look");
    assert.equal(await page.getByLabel("Questions by day are about").inputValue(), "day");

    await page.getByRole("button", { name: `Load into ${name}` }).click();
    await shows(page, "loaded", 500);
    await shows(page, "quarantined", 1);
    assert.equal(await rowsOf(name), 500);
    const done = page.url();
    await page.getByRole("link", { name: "See why 1 row did not fit" }).click();
    await page.getByRole("region", { name: "Quarantine" }).getByText("sales.csv:502").waitFor();
    await page.getByRole("region", { name: "Loads" }).getByText("done").waitFor();
    assert.equal((await byDay(name)).length, 28, "days of the column that was chosen");

    await page.goto(done); // it can be come back to
    await shows(page, "loaded", 500);
    await page.getByRole("link", { name: "Load another file" }).click();
    await drop(page, "label.drop", "sales.csv", csv);
    await page.getByRole("button", { name: `Load into ${name}` }).click();
    await page.getByText("This file was loaded already.").waitFor();
    assert.equal(await rowsOf(name), 500);
    await page.getByRole("button", { name: "Load it again" }).click();
    await shows(page, "loaded", 500);
    assert.equal(await rowsOf(name), 1000);

    await page.goto(`${given.url}/#/${name}`);
    await drop(page, "article", "fewer.csv", "id;price\n1;2,5\n");
    await page.getByRole("radio", { name: "Replace" }).check();
    await page.getByText("There are 1,000 rows.").waitFor();
    await page.getByRole("button", { name: `Load into ${name}` }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Replace" }).click();
    await shows(page, "loaded", 1);
    assert.equal(await rowsOf(name), 1);
  },

  async "a large file goes in parts, and a part that breaks off goes again"(page) {
    const name = `large_${process.pid}`;
    await call("POST", "/v1/datasets", { name, kind: "table" });
    await enterKey(page, `#/${name}/load`);
    await page.route("**/files", (route) => (route.request().method() === "POST" ? route.continue({ postData: JSON.stringify({ ...route.request().postDataJSON(), part_size: 1 << 20 }) }) : route.continue()));
    const parts = [];
    await page.route("**/blobs/**", (route) => (parts.push(route.request().url()) === 2 ? route.abort() : route.continue()));
    const csv = "id,price\n" + Array.from({ length: 300_000 }, (_, i) => `${i},${i % 7}\n`).join("");
    await drop(page, "label.drop", "large.csv", csv);
    await page.getByRole("button", { name: `Load into ${name}` }).click();
    await shows(page, "loaded", "300,000");
    assert.equal(await rowsOf(name), 300_000);
    assert.equal(parts.length, Math.ceil(csv.length / (1 << 20)) + 1);
  },

  async "a schedule shows its next runs while it is typed, and is made, run, paused and deleted"(page) {
    const dataset = await makeDataset(), name = `nightly-${process.pid}`;
    await enterKey(page, "#schedules");
    await page.getByRole("link", { name: "New schedule" }).click();
    await page.getByLabel("Name").fill(name);
    await page.getByRole("radio", { name: "Export a dataset" }).check();
    await page.getByLabel("Dataset", { exact: true }).selectOption(dataset);
    await page.getByLabel("Time zone").fill("Europe/Zurich");
    await page.getByLabel("Cron expression").fill("61 2 * * *");
    await page.locator(".next .wrong").waitFor();
    await page.getByLabel("Cron expression").fill("30 2 * * *");
    await page.locator(".next").getByText("02:30").nth(4).waitFor();
    await page.getByRole("button", { name: "Make the schedule" }).click();

    await page.getByRole("heading", { name, exact: true }).waitFor();
    const next = page.getByRole("region", { name: "Next runs" });
    assert.equal(await next.getByText("02:30").count(), 5);
    await page.getByRole("button", { name: "Run now" }).click();
    await page.getByText(/^Done/).waitFor();
    await page.getByRole("region", { name: "Last runs" }).getByText("asked for").waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await next.getByText("None while it is paused.").waitFor();
    assert.equal((await call("GET", `/v1/schedules/${name}`)).paused, true);
    await page.getByRole("button", { name: "Resume" }).click();
    await next.getByText("02:30").first().waitFor();

    await page.getByRole("link", { name: "Edit" }).click();
    await page.getByRole("radio", { name: "At a rate" }).check();
    await page.getByLabel("Every").fill("15 minutes");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("every 15 minutes").waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("heading", { name: "Schedules", exact: true }).waitFor();
    assert.ok(!(await call("GET", "/v1/schedules")).schedules.some((s) => s.name === name));
  },

  async "models show what reads what, are tried, run and told apart when they fail"(page) {
    const dataset = await makeDataset(), good = `good_${process.pid}`, bad = `bad_${process.pid}`;
    await send(dataset, clicks("a", "b"));
    await call("PUT", "/v1/models", { from_version: (await call("GET", "/v1/models")).version, files: {
      [`${good}.sql`]: `select count(*) as n from {{ source('${dataset}') }}`,
      [`${bad}.sql`]: `select n, n as also from {{ ref('${good}') }}, {{ source('${dataset}') }}`,
      "models.yml": `models: [{name: ${bad}, description: must be unique, columns: [{name: n, tests: [unique]}]}]`,
    } });
    await enterKey(page, "#models");
    const graph = page.getByRole("region", { name: "What reads what" });
    await graph.getByRole("link", { name: `${good}, run by hand, never built` }).waitFor();
    assert.equal(await graph.locator(".line").count(), 4); // one of them past a model, in two pieces
    await page.getByRole("button", { name: "Dry run", exact: true }).click();
    const told = page.getByRole("region", { name: "Differences" });
    await told.getByRole("row", { name: `${good} rows 0 1 1 0` }).waitFor();
    await told.getByText(/2 rows|1 rows/).waitFor();
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await graph.getByRole("link", { name: new RegExp(`^${good}, run by hand, built`) }).waitFor();
    await graph.getByRole("link", { name: new RegExp(`^${bad}, run by hand, failed`) }).click();
    const about = page.getByRole("region", { name: bad });
    await about.getByText("Must be unique.").waitFor();
    await about.getByText(/contradict it/).waitFor();
    assert.match(await about.locator("pre").innerText(), /n as also/);
    await call("PUT", "/v1/models", { from_version: (await call("GET", "/v1/models")).version, files: {} });
  },

  async "a folder of models is tried before it is put, and a period is built again"(page) {
    const dataset = await makeDataset(), daily = `daily_${process.pid}`;
    await send(dataset, [{ event_id: "a", event: "clicked", time: "2026-03-01T10:00:00Z" }]);
    await enterKey(page, "#models");
    await page.getByRole("heading", { name: "No models yet" }).waitFor();
    const folder = mkdtempSync(join(tmpdir(), "tarn-models-"));
    writeFileSync(join(folder, "readme.txt"), "no model");
    await page.getByLabel("Try a folder…").setInputFiles(folder);
    await page.getByText("There are no .sql or .yml files in that folder.").waitFor();
    writeFileSync(join(folder, `${daily}.sql`), `select date_trunc('day', time) as day, count(*) as n from {{ source('${dataset}') }} group by 1`);
    writeFileSync(join(folder, "models.yml"), `models: [{name: ${daily}, incremental: {by: day, grain: day}}]`);
    await page.getByLabel("Try a folder…").setInputFiles(folder);
    await page.getByRole("region", { name: "Differences" }).getByRole("row", { name: `${daily} rows 0 1 1 0` }).waitFor();
    assert.equal((await call("GET", "/v1/models")).models.length, 0);
    await page.getByRole("button", { name: "Put this folder in place" }).click();
    await page.getByText("The folder is in place.").waitFor();
    await page.getByRole("button", { name: "Run", exact: true }).click();
    const graph = page.getByRole("region", { name: "What reads what" });
    await graph.getByRole("link", { name: new RegExp(`^${daily}, run by hand, built`) }).click();
    await page.getByText("Build a period again").click();
    await page.getByLabel("First day").fill("2026-03-01");
    await page.getByLabel("Last day").fill("2026-03-01");
    await page.getByRole("button", { name: "Build again" }).click();
    await page.getByRole("region", { name: daily }).getByText(/, 1 part,/).waitFor();
    const { models: [{ status }] } = await call("GET", "/v1/models");
    assert.deepEqual([status.outcome, status.parts, status.full ?? false, status.replaced], ["built", 1, false, 1]);
    await call("PUT", "/v1/models", { from_version: (await call("GET", "/v1/models")).version, files: {} });
  },

  async "a source that refuses is told with its hint, and no connector is made"(page) {
    await enterKey(page, "#connectors/new");
    await page.getByLabel("Name").fill("refused");
    await page.getByLabel("Connection string").fill("postgres://reader:hunter2@127.0.0.1:1/shop?sslrootcert=/etc/passwd");
    await page.getByRole("button", { name: "Connect and look for tables" }).click();
    const alert = page.getByRole("alert");
    await alert.getByText(/^Leave options out but for sslmode/).waitFor();
    await page.getByLabel("Connection string").fill("postgres://reader:hunter2@127.0.0.1:1/shop");
    await page.getByRole("button", { name: "Connect and look for tables" }).click();
    await alert.getByText(/cannot be reached/).waitFor();
    assert.ok(!(await page.locator("body").innerText()).includes("hunter2"), "the password is nowhere");
    assert.ok(!(await call("GET", "/v1/connectors")).connectors.some((c) => c.name === "refused"));
  },

  async "tables of a PostgreSQL are found, chosen, synced and asked of"(page) {
    const name = `crm_${process.pid}`;
    await enterKey(page, "#connectors");
    await page.getByRole("link", { name: "New connector" }).click();
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Kind").selectOption("http");
    await page.getByLabel("Connection string").fill(given.dsn);
    assert.equal(await page.getByLabel("Kind").inputValue(), "postgres", "the connection string tells");
    await page.getByRole("button", { name: "Connect and look for tables" }).click();
    await page.getByRole("checkbox", { name: "public.orders" }).check();
    await page.getByLabel("Dataset").fill(name);
    assert.equal(await page.getByLabel("Cursor").inputValue(), "updated_at");
    assert.equal(await page.getByLabel("Questions by day are about").inputValue(), "updated_at");
    await page.getByLabel("Another table").fill("public.orders"); // it is there
    await page.getByRole("button", { name: "Add" }).click();
    await page.getByLabel("Another table").fill("orders?status=open");
    await page.keyboard.press("Enter");
    assert.equal(await page.getByLabel("Dataset").count(), 2);
    await page.getByRole("checkbox", { name: "orders?status=open" }).uncheck();
    await page.getByRole("button", { name: "Make the connector" }).click();

    await page.getByRole("button", { name: "Test" }).click();
    await page.getByText("The source answers.").waitFor();
    await page.getByRole("button", { name: "Sync now" }).click();
    await page.getByRole("heading", { name: "Synced" }).waitFor();
    assert.equal(await rowsOf(name), 1000);
    assert.ok((await byDay(name)).length > 0, "a table has times");
    await page.getByRole("link", { name: "All connectors" }).click();
    const row = page.getByRole("listitem").filter({ hasText: name });
    await row.getByText("1,000 rows").waitFor();

    await row.getByRole("link").click();
    await page.getByRole("link", { name: "Edit" }).click();
    assert.equal(await page.getByLabel("Connection string").inputValue(), "", "it is never shown again");
    await page.getByLabel("Dataset").waitFor();
    await page.getByRole("link", { name: `Back to ${name}` }).click();
    await page.getByRole("button", { name: "Sync everything anew" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Read anew" }).click();
    await page.getByRole("heading", { name: "Synced" }).waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByRole("heading", { name: "Connectors", exact: true }).waitFor();
    assert.ok(!(await call("GET", "/v1/connectors")).connectors.some((c) => c.name === name));
    assert.equal(await rowsOf(name), 1000, "what was loaded stays");
  },

  async "who may only look is offered nothing else"(page) {
    const dataset = await makeDataset();
    const { key } = await call("POST", "/v1/keys", { name: "viewer", role: "viewer" });
    await enterKey(page, `#/${dataset}`, key);
    await page.getByRole("heading", { name: dataset }).waitFor();
    for (const name of ["Load a file", "New table from a file", "Schedules", "Connectors"]) {
      assert.equal(await page.getByRole("link", { name }).count(), 0, name);
    }
    await page.goto(`${given.url}/#connectors/new`);
    await page.getByRole("heading", { name: "New connector" }).waitFor({ state: "detached" });
  },

  async "steps on the way in are tried on the last events, put, and told apart where somebody was faster"(page) {
    const dataset = await makeDataset();
    await send(dataset, [{ event_id: "a", event: "clicked", properties: { uid: "u1" } }, { event_id: "b", event: "heartbeat" }, { event_id: "c", event: "clicked", properties: { price: "cheap" } }]);
    await rowsOf(dataset);
    await enterKey(page, `#/${dataset}`);
    await page.getByRole("link", { name: "Enrichment", exact: true }).click();
    await page.getByText("Nothing is done to its events").waitFor();
    const steps = page.getByLabel("Steps, one after the other"), attempt = page.getByRole("button", { name: "Try on the last events" }), hold = page.getByRole("button", { name: "Make it hold" });
    await steps.fill("[{");
    await attempt.click();
    await page.getByText("The steps are no JSON.").waitFor();
    await steps.fill('[{"shout": {}}]');
    await attempt.click();
    await page.getByText('Step 1: "shout" is no step.').waitFor();
    await steps.fill('[{"rename": {"from": "uid", "to": "user_id"}}, {"filter": {"column": "event", "op": "=", "value": "clicked"}}, {"cast": {"field": "price", "to": "float"}}]');
    await attempt.click();
    const told = page.getByRole("region", { name: "What would become of events" });
    await told.getByText("dropped by step 2").waitFor();
    await told.getByText("quarantined by step 3").waitFor();
    assert.match(await told.locator("li", { hasText: '"event_id": "a"' }).getByLabel("After").innerText(), /"user_id": "u1"/);
    await hold.click();
    await page.getByText("Version 1 holds since").waitFor();
    await call("PUT", `/v1/datasets/${dataset}/enrichment`, { from_version: 1, steps: [] });
    await hold.click();
    await page.getByText("is of version 2, not 1").waitFor();
    await page.goto(`${given.url}/#/${dataset}`);
    await page.getByRole("link", { name: "Enrichment, version 2" }).click();
    await page.getByText("Version 2 holds since").waitFor();
    assert.equal(await steps.inputValue(), "");
  },

  async "no page is wider than a narrow screen"(page) {
    const dataset = await makeDataset();
    await send(dataset, [...clicks("a"), { event_id: "nameless" }]);
    await page.setViewportSize({ width: 360, height: 740 });
    const fits = async (what) => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what} fits`);
    await page.goto(given.url);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await fits("signed out");
    await enterKey(page, `#/${dataset}`);
    await shows(page, "quarantined", 1);
    await fits("a dataset");
    for (const [hash, ready] of [["#new", "Choose a file"], [`#/${dataset}/load`, "Choose a file"], ["#schedules", "New schedule"], ["#schedules/new", "Make the schedule"], ["#connectors", "New connector"], ["#connectors/new", "Connect and look for tables"], ["#models", "Models"], [`#/${dataset}/enrichment`, "Try on the last events"]]) {
      await page.goto(`${given.url}/${hash}`);
      await page.getByText(ready, { exact: true }).first().waitFor();
      await fits(hash);
    }
    await page.goto(`${given.url}/docs`);
    await page.getByRole("heading", { name: "Errors", exact: true }).waitFor();
    await fits("the reference");
  },

  async "the reference shows every operation of the document"(page) {
    const document = await call("GET", "/openapi.json");
    const ids = Object.values(document.paths).flatMap((item) => Object.values(item).map((o) => o.operationId)).filter(Boolean);
    await page.goto(`${given.url}/docs`);
    await page.getByRole("heading", { name: "Errors", exact: true }).waitFor();
    const shown = await page.locator("section[id]").evaluateAll((all) => all.map((s) => s.id));
    assert.deepEqual(ids.filter((id) => !shown.includes(id)), []);
    assert.ok(!(await page.locator("main").innerText()).match(/\[object|undefined|NaN/), "everything has words");
  },
};

// What the policy blocks, and what our scripts throw, is never right.
function watch(page) {
  const wrong = [];
  page.on("pageerror", (e) => wrong.push(e.stack));
  page.on("console", (m) => { if (/Content Security Policy/.test(m.text())) wrong.push(m.text()); });
  return wrong;
}

const browser = await chromium.launch({
  executablePath: given.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage({ locale: "en-GB" });
page.setDefaultTimeout(PATIENCE);
const wrong = watch(page);
try {
  await scenarios[given.scenario](page);
  assert.deepEqual(wrong, []);
} catch (e) {
  console.error(e);
  console.error("the page:\n" + await page.locator("body").innerText());
  await page.screenshot({ path: given.picture, fullPage: true });
  process.exitCode = 1;
} finally {
  await browser.close();
}
