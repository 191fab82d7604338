// Runs the Action as the login does: a line of JSON in, a line out. It ends with its input.
"use strict";

const crypto = require("node:crypto");
const readline = require("node:readline");
const action = require(process.argv[2]);

console.log = () => {}; // stdout is for answers

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const mac = (secret, text) => crypto.createHmac("sha256", secret).update(text).digest("base64url");

function api(event, out) {
  return {
    redirect: {
      canRedirect: () => event.transaction.protocol === "oidc-basic-profile",
      encodeToken: ({ secret, expiresInSeconds, payload }) => {
        const now = Math.floor(Date.now() / 1000);
        const text = part({ alg: "HS256", typ: "JWT" }) + "." + part({ iat: now, exp: now + expiresInSeconds, iss: "tenant", sub: event.user.user_id, ip: "203.0.113.7", ...payload });
        return text + "." + mac(secret, text);
      },
      sendUserTo: (url, { query }) => { out.redirect = url + "?" + new URLSearchParams(query); },
      validateToken: ({ secret, tokenParameterName }) => {
        const [header, claims, sig] = String(event.request.query[tokenParameterName] || "").split(".");
        if (!sig || sig !== mac(secret, header + "." + claims)) throw new Error("invalid signature");
        const payload = JSON.parse(Buffer.from(claims, "base64url"));
        if (payload.exp < Date.now() / 1000) throw new Error("expired");
        if (payload.sub !== event.user.user_id || payload.state !== event.request.query.state) throw new Error("of another login");
        return payload;
      },
    },
    user: { setAppMetadata: (name, value) => { out.metadata[name] = value; } },
  };
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { call, event } = JSON.parse(line);
    const out = { metadata: {} };
    try {
      await action[call](event, api(event, out));
    } catch (err) {
      out.error = err.message;
    }
    process.stdout.write(JSON.stringify(out) + "\n");
  }
})();
