// The API reference, drawn from the server's own OpenAPI document.

import { base } from "./base.js";
import { command, h, problemBox } from "./dom.js";
import { constraints, example, properties, resolve, typeName } from "./schema.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const NESTED = 3; // levels of properties that are spelled out
const ORDER = ["Datasets", "Events", "Queries", "Keys", "Segment-compatible", "Service"]; // other tags follow
const NAMES = { dataset: "web", id: "e1" }; // what parameters without an example stand for in commands

const main = document.querySelector("main");
let api; // the document

function operations() {
  const tags = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((m) => item[m])) {
      const operation = { path, method, ...item[method] };
      const tag = operation.tags?.[0] ?? "Other";
      tags.set(tag, [...(tags.get(tag) ?? []), operation]);
    }
  }
  const rank = (tag) => (ORDER.includes(tag) ? ORDER.indexOf(tag) : ORDER.length);
  return [...tags].sort(([a], [b]) => rank(a) - rank(b));
}

function contents(tags) {
  return h("nav", { "aria-label": "Operations" }, tags.map(([tag, list]) => [h("h2", {}, tag),
    h("ul", {}, list.map((o) => h("li", {}, h("a", { href: `#${o.operationId}` }, o.summary))))]));
}

function section(operation) {
  const { path, method, operationId, summary, description } = operation;
  return h("section", { id: operationId },
    h("h3", {}, h("a", { href: `#${operationId}` }, summary)),
    h("p", { class: "route" }, h("span", { class: "method" }, method.toUpperCase()), " ", h("code", {}, path)),
    h("p", { class: "soft" }, who(operation)),
    description && h("p", {}, description),
    parameters(operation), body(operation), command("With curl", curl(operation)), answers(operation));
}

function who({ security }) {
  if (security?.length === 0) return "Open to anyone.";
  const schemes = (security ?? []).flatMap(Object.keys);
  return schemes.includes("basic") ? "Needs an API key, as a bearer token or as the user name of Basic authentication." : "Needs an API key or an access token.";
}

function parameters({ parameters: list = [] }) {
  if (list.length === 0) return null;
  return [h("h4", {}, "Parameters"), h("ul", { class: "properties" }, list.map((p) => {
    const { name, in: place, required, schema, description } = resolve(p, api);
    return property({ name, required, schema: { ...schema, description: description ?? schema?.description } }, NESTED, place);
  }))];
}

function property({ name, schema, required }, level = 1, place, within = []) {
  const full = resolve(schema, api);
  const notes = [place && `in ${place}`, required && "required", constraints(schema, api)].filter(Boolean).join("; ");
  const type = schema.$ref ?? schema.items?.$ref;
  const inner = level < NESTED && !within.includes(type) ? properties(schema, api) : [];
  return h("li", {}, h("code", {}, name), " ", h("span", { class: "type" }, typeName(schema, api)), " ", h("span", { class: "soft" }, notes),
    full.description && h("p", {}, full.description),
    inner.length > 0 && h("ul", { class: "properties" }, inner.map((p) => property(p, level + 1, "", [...within, type]))));
}

function fields(schema) {
  const list = properties(schema, api);
  if (list.length > 0) return h("ul", { class: "properties" }, list.map((p) => property(p)));
  return h("p", { class: "soft" }, typeName(schema, api));
}

function content(message) {
  const media = Object.entries(resolve(message, api)?.content ?? {})[0];
  return media && { type: media[0], schema: media[1].schema, example: media[1].example ?? Object.values(media[1].examples ?? {})[0]?.value };
}

const sample = ({ schema, example: given }, sent) => given ?? example(schema, api, sent);

function body({ requestBody }) {
  const sent = content(requestBody);
  return sent && [h("h4", {}, "Body", h("span", { class: "soft" }, ` ${sent.type}`)), fields(sent.schema)];
}

function address({ path, parameters: list = [] }) {
  const value = ({ name, schema, example: given }) => given ?? resolve(schema, api)?.examples?.[0] ?? NAMES[name] ?? name;
  const needed = list.map((p) => resolve(p, api)).filter((p) => p.required);
  const at = new URL(path.slice(1).replaceAll(/\{(\w+)\}/g, (_, name) => value(needed.find((p) => p.name === name) ?? { name })), base);
  for (const p of needed) if (p.in === "query") at.searchParams.set(p.name, value(p));
  return at.href;
}

function curl(operation) {
  const { method, security, requestBody } = operation;
  const sent = content(requestBody);
  return [`curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}'${address(operation)}'`,
    security?.length !== 0 && '-H "Authorization: Bearer $TARN_KEY"',
    sent && `-H "Content-Type: ${sent.type}"`,
    sent && `-d '${JSON.stringify(sample(sent, true)).replaceAll("'", "'\\''")}'`].filter(Boolean).join(" \\\n  ");
}

function answers({ responses = {} }) {
  return Object.entries(responses).map(([status, response]) => {
    const got = content(response);
    if (status === "default" || status >= 400) return h("p", { class: "soft" }, "Errors are ", h("a", { href: "#errors" }, "problem documents"), ".");
    return [h("h4", {}, `Answer ${status}`, got && h("span", { class: "soft" }, ` ${got.type}`)),
      got && [fields(got.schema), h("pre", { tabindex: "0", "aria-label": "Example answer" }, h("code", {}, JSON.stringify(sample(got), null, 2)))]];
  });
}

function errors(tags) {
  const problem = tags.flatMap(([, list]) => list).map((o) => content(o.responses?.default)).find(Boolean)?.schema;
  return problem && h("section", { id: "errors" }, h("h3", {}, "Errors"),
    h("p", {}, "Every error is a problem document (RFC 9457, application/problem+json). Go by its code, which stays; detail and hint are for people. After 429 and 503, wait as Retry-After says and send the same again."),
    fields(problem));
}

function draw() {
  const tags = operations();
  main.replaceChildren(contents(tags), h("div", { class: "operations" },
    h("header", {}, h("h1", {}, `${api.info.title} API`), h("p", { class: "soft" }, api.info.description),
      h("p", {}, "Base address: ", h("code", {}, base.href), ". Send your key as ", h("code", {}, "Authorization: Bearer …"), ".")),
    tags.map(([tag, list]) => [h("h2", {}, tag), list.map(section)]), errors(tags)));
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

async function start() {
  main.replaceChildren(h("p", { class: "soft", role: "status" }, "Loading…"));
  try {
    const answer = await fetch(new URL("openapi.json", base));
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    api = await answer.json();
    draw();
  } catch (e) {
    main.replaceChildren(problemBox({ detail: `the API's description cannot be read: ${e.message}`, hint: "is the server running?" },
      h("button", { type: "button", onclick: start }, "Try again")));
  }
}

start();
