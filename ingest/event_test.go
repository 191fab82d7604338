package ingest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"keyramp/fixtures/tier"
	"keyramp/queries/store"
)

//go:embed testdata/login.json
var login []byte

var testKey = NewPseudonyms([16]byte{1, 2, 3})

const (
	loginID = "90020261103091412418207000000000000001223372055510042117"
	loginAt = store.Micros(1793697251902000)
)

// plainEvent is what the decoder makes of the least that an event must have.
func plainEvent() store.Event {
	return store.Event{LogID: testKey.LogID(loginID), At: loginAt, Assigned: loginAt, Logged: 1793697252418000, Shape: store.Shape{Type: store.WordOf("s")}}
}

func decodeOne(t testing.TB, raw string) (store.Event, error) {
	t.Helper()
	d := LogDecoder{Pseudonyms: testKey, TestAddresses: map[string]bool{"203.0.113.9": true, "2001:db8::41": true}}
	var e store.Event
	err := d.Event([]byte(raw), &e)
	if err != nil && e != (store.Event{}) {
		t.Errorf("there is an event beside the error: %+v", e)
	}
	return e, err
}

func TestDecodeLogin(t *testing.T) {
	got, err := decodeOne(t, string(login))
	if err != nil {
		t.Fatal(err)
	}
	want := plainEvent()
	want.Assigned = 1793697221380000
	want.ClientID, want.Connection, want.Strategy = store.WordOf("h7Yc0RkT4uWzN3bGdPqLx8VaSe6Jm1Fo"), store.WordOf("Username-Password-Authentication"), store.WordOf("auth0")
	want.Device = store.WordOf("other")
	want.User = testKey.User("auth0|67f0c2b95d1e3a0012c4ab90")
	want.Session = testKey.Session("kT0vR8uQ2xH5mWcEo1Zs7LpNd9Ya3GbJ")
	want.Transaction = testKey.Transaction("tx_5e0b1c7f9a2d")
	want.Experiment, want.Variation = store.WordOf("exp_WydxsXWaxfEDuaYihtD8WM"), store.WordOf("var_4EzHg3sXNWfwEbGiLZ2k7X")
	want.Control, want.Allocation = store.No, store.WordOf("percentage")
	want.Interactive, want.PasskeyUsed = store.Yes, true
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestDecodeEvent holds a row for every form that has broken an exporter in
// public, and for every one that the documents leave open. {…} stands for the
// members that every event has.
func TestDecodeEvent(t *testing.T) {
	const base = `"log_id":"` + loginID + `","date":"2026-11-03T09:14:11.902Z","type":"s"`
	const arm = `"experiment_id":"exp_1","variation_id":"var_1"`
	inArm := func(e *store.Event) { e.Experiment, e.Variation = store.WordOf("exp_1"), store.WordOf("var_1") }
	same := func(*store.Event) {}
	as := func(typ, authenticator string) func(*store.Event) {
		return func(e *store.Event) { e.Type, e.Authenticator = store.WordOf(typ), store.WordOf(authenticator) }
	}
	at := func(m store.Micros) func(*store.Event) {
		return func(e *store.Event) { e.At, e.Assigned = m, m }
	}
	row := tier.Begin(t, "D7", tier.Size{Test: 50})
	for _, test := range []struct {
		name, in string
		want     func(*store.Event) // what differs from plainEvent; nil: a reject
		reason   string
	}{
		// Public troubles, by their numbers in the survey of exporters.
		{"1 scope is an array", `{…,"scope":["openid","email"]}`, same, ""},
		{"1 scope is text", `{…,"scope":"openid email"}`, same, ""},
		{"2 user_id is a number", `{…,"user_id":12345}`, func(e *store.Event) { e.User = testKey.User("12345") }, ""},
		{"3 latitude is a number", `{…,"location_info":{"latitude":0.5}}`, same, ""},
		{"4 identity is a number", `{…,"details":{"prompts":[{"identity":123}]}}`, func(e *store.Event) { e.Interactive = store.Yes }, ""},
		{"4 initiatedAt after a float", `{…,"details":{"initiatedAt":1.79369722138E12}}`, func(e *store.Event) { e.Assigned = 1793697221380000 }, ""},
		{"14 log_id is a number of 56 digits", `{"log_id":` + loginID + `,"date":"2026-11-03T09:14:11.902Z","type":"s"}`, same, ""},
		{"14 log_id after a float", `{"log_id":9.0020261103091412e+55,"date":"2026-11-03T09:14:11.902Z","type":"s"}`, nil, ReasonNoID},
		{"14 log_id after a float, _id whole", `{"log_id":9.0020261103091412e+55,"_id":"` + loginID + `","date":"2026-11-03T09:14:11.902Z","type":"s"}`, same, ""},
		{"15 a type nobody knows", `{"log_id":"` + loginID + `","date":"2026-11-03T09:14:11.902Z","type":"brand_new_type"}`, as("brand_new_type", ""), ""},
		{"16 the code stays verbatim", `{"log_id":"` + loginID + `","date":"2026-11-03T09:14:11.902Z","type":"Success Login"}`, as("Success Login", ""), ""},
		{"19 details without bound", `{…,"details":{"request":{"body":"` + strings.Repeat("x", MaxRecord) + `"}}}`, nil, ReasonSize},
		{"20 date after a vendor", `{"log_id":"` + loginID + `","date":"2026-11-03 09:14:11.902000000","type":"s"}`, same, ""},

		// Experiment metadata.
		{"experiment absent", `{…}`, same, ""},
		{"experiment null", `{…,"details":{"experiment":null},"experiment":null}`, same, ""},
		{"experiment in details", `{…,"details":{"experiment":{` + arm + `}}}`, inArm, ""},
		{"experiment at top level", `{…,"experiment":{` + arm + `}}`, inArm, ""},
		{"experiment at top level, null in details", `{…,"experiment":{` + arm + `},"details":{"experiment":null}}`, inArm, ""},
		{"details win", `{…,"experiment":{"experiment_id":"exp_0","variation_id":"var_0"},"details":{"experiment":{` + arm + `}}}`, inArm, ""},
		{"variant_id of the drafts", `{…,"experiment":{"experiment_id":"exp_1","variant_id":"var_1","segment_id":null}}`, inArm, ""},
		{"variation_id wins", `{…,"experiment":{` + arm + `,"variant_id":"var_0"}}`, inArm, ""},
		{"variation_id null, variant_id set", `{…,"experiment":{"experiment_id":"exp_1","variation_id":null,"variant_id":"var_1"}}`, inArm, ""},
		{"control and segment", `{…,"details":{"experiment":{` + arm + `,"is_control":true,"allocation_strategy":"segment","segment_id":"seg_1"}}}`, func(e *store.Event) {
			inArm(e)
			e.Control, e.Allocation, e.Segment = store.Yes, store.WordOf("segment"), store.WordOf("seg_1")
		}, ""},
		{"control that is no truth value", `{…,"experiment":{` + arm + `,"is_control":"true","allocation_strategy":"magic","config":{"a":[1]}}}`, inArm, ""},
		{"an array of one", `{…,"experiment":[{` + arm + `}]}`, inArm, ""},
		{"an array of two", `{…,"experiment":[{` + arm + `},{` + arm + `}]}`, nil, ReasonMetadata},
		{"an array of none", `{…,"experiment":[]}`, nil, ReasonMetadata},
		{"an array of text", `{…,"experiment":["exp_1"]}`, nil, ReasonMetadata},
		{"experiment is text", `{…,"details":{"experiment":"exp_1"}}`, nil, ReasonMetadata},
		{"experiment is a number", `{…,"details":{"experiment":1}}`, nil, ReasonMetadata},
		{"experiment is false", `{…,"details":{"experiment":false}}`, nil, ReasonMetadata},
		{"experiment is empty", `{…,"details":{"experiment":{}}}`, nil, ReasonMetadata},
		{"no variation", `{…,"experiment":{"experiment_id":"exp_1"}}`, nil, ReasonMetadata},
		{"empty variation", `{…,"experiment":{"experiment_id":"exp_1","variation_id":""}}`, nil, ReasonMetadata},
		{"an empty variation does not fall back", `{…,"experiment":{"experiment_id":"exp_1","variation_id":"","variant_id":"var_1"}}`, nil, ReasonMetadata},
		{"variation is a number", `{…,"experiment":{"experiment_id":"exp_1","variation_id":1}}`, nil, ReasonMetadata},
		{"experiment_id is null", `{…,"experiment":{"experiment_id":null,"variation_id":"var_1"}}`, nil, ReasonMetadata},
		{"an id of 10,000 bytes", `{…,"experiment":{"experiment_id":"exp_1","variation_id":"` + strings.Repeat("v", 10_000) + `"}}`, nil, ReasonMetadata},
		{"equal names: the last wins whole", `{…,"experiment":{"experiment_id":"exp_0","variation_id":"var_0","is_control":true},"experiment":{` + arm + `}}`, inArm, ""},
		{"escaped ids", `{…,"experiment":{"experiment\u005fid":"exp\u005f1","variation_id":"v\u0061r_1"}}`, inArm, ""},
		{"names in other letters", `{…,"Experiment":{` + arm + `},"DETAILS":{"experiment":{` + arm + `}}}`, same, ""},
		{"ids in other letters", `{…,"experiment":{"Experiment_ID":"exp_1","variation_id":"var_1"}}`, nil, ReasonMetadata},
		{"equal names inside: the last wins", `{…,"experiment":{"experiment_id":"exp_1","variation_id":"var_0","variation_id":"var_1"}}`, inArm, ""},
		{"equal names: the last is none", `{…,"experiment":{` + arm + `},"experiment":null}`, same, ""},
		{"equal details: the last wins whole", `{…,"details":{"experiment":{"experiment_id":"exp_0","variation_id":"var_0"}},"details":{"experiment":{` + arm + `}}}`, inArm, ""},
		{"variation is an object", `{…,"experiment":{"experiment_id":"exp_1","variation_id":{"id":"var_1"}}}`, nil, ReasonMetadata},
		{"variation is an array", `{…,"experiment":{"experiment_id":"exp_1","variation_id":["var_1"]}}`, nil, ReasonMetadata},
		{"variation is true", `{…,"experiment":{"experiment_id":"exp_1","variation_id":true}}`, nil, ReasonMetadata},
		{"text that looks like metadata", `{…,"user_agent":"\"experiment\":{\"experiment_id\":\"exp_1\"}"}`, same, ""},

		// Identity.
		{"_id only", `{"_id":"` + loginID + `","date":"2026-11-03T09:14:11.902Z","type":"s"}`, same, ""},
		{"a short log_id", `{…,"log_id":"9002026"}`, func(e *store.Event) { e.LogID, e.Logged = testKey.LogID("9002026"), 0 }, ""},
		{"a log_id that is no number", `{…,"log_id":"abc"}`, func(e *store.Event) { e.LogID, e.Logged = testKey.LogID("abc"), 0 }, ""},
		{"a log_id of 56 digits with no date inside", `{…,"log_id":"` + "900" + strings.Repeat("9", 53) + `"}`, func(e *store.Event) {
			e.LogID, e.Logged = testKey.LogID("900"+strings.Repeat("9", 53)), 0
		}, ""},
		{"a small number as log_id", `{…,"log_id":7}`, func(e *store.Event) { e.LogID, e.Logged = testKey.LogID("7"), 0 }, ""},
		{"no id", `{"date":"2026-11-03T09:14:11.902Z","type":"s"}`, nil, ReasonNoID},
		{"empty id", `{…,"log_id":""}`, nil, ReasonNoID},
		{"id null", `{…,"log_id":null}`, nil, ReasonNoID},
		{"id an object", `{…,"log_id":{"$oid":"1"}}`, nil, ReasonNoID},
		{"no type", `{"log_id":"1","date":"2026-11-03T09:14:11.902Z"}`, nil, ReasonNoType},
		{"type empty", `{…,"type":""}`, nil, ReasonNoType},
		{"type a number", `{…,"type":5}`, nil, ReasonNoType},

		// Time.
		{"no date", `{"log_id":"` + loginID + `","type":"s"}`, nil, ReasonTime},
		{"date null", `{…,"date":null}`, nil, ReasonTime},
		{"date an object", `{…,"date":{"$date":"2026-11-03T09:14:11.902Z"}}`, nil, ReasonTime},
		{"date that is none", `{…,"date":"yesterday"}`, nil, ReasonTime},
		{"date without milliseconds", `{…,"date":"2026-11-03T09:14:11Z"}`, at(1793697251000000), ""},
		{"date with an offset", `{…,"date":"2026-11-03T10:14:11.902+01:00"}`, same, ""},
		{"date with nanoseconds", `{…,"date":"2026-11-03T09:14:11.902000999Z"}`, same, ""},
		{"date in epoch milliseconds", `{…,"date":1793697251902}`, same, ""},
		{"date in epoch seconds", `{…,"date":1793697251}`, at(1793697251000000), ""},
		{"begun a day before", `{…,"details":{"initiatedAt":1793610851902}}`, func(e *store.Event) { e.Assigned = 1793610851902000 }, ""},
		{"begun more than a day before", `{…,"details":{"initiatedAt":1793610851901}}`, same, ""},
		{"begun later than it ended", `{…,"details":{"initiatedAt":1793697251903}}`, same, ""},
		{"begun null", `{…,"details":{"initiatedAt":null}}`, same, ""},

		// Users and logins.
		{"details null", `{…,"details":null}`, same, ""},
		{"details text", `{…,"details":"gone"}`, same, ""},
		{"details an array", `{…,"details":[{"experiment":{` + arm + `}}]}`, same, ""},
		{"a masked user", `{…,"user_id":"****"}`, same, ""},
		{"a masked user behind its connection", `{…,"user_id":"auth0|********"}`, same, ""},
		{"a hashed user", `{…,"user_id":"auth0|9f1c2e6a77b0d3e4"}`, func(e *store.Event) { e.User = testKey.User("auth0|9f1c2e6a77b0d3e4") }, ""},
		{"a user with a star in it", `{…,"user_id":"custom|a*"}`, func(e *store.Event) { e.User = testKey.User("custom|a*") }, ""},
		{"SSO: no prompts", `{…,"connection_id":"","details":{"prompts":[ ],"elapsedTime":null}}`, func(e *store.Event) { e.Interactive = store.No }, ""},
		{"prompts null", `{…,"details":{"prompts":null}}`, same, ""},
		{"amr null", `{…,"details":{"prompts":[{"performed_amr":null}]}}`, func(e *store.Event) { e.Interactive = store.Yes }, ""},
		{"a passkey answered", `{…,"details":{"prompts":[null,{"performed_amr":["pwd","phr"]}]}}`, func(e *store.Event) { e.Interactive, e.PasskeyUsed = store.Yes, true }, ""},
		{"phr elsewhere", `{…,"details":{"prompts":[{"name":"phr","performed_amr":["pwd"]}]}}`, func(e *store.Event) { e.Interactive = store.Yes }, ""},
		{"fu with an empty user", `{"log_id":"` + loginID + `","date":"2026-11-03T09:14:11.902Z","type":"fu","user_id":""}`, as("fu", ""), ""},
		{"ids at top level", `{…,"session_id":"s1","transaction_id":"t1"}`, func(e *store.Event) {
			e.Session, e.Transaction = testKey.Session("s1"), testKey.Transaction("t1")
		}, ""},
		{"mobile", `{…,"isMobile":true}`, func(e *store.Event) { e.Device = store.WordOf("mobile") }, ""},
		{"mobile by its schema name", `{…,"isMobile":null,"is_mobile":false}`, func(e *store.Event) { e.Device = store.WordOf("other") }, ""},
		{"mobile as text", `{…,"isMobile":"yes"}`, same, ""},
		{"test address", `{…,"ip":"203.0.113.9"}`, func(e *store.Event) { e.Test = true }, ""},
		{"test address in another spelling", `{…,"client_ip":"2001:DB8:0::41"}`, func(e *store.Event) { e.Test = true }, ""},
		{"client_id as somebody typed it", `{…,"client_id":"pat@example.org"}`, same, ""},
		{"client_id of 10,000 bytes", `{…,"client_id":"` + strings.Repeat("c", 10_000) + `"}`, same, ""},

		// Authenticators.
		{"passkey enrolled", `{…,"type":"gd_enrollment_complete","details":{"authenticator":{"id":null,"type":"passkey"},"first_factor":true}}`, as("gd_enrollment_complete", "passkey"), ""},
		{"my account, text", `{…,"type":"my_account_authentication_method_succeeded","details":{"authentication_method":"passkey","operation":"enroll"}}`, as("my_account_authentication_method_succeeded", "passkey"), ""},
		{"my account, object", `{…,"type":"my_account_authentication_method_succeeded","details":{"authentication_method":{"type":"passkey"}}}`, as("my_account_authentication_method_succeeded", "passkey"), ""},
		{"my account, verified", `{…,"type":"my_account_authentication_method_succeeded","details":{"authentication_method":"passkey","operation":"x","request":{"method":"POST","path":"/me/v1/authentication-methods/passkey%7Cnew/verify"}}}`, as("my_account_authentication_method_succeeded", "passkey"), ""},
		{"my account, only begun", `{…,"type":"my_account_authentication_method_succeeded","details":{"authentication_method":"passkey","operation":"x","request":{"method":"POST","path":"/me/v1/authentication-methods"}}}`, as("my_account_authentication_method_succeeded", ""), ""},
		{"my account, removed", `{…,"type":"my_account_authentication_method_succeeded","details":{"authentication_method":"passkey","operation":"DeleteAuthenticationMethod"}}`, as("my_account_authentication_method_succeeded", ""), ""},
		{"sign-up with a passkey", `{…,"type":"ss","details":{"authentication_methods":["passkey"]}}`, as("ss", "passkey"), ""},
		{"sign-up with a password", `{…,"type":"ss","details":{"authentication_methods":["pwd"]}}`, as("ss", ""), ""},
		{"passkey tried", `{…,"type":"gd_webauthn_enrollment_failed","details":{"authentication_methods":["mfa","passkey"]}}`, as("gd_webauthn_enrollment_failed", "passkey"), ""},

		// Wrappers.
		{"stream", `{"log_id":"` + loginID + `","data":{"date":"2026-11-03T09:14:11.902Z","type":"s","experiment":{` + arm + `}}}`, inArm, ""},
		{"EventBridge, flat", `{"version":"0","id":"e1","detail-type":"Auth0 log","source":"aws.partner/auth0.com/acme/auth0.logs","time":"2026-11-03T09:15:00Z","detail":{…}}`, same, ""},
		{"EventBridge, wrapped", `{"version":"0","id":"e1","detail":{"log_id":"` + loginID + `","data":{"date":"2026-11-03T09:14:11.902Z","type":"s"}}}`, same, ""},
		{"Event Grid", `{"id":"g1","topic":"t","subject":"s","eventType":"x","eventTime":"2026-11-03T09:15:00Z","data":{"log_id":"` + loginID + `","data":{…}},"dataVersion":"1"}`, same, ""},
		{"CloudEvents", `{"specversion":"1.0","type":"com.auth0.log","source":"x","id":"c1","data":{…}}`, same, ""},
		{"an event with data of its own", `{…,"data":{"type":"f","date":"2020-01-01T00:00:00Z"}}`, same, ""},
		{"wrappers without end", strings.Repeat(`{"data":`, 10) + `{…}` + strings.Repeat("}", 10), nil, ReasonNoID},

		// Not an event at all.
		{"not UTF-8", "{…,\"a\":\"\xff\"}", nil, ReasonEncoding},
		{"an array", `[{…}]`, nil, ReasonSyntax},
		{"text", `"{}"`, nil, ReasonSyntax},
		{"nothing", ``, nil, ReasonSyntax},
		{"cut", `{…,"details":{"experiment":{` + arm, nil, ReasonSyntax},
		{"two in one", `{…}{…}`, nil, ReasonSyntax},
		{"broken where nobody looks", `{…,"zzz":{"a":tru}}`, nil, ReasonSyntax},
		{"a control character in text", "{…,\"zzz\":\"a\x01\"}", nil, ReasonSyntax},
		{"64 deep", `{…,"zzz":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`, same, ""},
		{"65 deep", `{…,"zzz":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, nil, ReasonDepth},
		{"10,000 deep", `{…,"zzz":` + strings.Repeat(`[{"a":`, 5_000) + strings.Repeat("}]", 5_000) + `}`, nil, ReasonDepth},
		{"brackets in text are not deep", `{…,"zzz":"` + strings.Repeat(`[{\"`, 5_000) + `"}`, same, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			defer row.Done()
			got, err := decodeOne(t, strings.ReplaceAll(test.in, "{…", "{"+base))
			if test.want == nil {
				var why *RejectError
				if !errors.As(err, &why) || why.Reason != test.reason {
					t.Fatalf("got %+v, %v, want a reject for %s", got, err, test.reason)
				}
				return
			}
			want := plainEvent()
			test.want(&want)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}
		})
	}
}

// The same event in any wrapper is the same row.
func TestWrappersAgree(t *testing.T) {
	want, err := decodeOne(t, string(login))
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{`{"log_id":"` + loginID + `","data":%s}`, `{"detail":%s}`, `{"detail":{"log_id":"1","data":%s}}`, `[%s]`} {
		got, err := decodeOne(t, strings.Trim(fmt.Sprintf(form, login), "[]"))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s", form, err, diff)
		}
	}
}

func TestFilter(t *testing.T) {
	d := LogDecoder{Pseudonyms: testKey, Keep: KeepRoles(store.DefaultRoles())}
	var b store.Batch
	for _, raw := range []string{
		`{"log_id":"1","date":"2026-11-03T23:59:59.999Z","type":"ssa"}`,
		`{"log_id":"2","date":"2026-11-03T00:00:00Z","type":"ssa"}`,
		`{"log_id":"3","date":"2026-11-04T00:00:00Z","type":"unheard_of"}`,
		`{"log_id":"4","date":"2026-11-04T00:00:00Z","type":"unheard_of","experiment":{"experiment_id":"e","variation_id":"v"}}`,
		`{"log_id":"5","date":"2026-11-04T00:00:00Z","type":"s"}`,
		`{"log_id":"6","date":"2026-11-04T00:00:00Z","type":"limit_wc"}`,
	} {
		if err := d.Decode([]byte(raw), &b); err != nil {
			t.Fatal(err)
		}
	}
	want := map[store.FilterKey]int64{{Type: "ssa", Day: 1793664000000000}: 2, {Type: "unheard_of", Day: 1793750400000000}: 1}
	if diff := cmp.Diff(want, b.Filtered); diff != "" || len(b.Events) != 3 {
		t.Errorf("%d events, -want +got:\n%s", len(b.Events), diff)
	}
	if err := d.Decode([]byte(`{"log_id":"7"}`), &b); err == nil || len(b.Events) != 3 {
		t.Error("a reject changed the batch")
	}
}

// Content tells a redelivery from another event, and nothing else.
func TestContent(t *testing.T) {
	content := func(raw string) uint64 {
		d := LogDecoder{Pseudonyms: testKey}
		var e store.Event
		if err := d.Event([]byte(raw), &e); err != nil {
			t.Fatal(err)
		}
		return e.Content()
	}
	const rest = `"log_id":"1","date":"2026-11-03T09:14:11Z","type":"s"}`
	if content(`{"user_name":"pat@example.org",`+rest) != content(`{ "ip":"203.0.113.1", `+rest) {
		t.Error("what is not kept changes the content")
	}
	if content(`{"client_id":"a",`+rest) == content(`{"connection":"a",`+rest) {
		t.Error("a text counts alike in two places")
	}
}

// One value is read otherwise under another name, whichever came first, and the next event is read like the one before.
func TestSameValueElsewhere(t *testing.T) {
	long := strings.Repeat("x", maxText)
	for _, c := range []struct{ value, connection, client, authenticator string }{
		{`"a b"`, "a b", "", "a b"}, // no client's id has a space in it
		{`"a"`, "a", "a", "a"},
		{`"\u0061"`, "a", "a", "a"},
		{`{"type":"a"}`, "", "", "a"},
		{`"` + long + `"`, long, long, long},
		{`"` + long + `x"`, "", "", ""},
		{`null`, "", "", ""},
		{`7`, "", "", ""},
	} {
		d := LogDecoder{Pseudonyms: testKey}
		for _, names := range [][]string{{"connection", "client_id", "details"}, {"details", "client_id", "connection"}} {
			raw := `{"log_id":"1","date":"2026-11-03T09:14:11Z","type":"gd_enrollment_complete"`
			for _, name := range names {
				value := c.value
				if name == "details" {
					value = `{"authenticator":` + value + `}`
				}
				raw += `,"` + name + `":` + value
			}
			for range 2 {
				var e store.Event
				err := d.Event([]byte(raw+"}"), &e)
				if got := [...]string{e.Connection.String(), e.ClientID.String(), e.Authenticator.String()}; err != nil ||
					got != [...]string{c.connection, c.client, c.authenticator} {
					t.Errorf("%s: %v, %q", c.value, err, got)
				}
			}
		}
	}
}

// A row must not hold on to the buffer that its record stood in.
func TestDecodeCopies(t *testing.T) {
	d := LogDecoder{Pseudonyms: testKey}
	raw := bytes.Clone(login)
	var e store.Event
	if err := d.Event(raw, &e); err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprintf("%+v", e)
	clear(raw)
	if after := fmt.Sprintf("%+v", e); after != before {
		t.Errorf("the event changed with the buffer:\n%s\n%s", before, after)
	}
}

// Nothing that a person can be known by leaves the decoder.
func TestNoPersonalData(t *testing.T) {
	d := LogDecoder{Pseudonyms: testKey, TestAddresses: map[string]bool{"203.0.113.57": true}}
	var b store.Batch
	if err := d.Decode(login, &b); err != nil {
		t.Fatal(err)
	}
	kept := fmt.Sprintf("%+v", b)
	for _, secret := range []string{"pat@", "203.0.113", "Chrome", "67f0c2b9", "kT0vR8uQ", "tx_5e0b", "acme"} {
		if strings.Contains(kept, secret) {
			t.Errorf("%q was kept", secret)
		}
	}
	for _, raw := range []string{`{"user_name":"pat@example.org"`, `{"log_id":"1","type":"s","date":"pat@example.org"}`, `{"pat@example.org":x}`} {
		if err := d.Decode([]byte(raw), &b); err == nil || strings.Contains(err.Error(), "pat") {
			t.Errorf("the error is %q", err)
		}
	}
}

func FuzzDecodeEvent(f *testing.F) {
	f.Add(login)
	f.Add([]byte(`{"log_id":"1","data":{"date":1793697251902,"type":"s","details":{"prompts":[{"performed_amr":["phr"]}],"experiment":[{"experiment_id":"e","variant_id":"v"}]}}}`))
	f.Add([]byte(`{"log_id":"\ud800","date":"2026-11-03 09:14:11,5 +0130","type":"\u0000"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := LogDecoder{Pseudonyms: testKey}
		var e store.Event
		kept := bytes.Clone(raw)
		err := d.Event(raw, &e)
		if !bytes.Equal(raw, kept) {
			t.Error("the record was changed")
		}
		if err != nil {
			if e != (store.Event{}) {
				t.Errorf("there is an event beside the error: %+v", e)
			}
			if !errors.As(err, new(*RejectError)) {
				t.Errorf("not a RejectError: %v", err)
			}
			return
		}
		if e.LogID == 0 || e.At <= 0 || e.Assigned <= 0 || e.Type == 0 || (e.Experiment == 0) != (e.Variation == 0) {
			t.Errorf("half an event: %+v", e)
		}
		for _, w := range []store.Word{e.Type, e.ClientID, e.Connection, e.Strategy, e.Experiment, e.Variation, e.Segment, e.Authenticator} {
			if s := w.String(); !utf8.ValidString(s) {
				t.Errorf("%q is not UTF-8", s)
			}
		}
		if !json.Valid(raw) {
			t.Error("accepted what encoding/json does not")
		}
		var again store.Event
		if err := d.Event(raw, &again); err != nil || again != e {
			t.Errorf("decoded again: %v\n%+v\n%+v", err, e, again)
		}
	})
}

func BenchmarkDecodeEvent(b *testing.B) {
	d := LogDecoder{Pseudonyms: testKey, Keep: KeepRoles(store.DefaultRoles())}
	var batch store.Batch
	b.SetBytes(int64(len(login)))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Decode(login, &batch); err != nil {
			b.Fatal(err)
		}
		batch.Events = batch.Events[:0]
	}
}
