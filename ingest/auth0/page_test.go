package auth0

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"keyramp/ingest"
	"keyramp/queries/store"
)

func TestSplit(t *testing.T) {
	day := time.Date(2026, 11, 3, 9, 14, 11, 902e6, time.UTC).UnixMicro()
	for _, c := range []struct {
		body string
		want []item // raw is checked apart; nil = refused
	}{
		{body: `[]`, want: []item{}},
		{body: " [ \r\n\t] \n", want: []item{}},
		{body: `[{"log_id":"900","date":"2026-11-03T09:14:11.902Z"}]`, want: []item{{id: "900", date: day}}},
		{body: `[{"date":"2026-11-03T10:14:11.902+01:00","_id":"7"} , {"_id":"8","log_id":"9"},{"log_id":"9","_id":"8"}]`, want: []item{{id: "7", date: day}, {id: "9"}, {id: "9"}}},
		{body: `[{"details":{"log_id":"no","date":"2026-11-03T09:14:11.902Z"},"log_id":"yes"}]`, want: []item{{id: "yes"}}},
		{body: `[{"a":["log_id","no"],"log_id":["no"],"x":"log_id","y":"no"}]`, want: []item{{}}},
		{body: `[{"log_id":900,"date":17}]`, want: []item{{}}},
		{body: `[{"log_id":"a\u0062"},{"log_id":""},{"log_id":"` + strings.Repeat("9", 300) + `"}]`, want: []item{{}, {}, {}}},
		{body: "[{\"log_id\":\"\xbf\"},{\"log_id\":\"\xbf\",\"_id\":\"7\"}]", want: []item{{}, {id: "7"}}},
		{body: `[1, true, null, "a]\"b", [[{"log_id":"no"}]], -1e5]`, want: []item{{}, {}, {}, {}, {}, {}}},
		{body: `[{"text":"\\\"}]\\","log_id":"5"}]`, want: []item{{id: "5"}}},
		{body: `[` + strings.Repeat("[", 1e6) + strings.Repeat("]", 1e6) + `]`, want: []item{{}}},
		{body: ``}, {body: `x`}, {body: `{}`}, {body: `[`}, {body: `[1`}, {body: `[1,`}, {body: `[1,]`}, {body: `[,]`},
		{body: `[]]`}, {body: `[] 1`}, {body: `[{]`}, {body: `["`}, {body: `["\"]`}, {body: `[1 2]`}, {body: `[{"a":1]`},
	} {
		var p page
		err := p.split([]byte(c.body))
		if (err == nil) != (c.want != nil) || len(p.items) != len(c.want) && c.want != nil {
			t.Errorf("%.60s: %d items, error %v", c.body, len(p.items), err)
			continue
		}
		for i, want := range c.want {
			if got := p.items[i]; got.id != want.id || got.date != want.date || len(got.raw) == 0 {
				t.Errorf("%.60s: item %d is %q dated %d, want %q dated %d", c.body, i, got.id, got.date, want.id, want.date)
			}
		}
	}
}

// FuzzSplit: an array that is JSON is cut exactly as the standard library cuts
// it, and nothing else harms.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{`[]`, `[{"log_id":"9","date":"2026-11-03T09:14:11Z"},{"_id":"\""}]`, `[1,"a",null,[{}]]`, `[{"a":"\\"}`, `<html>`, `[{"log_id":"9" , "x":[1,{"date":"2"}]} ]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var p page
		err := p.split(body)
		var want []json.RawMessage
		if json.Unmarshal(body, &want) != nil || want == nil || len(want) > ingest.MaxElements {
			return // what is not JSON may be cut or refused, and what is too much is refused
		}
		if err != nil || len(p.items) != len(want) {
			t.Fatalf("%d items, error %v: want %d", len(p.items), err, len(want))
		}
		for i, raw := range want {
			if !bytes.Equal(p.items[i].raw, raw) {
				t.Errorf("item %d is %q, want %q", i, p.items[i].raw, raw)
			}
			if !utf8.ValidString(p.items[i].id) {
				t.Errorf("item %d has id %q, which is no UTF-8", i, p.items[i].id)
			}
			// Exact names, as the decoder takes them; a struct would fold case.
			var e map[string]json.RawMessage
			if json.Unmarshal(raw, &e) != nil {
				continue
			}
			var id string
			if json.Unmarshal(e["log_id"], &id) == nil && id != "" && len(id) <= maxID && utf8.Valid(raw) && !bytes.ContainsAny(raw, `\`) && bytes.Count(raw, []byte("log_id")) == 1 && p.items[i].id != id {
				t.Errorf("item %d has id %q, want %q", i, p.items[i].id, id)
			}
		}
	})
}

// FuzzRefused: of an error answer nothing is told but codes and names of scopes.
func FuzzRefused(f *testing.F) {
	f.Add(403, `{"statusCode":403,"errorCode":"insufficient_scope","message":"Insufficient scope, expected any of: read:logs,read:logs_users"}`, `Bearer scope="read:logs"`)
	f.Add(401, `{"message":"pat@example.org","errorCode":"a b"}`, ``)
	f.Add(400, `<html>`, `read:`+strings.Repeat("x", 500))
	f.Fuzz(func(t *testing.T, status int, body, header string) {
		a := &ingest.Answer{Status: status, Body: []byte(body), Header: http.Header{"Www-Authenticate": {header}}}
		text := refused("acme.example", logsPath, a).Error()
		if len(text) > 800 || strings.ContainsAny(text, "@<>\"\n\r\x1b") {
			t.Errorf("%q", text)
		}
	})
}

// TestLargePage: a body of nothing but elements costs no multiple of its size.
func TestLargePage(t *testing.T) {
	var p page
	body := []byte("[" + strings.Repeat("1,", 1<<20) + "1]")
	err := p.split(body)
	if !errors.Is(err, ingest.ErrTooLarge) || len(p.items) > ingest.MaxElements || cap(p.items) > 4*ingest.MaxElements {
		t.Errorf("%d items in memory for %d, error %v", len(p.items), cap(p.items), err)
	}
	synctest.Test(t, func(t *testing.T) {
		tape := minutely(2)
		tape.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == logsPath {
				w.Write(body)
			}
			return r.URL.Path == logsPath
		}
		got := pull(t, client(t, tape), at(tape, 0), time.Time{})
		if !errors.Is(got.err, ErrUpstream) || !strings.Contains(got.err.Error(), "1 tries") || len(got.ids) > 0 {
			t.Errorf("%d events, error %v", len(got.ids), got.err)
		}
	})
}

// FuzzLink: whatever the header says, the next page is at home or an error.
func FuzzLink(f *testing.F) {
	for _, s := range []string{
		`<https://acme.example/api/v2/logs?from=9&take=100>; rel="next"`, `</api/v2/logs?from=9>;rel=next`, `<//evil/api/v2/logs?from=9>; rel="next"`,
		`<a>; title="\"<b>; rel=next"; rel="prev", <https://acme.example/api/v2/logs?from=8>; rel="x next"`, `<`, `<>`, `<>;rel`, `<>;rel=`, `<>;rel="next`, `;,=<>`,
		`<?from=%bf>;rel=next`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		l, err := next(mustParse("https://acme.example"), logsPath, []string{header})
		if err != nil && l != (link{}) {
			t.Error("a link beside an error")
		}
		if (l.query == "") != (l.from == "") || len(l.from) > maxID || !utf8.ValidString(l.from) || strings.ContainsAny(l.query, " \r\n#") {
			t.Errorf("%+v", l)
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	event := `{"date":"2026-11-03T09:14:11.902Z","type":"s","details":{"prompts":[` + strings.Repeat(`{"name":"prompt-authenticate","initiatedAt":1793697221400,"stats":{"loginsCount":12}},`, 14) + `{}]},"log_id":"90020261103091412418207000000000000001223372055510042117"}`
	body := []byte("[" + strings.Repeat(event+",", 99) + event + "]")
	var p page
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := p.split(body); err != nil || p.newest() == store.Micros(0) {
			b.Fatal(err)
		}
	}
}
