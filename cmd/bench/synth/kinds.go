package synth

import (
	"strconv"

	"keyramp/fixtures/draw"
)

// carry says whether events of a kind carry the experiment.
type carry uint8

const (
	never   carry = iota
	always        // but for a few
	mostly        // failures
	machine       // no person, no experiment
)

// A kind is a type of event, with its share of the log in tenths of a percent.
type kind struct {
	code, description string
	share             int
	carry             carry
	details           func(*object, *event)
}

var kinds = [...]kind{
	{"s", "", 420, always, success},
	{"ss", "", 12, always, signup},
	{"f", "", 25, mostly, failure},
	{"fp", "Wrong email or password.", 75, mostly, wrongPassword},
	{"fu", "Wrong email or password.", 20, mostly, wrongPassword},
	{"fs", "The user already exists.", 5, mostly, signup},
	{"seacft", "Authorization Code for Access Token", 170, never, exchange},
	{"sertft", "Refresh Token for Access Token", 80, never, exchange},
	{"ssa", "", 30, never, silent},
	{"fsa", "Login required", 30, never, silent},
	{"slo", "", 30, never, exchange},
	{"gd_start_enroll", "Start MFA enroll", 8, never, factor},
	{"gd_enrollment_complete", "Enrollment complete", 12, never, factor},
	{"limit_wc", "An IP address is blocked after 10 failed login attempts into a single account", 3, never, func(*object, *event) {}},
	{"pwd_leak", `Someone attempted to log in with a leaked password: \u201chunter2\u201d`, 2, never, wrongPassword},
	{"seccft", "Client Credentials for Access Token", 38, machine, request},
	{"sapi", "Update an experiment", 5, machine, request},
	{"mgmt_api_read", "Get logs", 35, machine, request},
}

// pickKind draws by the shares, which sum to 1000.
func pickKind(r *random) *kind {
	at := r.below(1000)
	for i := range kinds {
		if at -= kinds[i].share; at < 0 {
			return &kinds[i]
		}
	}
	panic("synth: the shares of kinds do not sum to 1000")
}

// login appends the members by which events of one login are known.
func login(o *object, e *event) {
	o.quoted("session_id", func(dst []byte) []byte {
		return draw.Token(dst, draw.Hash(e.device, saltSession, uint64(e.date>>28)), 32)
	})
	o.quoted("transaction_id", func(dst []byte) []byte { return hex(append(dst, "tx_"...), e.h+5, 12) })
}

func executions(o *object, e *event) {
	o.name("actions")
	o.members = draw.Token(append(o.members, `{"executions":["`...), e.h+6, 32)
	o.members = append(o.members, `"]}`...)
	o.done()
}

// success appends the details of an s. Of every three one is a single sign-on,
// which asked nothing.
func success(o *object, e *event) {
	interactive := e.h>>20%3 != 0
	o.name("prompts")
	o.members = append(o.members, '[')
	if interactive {
		o.members = appendPrompts(o.members, e)
	}
	o.members = append(o.members, ']')
	o.done()
	executions(o, e)
	o.number("initiatedAt", e.began)
	o.number("completedAt", e.date)
	if interactive {
		o.number("elapsedTime", e.date-e.began)
	} else {
		o.raw("elapsedTime", "null")
	}
	login(o, e)
	o.name("stats")
	o.members = strconv.AppendUint(append(o.members, `{"loginsCount":`...), 1+e.h>>30%200, 10)
	o.members = append(o.members, '}')
	o.done()
	if interactive {
		o.raw("riskAssessment", "null")
	} else {
		o.raw("riskAssessment", `{"confidence":"high","version":"1","assessments":{"UntrustedIP":{"code":"not_found_on_deny_list","confidence":"high"},"NewDevice":{"code":"match","confidence":"high"}}}`)
	}
}

func appendPrompts(dst []byte, e *event) []byte {
	stamp := func(name string, ms int64) {
		dst = append(append(dst, '"'), name...)
		dst = strconv.AppendInt(append(dst, `":`...), ms, 10)
	}
	dst = hex(append(dst, `{"name":"prompt-authenticate","strategy":"auth0","identity":"`...), e.person, 24)
	dst = append(dst, `",`...)
	stamp("initiatedAt", e.began+20)
	dst = append(dst, ',')
	stamp("completedAt", e.date-160)
	if e.h>>40%8 == 0 {
		dst = append(dst, `,"performed_amr":["phr","mfa"]`...)
	}
	dst = append(dst, `,"elapsedTime":null},{"name":"login","flow":"universal-login",`...)
	stamp("initiatedAt", e.began+11)
	dst = append(dst, ',')
	stamp("completedAt", e.date-131)
	dst = appendUserID(append(dst, `,"timers":{"rules":31},"user_id":"`...), e.person)
	dst = append(dst, `",`...)
	stamp("elapsedTime", e.date-e.began-142)
	return append(dst, '}')
}

func failure(o *object, e *event) {
	o.name("error")
	o.members = append(o.members, `{"message":"`...)
	o.members = append(o.members, failures[e.h>>20%uint64(len(failures))]...)
	o.members = append(o.members, `","oauthError":"access_denied","type":"oauth-authorization"}`...)
	o.done()
	o.raw("body", "{}")
	query(o, e)
	login(o, e)
}

// query appends what the browser sent to /authorize.
func query(o *object, e *event) {
	o.name("qs")
	o.members = append(append(o.members, `{"client_id":"`...), e.client.id...)
	o.members = append(append(o.members, `","response_type":"code","scope":"openid profile email","redirect_uri":"`...), e.client.callback...)
	o.members = draw.Token(append(o.members, `","state":"`...), e.h+7, 32)
	o.members = append(o.members, `","ui_locales":"de fr nl","code_challenge_method":"S256"}`...)
	o.done()
}

func wrongPassword(o *object, e *event) {
	o.raw("error", `{"message":"Wrong email or password."}`)
	query(o, e)
	login(o, e)
}

func signup(o *object, e *event) {
	o.name("body")
	o.members = append(append(o.members, `{"client_id":"`...), e.client.id...)
	o.members = appendEmail(append(o.members, `","connection":"Username-Password-Authentication","email":"`...), e.person)
	o.members = append(o.members, `","password":"*****","tenant":"acme-demo","user_metadata":{"motto":"tab\there, line\nthere \u2014 \"fin\""}}`...)
	o.done()
	o.raw("authentication_methods", `["pwd"]`)
	query(o, e)
	login(o, e)
}

func exchange(o *object, e *event) {
	o.quoted("code", func(dst []byte) []byte { return draw.Token(append(dst, "*************"...), e.h, 3) })
	executions(o, e)
	login(o, e)
}

func silent(o *object, e *event) {
	o.raw("error", `{"message":"Login required","oauthError":"login_required","type":"oauth-authorization"}`)
	query(o, e)
}

func factor(o *object, e *event) {
	if e.h>>20%4 == 0 {
		o.raw("authenticator", `{"id":"totp|dev_Zk29sLq0","type":"otp"}`)
	} else {
		o.raw("authenticator", `{"id":null,"type":"passkey"}`)
	}
	o.bool("first_factor", true)
	query(o, e)
	login(o, e)
}

func request(o *object, e *event) {
	o.name("request")
	o.members = append(o.members, `{"method":"get","path":"\/api\/v2\/logs","query":{"take":"100","from":"`...)
	o.members = appendLogID(o.members, e, 0)
	o.members = append(o.members, `"},"userAgent":"auth0-cli/1.20.0","channel":"https://manage.auth0.com/","auth":{"strategy":"jwt","user":{},"credentials":{"jti":"`...)
	o.members = hex(o.members, e.h+9, 32)
	o.members = append(o.members, `","scopes":["read:logs","read:experimentation"]}}}`...)
	o.done()
	o.raw("response", `{"statusCode":200,"body":{}}`)
	executions(o, e)
}
