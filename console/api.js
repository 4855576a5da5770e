// Calls of the API. Whatever goes wrong is a Problem.

import { base } from "./base.js";
import { credential, forget, renew, session } from "./session.js";

/** An error of the API: RFC 9457, with a stable code and a hint. */
export class Problem extends Error {
  constructor({ status = 0, code = "", detail, hint = "" }, retryAfter = 0) {
    super(detail);
    Object.assign(this, { status, code, detail, hint, retryAfter });
  }
}

/** Calls the API and returns the answer's JSON, null where it has none. body, if given, is sent as JSON. */
export async function call(method, path, body, signal) {
  let answer = await send(method, path, body, signal, await held(credential));
  if (answer.status === 401 && session()?.refresh) answer = await send(method, path, body, signal, await held(renew));
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await read(answer);
  throw answer.status === 401 ? end(problem) : problem;
}

// held returns the credential, or ends the session that has none any more.
async function held(source) {
  const token = await source().catch(() => { throw away(); });
  if (!token) throw end(new Problem({ status: 401, code: "signed_out", detail: "your session has ended", hint: "sign in again" }));
  return token;
}

function end(problem) {
  forget();
  dispatchEvent(new CustomEvent("signed-out", { detail: problem }));
  return problem;
}

function away() {
  return new Problem({ code: "unreachable", detail: "the server cannot be reached", hint: "this page tries again by itself" });
}

async function send(method, path, body, signal, token) {
  const headers = { Authorization: `Bearer ${token}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await fetch(new URL(path, base), { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (e) {
    if (e.name === "AbortError") throw e;
    throw away();
  }
}

async function read(answer) {
  const retryAfter = Number(answer.headers.get("Retry-After") ?? 0);
  const body = await answer.json().catch(() => null);
  return new Problem({ detail: `the server answered with status ${answer.status}`, ...body, status: answer.status }, retryAfter);
}
