// A small enrollment page: it verifies the Action's token, shows the prompt, notes what happened as events that keyramp
// reads (docs/event-contract.md), and sends the browser back to the login. Node 18 or newer, nothing else.
//
//   PAGE_SECRET   the Action's secret                      TENANT        https://acme.eu.auth0.com
//   EVENTS_TOKEN  bearer token of the events API           EVENTS_FILE   where events are kept (events.ndjson)
//   PORT (8080)   HOST (127.0.0.1)                         SOURCE        urn:app:enroll-passkey
//
// The WebAuthn ceremony is yours: replace the three buttons by it, and post what came of it.
"use strict";

const http = require("node:http");
const crypto = require("node:crypto");
const fs = require("node:fs");

const { PAGE_SECRET, TENANT, EVENTS_TOKEN, EVENTS_FILE = "events.ndjson", HOST = "127.0.0.1", PORT = "8080", SOURCE = "urn:app:enroll-passkey" } = process.env;
for (const name of ["PAGE_SECRET", "TENANT", "EVENTS_TOKEN"]) {
  if (!process.env[name]) {
    console.error(`enrollment-page: ${name} is not set`);
    process.exit(2);
  }
}
if (PAGE_SECRET.length < 32) {
  console.error("enrollment-page: PAGE_SECRET is shorter than 32 characters");
  process.exit(2);
}

// What is kept, in the order in which it came. An id is written once, so a retry or a double click adds nothing.
const events = [];
const ids = new Set();
if (fs.existsSync(EVENTS_FILE)) {
  if (!fs.statSync(EVENTS_FILE).isFile()) {
    console.error(`enrollment-page: EVENTS_FILE is no file: ${EVENTS_FILE}`);
    process.exit(2);
  }
  const kept = fs.readFileSync(EVENTS_FILE, "utf8");
  for (const line of kept.split("\n").filter(Boolean)) {
    try {
      ids.add(JSON.parse(line).id);
      events.push(line);
    } catch {
      console.error("enrollment-page: a line that a crash has cut is left out");
    }
  }
  if (kept && !kept.endsWith("\n")) fs.appendFileSync(EVENTS_FILE, "\n");
}

// note keeps an event. A login goes on when that fails: what is missing shows where page and tenant log are reconciled.
function note(phase, claims) {
  try {
    emit(phase, claims);
    return true;
  } catch (error) {
    console.error(`enrollment-page: an event was not written: ${error.code}`);
    return false;
  }
}

function emit(phase, claims) {
  const id = crypto.createHmac("sha256", PAGE_SECRET).update(`event ${phase} ${claims.token}`).digest("hex").slice(0, 32);
  if (ids.has(id)) return;
  const line = JSON.stringify({
    specversion: "1.0", id, source: SOURCE, type: `passkey.enrollment.${phase}`, time: new Date().toISOString(),
    data: {
      experiment_id: claims.experiment_id, variation_id: claims.variation_id, user_id: claims.sub,
      session_id: claims.session_id, transaction_id: claims.transaction_id, assignment_verified: true,
    },
  });
  fs.appendFileSync(EVENTS_FILE, line + "\n"); // before the answer: what was said is kept
  ids.add(id);
  events.push(line);
}

const hmac = (text) => crypto.createHmac("sha256", PAGE_SECRET).update(text).digest();
const same = (a, b) => a.length === b.length && crypto.timingSafeEqual(a, b);

// The claims of a token that the Action made, else null.
function verify(token) {
  const parts = String(token || "").split(".");
  if (parts.length !== 3) return null;
  try {
    const header = JSON.parse(Buffer.from(parts[0], "base64url"));
    if (header.alg !== "HS256") return null; // never what the token says
    if (!same(Buffer.from(parts[2], "base64url"), hmac(parts[0] + "." + parts[1]))) return null;
    const claims = JSON.parse(Buffer.from(parts[1], "base64url"));
    if (!(claims.exp > Date.now() / 1000) || !claims.sub || !claims.experiment_id || !claims.variation_id) return null;
    return { ...claims, token };
  } catch {
    return null;
  }
}

function sign(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = part({ alg: "HS256", typ: "JWT" }) + "." + part(claims);
  return text + "." + hmac(text).toString("base64url");
}

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const page = (token, state) => `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Add a passkey</title>
<h1>Sign in without a password next time?</h1>
<p>A passkey is kept on this device and cannot be phished.</p>
<form method="post" action="/enroll-passkey/result">
<input type="hidden" name="session_token" value="${escape(token)}"><input type="hidden" name="state" value="${escape(state)}">
<button name="result" value="completed">Add a passkey</button>
<button name="result" value="skipped">Not now</button>
<button name="result" value="failed">It did not work</button>
</form></html>`;

function send(res, status, body, headers = {}) {
  res.writeHead(status, {
    "content-type": "text/html; charset=utf-8", "cache-control": "no-store", "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff", "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'", ...headers,
  });
  res.end(body);
}

const json = (res, status, value) => send(res, status, JSON.stringify(value), { "content-type": "application/json" });

// Without a valid token nothing is noted, and the login still goes on.
function goOn(res, state, claims, result) {
  const back = new URL("/continue", TENANT);
  back.searchParams.set("state", state);
  if (claims) {
    const now = Math.floor(Date.now() / 1000);
    back.searchParams.set("session_token", sign({ sub: claims.sub, iss: SOURCE, iat: now, exp: now + 60, state, result }));
  }
  send(res, 303, "", { location: back.href });
}

async function read(req) {
  let body = "";
  for await (const chunk of req) {
    body += chunk;
    if (body.length > 16384) throw new Error("too long");
  }
  return new URLSearchParams(body);
}

function serveEvents(req, res, query) {
  if (!same(Buffer.from(req.headers.authorization || ""), Buffer.from(`Bearer ${EVENTS_TOKEN}`))) return json(res, 401, { error: "unauthorized" });
  const limit = Number(query.get("limit") || 500);
  const at = Number(query.get("cursor") || 0);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) return json(res, 400, { error: "limit must be between 1 and 1000" });
  if (!Number.isInteger(at) || at < 0 || at > events.length) return json(res, 400, { error: "cursor is not one of ours" });
  const end = Math.min(at + limit, events.length);
  send(res, 200, `{"events":[${events.slice(at, end).join(",")}],"next_cursor":"${end}","has_more":${end < events.length}}`, { "content-type": "application/json" });
}

const server = http.createServer(async (req, res) => {
  try {
    const url = new URL(req.url, "http://page");
    const at = req.method + " " + url.pathname;
    if (at === "GET /v1/enrollment-events") return serveEvents(req, res, url.searchParams);
    if (at === "GET /enroll-passkey") {
      const [token, state] = [url.searchParams.get("session_token"), url.searchParams.get("state")];
      if (!state) return send(res, 400, "This page is part of a login: please sign in again.");
      const claims = verify(token);
      if (!claims) return goOn(res, state, null);
      if (!note("shown", claims)) return goOn(res, state, null); // a prompt that nobody counts would mislead
      return send(res, 200, page(token, state));
    }
    if (at === "POST /enroll-passkey/result") {
      const form = await read(req);
      const [state, result, claims] = [form.get("state"), form.get("result"), verify(form.get("session_token"))];
      if (!state) return send(res, 400, "This page is part of a login: please sign in again.");
      if (!claims || !["completed", "skipped", "failed"].includes(result)) return goOn(res, state, null);
      if (result !== "skipped") note("started", claims);
      note(result, claims);
      return goOn(res, state, claims, result);
    }
    send(res, 404, "Not found");
  } catch {
    if (!res.headersSent) send(res, 400, "Bad request");
  }
});

server.listen(Number(PORT), HOST, () => console.log(`listening on http://${HOST}:${server.address().port}`));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => server.close(() => process.exit(0)) && server.closeAllConnections());
