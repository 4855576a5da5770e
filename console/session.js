// Who is signed in: a person by OpenID Connect (authorization code with PKCE), or a
// machine's API key. Kept in sessionStorage: it ends with the tab, and no other tab sees it.

import { base } from "./base.js";

const SESSION = "tarn.session";
const PENDING = "tarn.sign-in";
const EARLY = 60_000; // ms before its end that a token is replaced

/** The session, or null: {key} or {access, refresh, expires, provider}. */
export function session() {
  return JSON.parse(sessionStorage.getItem(SESSION) ?? "null");
}

function keep(value) { sessionStorage.setItem(SESSION, JSON.stringify(value)); }

export function useKey(key) { keep({ key }); }

export function forget() { sessionStorage.removeItem(SESSION); }

/**
 * Goes to the sign-in page, to come back with a code. Who is known to have joined by
 * another provider goes right there.
 */
export async function signIn(joined) {
  if (!crypto.subtle) throw new Error("signing in needs HTTPS, or the address localhost; an API key works here too");
  const provider = await describe();
  const pending = { provider, verifier: secret(), state: secret(), hash: location.hash, joined };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  const address = new URL(provider.authorization);
  address.search = new URLSearchParams({
    response_type: "code", client_id: provider.client_id, redirect_uri: home(), scope: "openid email",
    state: pending.state, nonce: secret(), code_challenge: base64url(new Uint8Array(digest)), code_challenge_method: "S256",
    ...joined && { identity_provider: joined },
  });
  location.assign(address);
}

/** Exchanges the code that the sign-in page sent back with, if it did. */
export async function finishSignIn() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("code") && !answer.has("error")) return;
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  sessionStorage.removeItem(PENDING);
  history.replaceState(null, "", location.pathname + (pending?.hash ?? ""));
  const joined = joinedBy(answer, pending);
  if (joined) { await signIn(joined); return; }
  if (answer.has("error")) throw new Error(told(answer.get("error_description")) ?? `the sign-in page refused: ${answer.get("error")}`);
  if (!pending || pending.state !== answer.get("state")) throw new Error("this sign-in was started elsewhere; start again");
  await redeem(pending.provider, {
    grant_type: "authorization_code", code: answer.get("code"), redirect_uri: home(), code_verifier: pending.verifier,
  });
}

// joinedBy returns the provider that Cognito refused a person of because they have an account
// only now (functions/signins), if this is why. One more try finds it, and is made once.
function joinedBy(answer, pending) {
  if (!pending || pending.joined || pending.state !== answer.get("state")) return null;
  return /\bjoined ([A-Za-z][A-Za-z0-9-]*): sign in again\b/.exec(answer.get("error_description") ?? "")?.[1];
}

// told is what functions/signins says of a refusal, without what Cognito puts before it.
const told = (text) => text?.replace(/^\w+ failed with error (\w+: )?/, "");

/** Forgets the session, here and at the sign-in page. */
export function signOut() {
  const { provider } = session() ?? {};
  forget();
  if (!provider?.logout) { location.assign(home()); return; }
  const address = new URL(provider.logout);
  address.search = new URLSearchParams({ client_id: provider.client_id, logout_uri: home() });
  location.assign(address);
}

/** The credential to send. A token about to end is replaced first. */
export async function credential() {
  const now = session();
  if (!now) return null;
  if (now.key) return now.key;
  if (now.expires - EARLY < Date.now()) return renew();
  return now.access;
}

let renewal = null;

/** Replaces the token; null when that is refused. A refresh token may be used once, so callers share one exchange. */
export function renew() {
  renewal ??= exchange().finally(() => { renewal = null; });
  return renewal;
}

async function exchange() {
  const old = session();
  if (!old?.refresh) return null;
  try {
    await redeem(old.provider, { grant_type: "refresh_token", refresh_token: old.refresh }, old.refresh);
    return session().access;
  } catch (e) {
    if (e instanceof TypeError) throw e; // the server is away; the session is not over
    return null;
  }
}

async function redeem(provider, grant, refresh) {
  const answer = await fetch(near(provider.token), {
    method: "POST", body: new URLSearchParams({ client_id: provider.client_id, ...grant }),
  });
  const tokens = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told(tokens.error_description) ?? `signing in failed with status ${answer.status}`);
  keep({
    access: tokens.access_token, refresh: tokens.refresh_token ?? refresh,
    expires: Date.now() + tokens.expires_in * 1000, provider,
  });
}

async function describe() {
  const answer = await fetch(new URL("v1/sign-in", base));
  if (!answer.ok) throw new Error(`the server does not say where to sign in (status ${answer.status})`);
  return answer.json();
}

/**
 * The address on this page's own origin when both are this machine: "localhost" and
 * "127.0.0.1" are one server, but two origins to the browser.
 */
export function near(address) {
  const url = new URL(address);
  const local = (name) => ["localhost", "127.0.0.1", "[::1]"].includes(name);
  if (local(url.hostname) && local(location.hostname) && url.port === location.port) url.hostname = location.hostname;
  return url;
}

function home() { return location.origin + "/"; }

function secret() { return base64url(crypto.getRandomValues(new Uint8Array(32))); }

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
