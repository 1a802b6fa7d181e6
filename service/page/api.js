// Talking to the service. Every call ends: with an answer, or with a Problem that says what was wrong.
import { known, t } from "./language.js";

const KEY = "api-key";
const QUICK = 30_000;
const UPLOAD = 120_000; // a photo over a slow mobile line

/** What went wrong: HTTP status (0: no answer came), the stable code, and what the server said. */
export class Problem extends Error {
  constructor(status, code, detail = "", retryAfter = null) {
    super(detail || code);
    Object.assign(this, { status, code, detail, retryAfter });
  }

  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** A sentence in the person's language, with the server's own words where they say more. */
  get sentence() {
    const own = t(known(`problem.${this.code}`) ? `problem.${this.code}` : "problem.other");
    return this.detail && !this.passing && this.status !== 401 ? `${own} (${this.detail})` : own;
  }
}

/** The key stays in this tab: never in the address, and gone when the tab is closed. */
export function apiKey() {
  return sessionStorage.getItem(KEY) ?? "";
}

export function setApiKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

/** The response; `options`: method, json, form, headers, timeout in milliseconds. Throws Problem. */
export async function send(path, { method = "GET", json, form, headers = {}, timeout } = {}) {
  const all = new Headers(headers);
  if (apiKey()) all.set("Authorization", `Bearer ${apiKey()}`);
  if (json !== undefined) all.set("Content-Type", "application/json");
  const body = json !== undefined ? JSON.stringify(json) : form;
  const signal = AbortSignal.timeout(timeout ?? (form ? UPLOAD : QUICK));
  let response;
  try {
    response = await fetch(path, { method, body, headers: all, signal, cache: "no-store", credentials: "omit" });
  } catch (error) {
    throw new Problem(0, error.name === "TimeoutError" ? "timeout" : "offline");
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  const code = String(said.type ?? "").split(/[:/]/).pop() || `status_${response.status}`;
  const detail = typeof said.detail === "string" ? said.detail : (said.title ?? "");
  const wait = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  throw new Problem(response.status, code, detail, Number.isFinite(wait) ? wait : null);
}

export async function call(path, options) {
  const response = await send(path, options);
  try {
    return await response.json();
  } catch {
    throw new Problem(0, "offline"); // the line broke in the middle of the answer
  }
}

/** A picture's bytes. Pictures need the key as everything does, so they cannot be plain addresses in the page. */
export async function picture(path) {
  try {
    return await (await send(path)).blob();
  } catch (error) {
    throw error instanceof Problem ? error : new Problem(0, "offline");
  }
}

/** A new Idempotency-Key. `randomUUID` is missing on pages without TLS. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
