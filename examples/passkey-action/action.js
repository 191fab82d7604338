// A post-login Action that sends people of the treatment to the enrollment page, once they may go there.
//
// Deploy it in the trigger post-login, after Actions that may deny the login. Secrets:
//   PAGE_URL     where the page is, for instance https://app.acme.example/enroll-passkey
//   PAGE_SECRET  32 random bytes or more, which the page knows too
// Optional: SNOOZE_DAYS (30), how long somebody who declined is left alone; SKIP_CLIENTS, ids of
// applications that must never redirect, with commas between them.
//
// A login never fails because of the prompt: whatever is missing or broken, it goes on without.

const FLAG = "passkey_enabled";

exports.onExecutePostLogin = async (event, api) => {
  // null when no experiment applies. Control goes on as it always did.
  const experiment = event.experiment;
  if (!experiment || experiment.config?.[FLAG]?.value !== true) return;
  if (!event.secrets.PAGE_URL || !event.secrets.PAGE_SECRET) return;
  if (!mayRedirect(event, api) || hasPasskey(event) || declined(event)) return;
  try {
    // The ids travel signed, with the user as sub: nobody can edit them, and the page knows whom it serves.
    const token = api.redirect.encodeToken({
      secret: event.secrets.PAGE_SECRET,
      expiresInSeconds: 600,
      payload: {
        experiment_id: experiment.experiment_id,
        variation_id: experiment.variation_id,
        transaction_id: event.transaction?.id,
        session_id: event.session?.id,
      },
    });
    api.redirect.sendUserTo(event.secrets.PAGE_URL, { query: { session_token: token } });
  } catch (err) {
    console.log("passkey prompt left out: " + err.message);
  }
};

exports.onContinuePostLogin = async (event, api) => {
  let result;
  try {
    result = api.redirect.validateToken({ secret: event.secrets.PAGE_SECRET, tokenParameterName: "session_token" });
  } catch (err) {
    // Somebody came back without the page's word, or with somebody else's. They are logged in all the same.
    console.log("the page's answer is not valid: " + err.message);
    return;
  }
  if (result.result === "completed") api.user.setAppMetadata("passkey_prompt", { completed_at: new Date().toISOString() });
  if (result.result === "skipped") api.user.setAppMetadata("passkey_prompt", { declined_at: new Date().toISOString() });
};

// Flows without a browser in front, or without a prompt, end in an error when they are redirected.
function mayRedirect(event, api) {
  if (api.redirect.canRedirect && !api.redirect.canRedirect()) return false;
  if (event.request?.query?.prompt === "none") return false;
  const protocol = event.transaction?.protocol;
  if (["oauth2-resource-owner", "oauth2-resource-owner-jwt-bearer", "oauth2-password", "oauth2-refresh-token", "oauth2-token-exchange"].includes(protocol)) return false;
  const skip = (event.secrets.SKIP_CLIENTS || "").split(",").map((s) => s.trim());
  return !skip.includes(event.client?.client_id);
}

function hasPasskey(event) {
  if (event.user.app_metadata?.passkey_prompt?.completed_at) return true;
  const methods = event.authentication?.methods || [];
  if (methods.some((m) => m.name === "passkey")) return true;
  return (event.user.enrolledFactors || []).some((f) => f.type === "passkey" || f.method === "passkey");
}

function declined(event) {
  const at = Date.parse(event.user.app_metadata?.passkey_prompt?.declined_at || "");
  const days = Number(event.secrets.SNOOZE_DAYS || 30);
  return Number.isFinite(at) && Date.now() - at < days * 86400e3;
}
