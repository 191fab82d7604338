package auth0

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"keyramp/fixtures/tier"
	"keyramp/ingest"
	"keyramp/queries/store"
)

func trouble17(t *testing.T) {
	p := minutely(250)
	file := filepath.Join(t.TempDir(), "token.json")
	keep := func(c *Config) { c.TokenFile = file }
	from := at(p, 0)
	for range 20 {
		got := pull(t, client(t, p, keep), from, time.Time{})
		if got.err != nil {
			t.Fatal(got.err)
		}
		from = got.cursor
	}
	if n := p.asked(tokenPath); n != 1 {
		t.Errorf("20 runs took %d tokens", n)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("token file: %v, %v", info.Mode(), err)
	}
	// A file that is not for us, or open to others, or broken, is not used.
	for name, harm := range map[string]func(c *Config){
		"another client":   func(c *Config) { c.ClientID = "other" },
		"another audience": func(c *Config) { c.Audience = "https://canonical.example/api/v2/" },
		"open to others":   func(c *Config) { os.Chmod(file, 0o644) },
		"broken":           func(c *Config) { os.WriteFile(file, []byte(`{"key":`), 0o600) },
		"gone":             func(c *Config) { os.Remove(file) },
	} {
		before := p.asked(tokenPath)
		if got := pull(t, client(t, p, keep, harm), from, time.Time{}); got.err != nil {
			t.Fatal(got.err)
		}
		if n := p.asked(tokenPath) - before; n != 1 {
			t.Errorf("%s: %d new tokens, want 1", name, n)
		}
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: token file %v, %v", name, info.Mode(), err)
		}
	}
	// A place that cannot be written costs a token a run and no more.
	got := pull(t, client(t, p, func(c *Config) { c.TokenFile = filepath.Join(file, "no", "folder") }), from, time.Time{})
	if got.err != nil {
		t.Error(got.err)
	}
}

func trouble18(t *testing.T) {
	p := minutely(5)
	file := filepath.Join(t.TempDir(), "token.json")
	keep := func(c *Config) { c.TokenFile = file }
	granted := false
	p.before = func(w http.ResponseWriter, r *http.Request) bool {
		// Only a token from after the grant has the scope.
		if r.URL.Path != logsPath || granted && !strings.HasSuffix(r.Header.Get("Authorization"), "-1") {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="read:logs read:logs_users"`)
		answer(w, 403, "insufficient_scope", "Insufficient scope")
		return true
	}
	got := pull(t, client(t, p, keep), at(p, 0), time.Time{})
	if !errors.Is(got.err, ErrAuth) || !strings.Contains(got.err.Error(), "read:logs") {
		t.Errorf("error %v", got.err)
	}
	granted = true
	if got = pull(t, client(t, p, keep), at(p, 0), time.Time{}); got.err != nil {
		t.Errorf("after the grant: %v", got.err)
	}

	// Renewal a minute before the end, and not sooner.
	p = minutely(5)
	c := client(t, p)
	p.ttl = 3600
	for _, step := range []struct {
		wait time.Duration
		want int
	}{{0, 1}, {3500 * time.Second, 1}, {41 * time.Second, 2}, {3500 * time.Second, 2}} {
		time.Sleep(step.wait)
		if got := pull(t, c, at(p, 0), time.Time{}); got.err != nil {
			t.Fatal(got.err)
		}
		if n := p.asked(tokenPath); n != step.want {
			t.Errorf("%d tokens after another %v, want %d", n, step.wait, step.want)
		}
	}
}

// TestTokenTrouble: what can be wrong with a token, and what a run says then.
func TestTokenTrouble(t *testing.T) {
	type world struct {
		*tape
		pages int
	}
	refuse := func(status int, body string) func(*world, http.ResponseWriter, *http.Request) bool {
		return func(_ *world, w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != tokenPath {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			io.WriteString(w, body)
			return true
		}
	}
	unauthorized := func(when func(*world, *http.Request) bool) func(*world, http.ResponseWriter, *http.Request) bool {
		return func(x *world, w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != logsPath || !when(x, r) {
				return false
			}
			answer(w, 401, "invalid_token", "Bad audience: pat@example.org")
			return true
		}
	}
	cases := []struct {
		name   string
		before func(*world, http.ResponseWriter, *http.Request) bool
		change func(*Config)
		ttl    int
		want   error
		says   string
		tokens int // at most
	}{
		{name: "expires in the middle of a run", ttl: 86400, tokens: 2, before: unauthorized(func(x *world, r *http.Request) bool {
			x.pages++
			return x.pages > 2 && strings.HasSuffix(r.Header.Get("Authorization"), "-1")
		})},
		{name: "401 once", ttl: 86400, tokens: 2, before: unauthorized(func(x *world, r *http.Request) bool {
			x.pages++
			return x.pages == 3
		})},
		{name: "401 for every second page", ttl: 86400, tokens: 10, before: unauthorized(func(x *world, r *http.Request) bool {
			x.pages++
			return x.pages%2 == 0
		})},
		{name: "403 for want of a scope, for ever", ttl: 86400, want: ErrAuth, says: "read:logs_users", tokens: 1, before: func(_ *world, w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == logsPath {
				answer(w, 403, "insufficient_scope", "Insufficient scope, expected any of: read:logs,read:logs_users")
			}
			return r.URL.Path == logsPath
		}},
		{name: "ended before it began", ttl: -5, tokens: 1},
		{name: "lives for ever", ttl: math.MaxInt64, tokens: 1},
		{name: "a token that no header can carry", want: ErrUpstream, says: "no token", tokens: 100, before: refuse(200, `{"access_token":"a\r\nX-Evil: 1","expires_in":60}`)},
		{name: "an endless token", want: ErrUpstream, says: "no token", tokens: 100, before: refuse(200, `{"access_token":"`+strings.Repeat("x", 1<<20)+`","expires_in":60}`)},
		{name: "lives for two seconds", ttl: 2, tokens: 40, before: func(_ *world, w http.ResponseWriter, r *http.Request) bool {
			time.Sleep(700 * time.Millisecond)
			return false
		}},
		{name: "says nothing of its life", ttl: 0, tokens: 1},
		{name: "401 for ever", ttl: 86400, want: ErrAuth, says: "audience", tokens: 2, before: unauthorized(func(*world, *http.Request) bool { return true })},
		{name: "static, 401", want: ErrAuth, says: "token was refused", tokens: 0,
			change: func(c *Config) { c.StaticToken = ingest.NewSecret(secretText) },
			before: unauthorized(func(*world, *http.Request) bool { return true })},
		{name: "wrong secret", want: ErrAuth, says: "client id and secret", tokens: 1, before: refuse(401, `{"error":"access_denied","error_description":"Unauthorized `+secretText+`"}`)},
		{name: "wrong audience", want: ErrAuth, says: "audience https://" + host + "/api/v2/", tokens: 1, before: refuse(403, `{"error":"access_denied","error_description":"Service not found: x"}`)},
		{name: "wrong tenant", want: ErrConfig, says: "domain", tokens: 1, before: refuse(404, `<html>`)},
		{name: "refused in other words", want: ErrAuth, says: "400", tokens: 1, before: refuse(400, secretText)},
		{name: "endpoint down", want: ErrUpstream, says: "500", tokens: 100, before: refuse(500, "oops")},
		{name: "an HTML page for a token", want: ErrUpstream, says: "no token", tokens: 100, before: refuse(200, "<html>")},
		{name: "no token in the answer", want: ErrUpstream, says: "no token", tokens: 100, before: refuse(200, `{"expires_in":5}`)},
	}
	row := tier.Begin(t, "N3", tier.Size{Test: len(cases)})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			defer row.Done()
			synctest.Test(t, func(t *testing.T) {
				x := &world{tape: minutely(450)}
				x.ttl = c.ttl
				if c.before != nil {
					x.tape.before = func(w http.ResponseWriter, r *http.Request) bool { return c.before(x, w, r) }
				}
				var changes []func(*Config)
				if c.change != nil {
					changes = append(changes, c.change)
				}
				got := pull(t, client(t, x.tape, changes...), at(x.tape, 0), time.Time{})
				if !errors.Is(got.err, c.want) || c.want != nil && !strings.Contains(got.err.Error(), c.says) {
					t.Errorf("error %v, want %v that says %q", got.err, c.want, c.says)
				}
				if got.err != nil {
					for _, leak := range []string{secretText, "@", "t0ken"} {
						if strings.Contains(fmt.Sprintf("%v %+v %#v", got.err, got.err, got.err), leak) {
							t.Errorf("the error holds %s: %v", leak, got.err)
						}
					}
				} else {
					same(t, got.ids, x.ids[1:])
				}
				if n := x.asked(tokenPath); n > c.tokens {
					t.Errorf("%d token requests, want at most %d", n, c.tokens)
				}
			})
		})
	}
}

// TestTokenRequest sends what Auth0 wants.
func TestTokenRequest(t *testing.T) {
	p := minutely(2)
	c := client(t, p, func(c *Config) { c.Audience = "https://canonical.example/api/v2/" })
	if got := pull(t, c, at(p, 0), time.Time{}); got.err != nil {
		t.Fatal(got.err)
	}
	for _, want := range []string{"grant_type=client_credentials", "client_id=poller", "client_secret=" + secretText, "audience=https%3A%2F%2Fcanonical.example%2Fapi%2Fv2%2F"} {
		if len(p.bodies) != 1 || !strings.Contains(p.bodies[0], want) {
			t.Errorf("the token request lacks %s", want)
		}
	}
}

// TestConfig refuses what cannot be right before anything is sent.
func TestConfig(t *testing.T) {
	secret := ingest.NewSecret(secretText)
	good := Config{Domain: host, ClientID: "c", Secret: secret}
	for name, change := range map[string]func(*Config){
		"no domain":        func(c *Config) { c.Domain = "" },
		"https in front":   func(c *Config) { c.Domain = "https://" + host },
		"http":             func(c *Config) { c.Domain = "http://" + host },
		"a path":           func(c *Config) { c.Domain = host + "/api/v2" },
		"user info":        func(c *Config) { c.Domain = "a@" + host },
		"not a host":       func(c *Config) { c.Domain = "acme eu" },
		"no client id":     func(c *Config) { c.ClientID = "" },
		"no secret at all": func(c *Config) { c.Secret = ingest.Secret{} },
		"an empty secret":  func(c *Config) { c.Secret = ingest.NewSecret("") },
	} {
		c := good
		change(&c)
		if _, err := New(c); !errors.Is(err, ErrConfig) || strings.Contains(err.Error(), secretText) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := New(good)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	plain, _ := json.Marshal(good)
	if text := fmt.Sprintf("%v %+v %#v %s %v", good, good, *c, plain, c.tokens); strings.Contains(strings.ReplaceAll(text, fmt.Sprintf("%v", c.tokens), ""), secretText) {
		t.Errorf("the secret is printed: %s", text)
	}
	if logs, err := c.Logs(store.Cursor{}, start); err != nil || logs.Name() != "auth0:"+host {
		t.Errorf("%v, %v", logs.Name(), err)
	}
}

// FuzzToken: whatever the token's endpoint says, there is a token that can be sent or an
// error, and the error quotes none of it.
func FuzzToken(f *testing.F) {
	for _, s := range []string{
		`{"access_token":"t","expires_in":86400,"scope":"read:logs","token_type":"Bearer"}`, `{"access_token":"t","expires_in":"5"}`, `{"access_token":"t","expires_in":-1e99}`,
		`{"access_token":["t"]}`, `{"access_token":"t","scope":["a"],"token_type":7}`, `{"error":"access_denied","error_description":"x"}`, `<html>`, `null`, `[[[[`, "{\"access_token\":\"\\r\\n\"}",
	} {
		f.Add(200, []byte(s))
		f.Add(403, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 || status/100 == 3 || status == 204 {
			status = 200
		}
		const canary = "c4nary-of-the-body"
		body = append(body, canary...)
		if json.Valid(body[:len(body)-len(canary)]) {
			body = append([]byte(`{"x":"`+canary+`","y":`), body[:len(body)-len(canary)]...)
			body = append(body, '}')
		}
		c := client(t, overHandler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			w.Write(body)
		})}, func(c *Config) { c.MaxElapsed = time.Nanosecond })
		got, err := c.tokens.get(t.Context())
		if err != nil && (strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), secretText) || !got.IsZero()) {
			t.Errorf("%d %q: %v", status, body, err)
		}
		if err == nil && !tokenForm.MatchString(got.Reveal()) {
			t.Errorf("%d %q: a token of another form", status, body)
		}
	})
}
