package store

// DefaultRoles says what Auth0's event types mean for a report. A type that is
// absent here has no role: it is counted by type and day, and stored only when
// it carries an experiment. The set in force is printed with every report, and
// users can override it, so a code can be re-judged without reading the logs
// again.
//
// An attempt is a login that passes /authorize, because only those can be in an
// experiment: silent authentication, token exchange and native logins are
// ignored although some of their codes say success or failure. Limits and
// leaks are guards and not failures, since it is not documented whether
// they are written instead of a failed login or beside it.
//
// Source: Auth0, "Log Event Type Codes", and the JSON schemas of auth0-log-schemas.
func DefaultRoles() map[string]Role {
	roles := make(map[string]Role, 128)
	for role, types := range map[Role][]string{
		RoleSuccess: {"s"},
		RoleFailure: {
			"f",  // also configuration errors and cancelled logins
			"fp", // wrong password
			"fu", // unknown user
			"fc", // failed by a connector
		},
		RoleSignup: {"ss", "fs"},
		RoleEnrollment: {
			"gd_enrollment_complete",
			"my_account_authentication_method_succeeded",
		},
		RoleGuard: {
			"limit_wc", "limit_mu", "limit_sul", "limit_phone", "limit_delegation",
			"pwd_leak", "signup_pwd_leak", "reset_pwd_leak",
			"api_limit", "api_limit_warning",
			"actions_execution_failed", "flows_execution_failed", "forms_submission_failed",
			"gd_start_enroll_failed", "gd_webauthn_enrollment_failed", "gd_webauthn_challenge_failed",
			"gd_auth_failed", "gd_auth_rejected", "gd_recovery_failed",
			"gd_otp_rate_limit_exceed", "gd_recovery_rate_limit_exceed", "too_many_records",
			"passkey_challenge_failed", "my_account_authentication_method_failed",
		},
		RoleStep: {
			"scv", "scoa", "fcoa", // inside a login that writes its own s or f
			"cls", "cs", // a passwordless link or code was sent
			"gd_start_enroll", "gd_start_auth", "gd_auth_succeed", "gd_recovery_succeed", "gd_unenroll",
			"passkey_challenge_started",
			"flows_execution_completed", "forms_submission_succeeded", // an enrollment page built as a form
			"experiment_assignment_succeeded",
		},
		RoleIgnore: {
			"ssa", "fsa", "sdelsa", "fdelsa", // silent authentication: "login required" is normal
			"seacft", "feacft", // the second half of a login that is already counted
			"sepft", "fepft", "seotpft", "feotpft", "seoobft", "feoobft", "sercft", "fercft",
			"sepkotpft", "sepkoobft", "sepkrcft", "fepotpft", "mfar",
			"sertft", "fertft", "ferrt", "seccft", "feccft",
			"sede", "fede", "secte", "fecte", "seta", "feta", "sdeleacft", "fdeleacft",
			"sens", "fens", "sdel", "fco",
			"fdeac", "fdeaz", "fdecc", "fpar", "slo", "flo",
			"si", "fi", "pla", "w", "ublkdu",
			"sapi", "fapi", "mgmt_api_read",
		},
	} {
		for _, t := range types {
			roles[t] = role
		}
	}
	return roles
}
