package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"keyramp/fixtures/chaos"
	"keyramp/fixtures/tier"
	"keyramp/ingest"
)

// inMemory serves requests without a network, so that a test can run on a fake clock.
type inMemory func(http.ResponseWriter, *http.Request)

func (h inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if err := h.safely(w, r); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// safely turns a panic of the handler into a broken connection.
func (h inMemory) safely(w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("connection reset by peer")
		}
	}()
	h(w, r)
	return nil
}

func polite(t *testing.T, h inMemory, m ingest.Manners) *ingest.Polite {
	t.Helper()
	base, err := ingest.ParseBase("https://acme.example")
	if err != nil {
		t.Fatal(err)
	}
	m.Transport = h
	return ingest.NewPolite(base, m)
}

// TestNeverEarlier asks twice and looks at the fake clock: the second request
// must not come before the server's headers allow it.
func TestNeverEarlier(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	unix := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }
	cases := []struct {
		name       string
		status     int
		headers    func() map[string]string
		atLeast    time.Duration
		atMost     time.Duration // backoff pauses at most half a second at first
		patience   time.Duration // 0 = 5 minutes
		wantFailed bool
	}{
		{name: "seconds", status: 429, headers: func() map[string]string { return map[string]string{"Retry-After": "7"} }, atLeast: 7 * time.Second, atMost: 8 * time.Second},
		{name: "seconds on 503", status: 503, headers: func() map[string]string { return map[string]string{"Retry-After": " 90 "} }, atLeast: 90 * time.Second, atMost: 91 * time.Second},
		{name: "a date", status: 429, headers: func() map[string]string { return map[string]string{"Retry-After": date(30 * time.Second)} }, atLeast: 29 * time.Second, atMost: 32 * time.Second},
		{name: "a date by a clock that is an hour ahead", status: 429, headers: func() map[string]string {
			return map[string]string{"Date": date(time.Hour), "Retry-After": date(time.Hour + 30*time.Second)}
		}, atLeast: 30 * time.Second, atMost: 32 * time.Second},
		{name: "a date long past", status: 429, headers: func() map[string]string { return map[string]string{"Retry-After": date(-time.Hour)} }, atMost: time.Second},
		{name: "negative", status: 429, headers: func() map[string]string { return map[string]string{"Retry-After": "-5"} }, atMost: time.Second},
		{name: "words", status: 429, headers: func() map[string]string { return map[string]string{"Retry-After": "soon"} }, atMost: time.Second},
		{name: "none", status: 429, headers: func() map[string]string { return nil }, atMost: time.Second},
		{name: "a year", status: 429, headers: func() map[string]string { return map[string]string{"Retry-After": "31536000"} }, wantFailed: true},
		{name: "more than fits", status: 429, headers: func() map[string]string { return map[string]string{"Retry-After": "99999999999999999999"} }, wantFailed: true},
		{name: "longer than our patience", status: 429, headers: func() map[string]string { return map[string]string{"Retry-After": "20"} }, patience: 10 * time.Second, wantFailed: true},
		{name: "reset of an empty bucket", status: 429, headers: func() map[string]string {
			return map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": unix(9 * time.Second)}
		}, atLeast: 9 * time.Second, atMost: 10 * time.Second},
		{name: "reset after the last request that was allowed", status: 200, headers: func() map[string]string {
			return map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": unix(9 * time.Second)}
		}, atLeast: 9 * time.Second, atMost: 10 * time.Second},
		{name: "reset with requests left", status: 200, headers: func() map[string]string {
			return map[string]string{"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": unix(9 * time.Second)}
		}},
		{name: "reset in the past", status: 429, headers: func() map[string]string {
			return map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": unix(-time.Hour)}
		}, atMost: time.Second},
		{name: "reset hours ahead", status: 429, headers: func() map[string]string {
			return map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": unix(9 * time.Hour)}
		}, atLeast: time.Minute, atMost: 61 * time.Second},
		{name: "reset below every number", status: 429, headers: func() map[string]string {
			return map[string]string{"X-RateLimit-Reset": "-9223372036854775808"}
		}, atMost: 61 * time.Second},
		{name: "the later of both", status: 429, headers: func() map[string]string {
			return map[string]string{"Retry-After": "3", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": unix(9 * time.Second)}
		}, atLeast: 9 * time.Second, atMost: 10 * time.Second},
		{name: "a date by a clock that shows the year 1", status: 429, headers: func() map[string]string {
			return map[string]string{"Date": "Mon, 01 Jan 0001 00:00:00 GMT", "Retry-After": date(0)}
		}, wantFailed: true},
		{name: "twice", status: 429, headers: func() map[string]string { return map[string]string{"Retry-After": "7, 9"} }, atMost: time.Second},
		{name: "a fraction", status: 429, headers: func() map[string]string { return map[string]string{"Retry-After": "0.5"} }, atMost: time.Second},
		{name: "with the answer that was asked for", status: 200, headers: func() map[string]string { return map[string]string{"Retry-After": "7"} }, atLeast: 7 * time.Second, atMost: 8 * time.Second},
		{name: "with a refusal", status: 403, headers: func() map[string]string { return map[string]string{"Retry-After": "7"} }, atLeast: 7 * time.Second, atMost: 8 * time.Second},
	}
	row := tier.Begin(t, "N2", tier.Size{Test: len(cases)})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			defer row.Done()
			synctest.Test(t, func(t *testing.T) {
				var asked []time.Time
				p := polite(t, func(w http.ResponseWriter, r *http.Request) {
					asked = append(asked, time.Now())
					if len(asked) > 1 {
						return
					}
					for k, v := range c.headers() {
						w.Header().Set(k, v)
					}
					w.WriteHeader(c.status)
				}, ingest.Manners{MaxElapsed: c.patience})
				_, err := p.Do(t.Context(), ingest.Request{Path: "/"})
				if err == nil && len(asked) == 1 {
					_, err = p.Do(t.Context(), ingest.Request{Path: "/"})
				}
				if c.wantFailed {
					if !errors.Is(err, ingest.ErrUpstream) || len(asked) != 1 {
						t.Fatalf("%d requests, error %v: want one, and to give up", len(asked), err)
					}
					return
				}
				if err != nil || len(asked) != 2 {
					t.Fatalf("%d requests, error %v", len(asked), err)
				}
				if d := asked[1].Sub(asked[0]); d < c.atLeast || d > c.atMost {
					t.Errorf("asked again after %v, want %v to %v", d, c.atLeast, c.atMost)
				}
			})
		})
	}
}

// TestDeadline: what the server asks us to wait is waited up to the end of the
// run and not a moment less, however long our own patience is.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		p := polite(t, func(w http.ResponseWriter, r *http.Request) {
			requests++
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(429)
		}, ingest.Manners{MaxElapsed: time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Minute)
		defer cancel()
		began := time.Now()
		_, err := p.Do(ctx, ingest.Request{Path: "/"})
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ingest.ErrUpstream) {
			t.Errorf("error %v, want the context's", err)
		}
		if requests != 3 || time.Since(began) != 25*time.Minute {
			t.Errorf("%d requests in %v, want 3 in 25m", requests, time.Since(began))
		}
	})
}

// TestGivesUp: trouble without end is an error after our patience, and the
// pauses grow.
func TestGivesUp(t *testing.T) {
	for name, h := range map[string]inMemory{
		"status 500":   func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) },
		"status 408":   func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(408) },
		"status 429":   func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(429) },
		"an HTML page": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>a@b.example</html>") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				requests, began := 0, time.Now()
				p := polite(t, func(w http.ResponseWriter, r *http.Request) { requests++; h(w, r) }, ingest.Manners{})
				_, err := p.Do(t.Context(), ingest.Request{Path: "/x", Check: func(a *ingest.Answer) error {
					if !json.Valid(a.Body) {
						return errors.New("the body is not JSON")
					}
					return nil
				}})
				if !errors.Is(err, ingest.ErrUpstream) || strings.Contains(err.Error(), "@") {
					t.Errorf("error %v", err)
				}
				if d := time.Since(began); d > 5*time.Minute || d < time.Minute {
					t.Errorf("gave up after %v", d)
				}
				if requests < 5 || requests > 100 {
					t.Errorf("%d requests", requests)
				}
			})
		})
	}
}

// TestRate: never more requests than the rate allows.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := polite(t, func(w http.ResponseWriter, r *http.Request) {}, ingest.Manners{Rate: 2})
		began := time.Now()
		for range 11 {
			if _, err := p.Do(t.Context(), ingest.Request{Path: "/"}); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(began); d != 5*time.Second {
			t.Errorf("11 requests at 2 a second took %v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := p.Do(ctx, ingest.Request{Path: "/"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a run that ends while it waits for its turn: %v", err)
		}
	})
}

// TestRateAfterWait: turns do not gather while the server makes us wait.
func TestRateAfterWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Time
		p := polite(t, func(w http.ResponseWriter, r *http.Request) {
			if asked = append(asked, time.Now()); len(asked) == 1 {
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(429)
			}
		}, ingest.Manners{Rate: 2})
		for range 4 {
			if _, err := p.Do(t.Context(), ingest.Request{Path: "/"}); err != nil {
				t.Fatal(err)
			}
		}
		apart(t, asked, 500*time.Millisecond)
	})
}

// TestGateBesideRate: a request that waits for its turn by the rate heeds what the answer
// to another one asks meanwhile.
func TestGateBesideRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Time
		p := polite(t, func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, time.Now())
			if len(asked) == 1 {
				time.Sleep(100 * time.Millisecond)
				w.Header().Set("Retry-After", "10")
			}
		}, ingest.Manners{Rate: 2})
		done := make(chan error)
		go func() {
			_, err := p.Do(t.Context(), ingest.Request{Path: "/"})
			done <- err
		}()
		synctest.Wait()
		_, err := p.Do(t.Context(), ingest.Request{Path: "/"})
		if err := errors.Join(err, <-done); err != nil {
			t.Fatal(err)
		}
		apart(t, asked, 10*time.Second)
	})
}

// TestRateOnDeadConnection: net/http sends a GET again by itself when a connection that it
// had kept ends without an answer; the server sees both.
func TestRateOnDeadConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Time
		pipe := chaos.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked = append(asked, time.Now()); len(asked)%2 == 0 {
				panic(http.ErrAbortHandler)
			}
		}))
		p := piped(t, pipe, ingest.Manners{Rate: 2})
		for range 20 {
			if _, err := p.Do(t.Context(), ingest.Request{Path: "/"}); err != nil {
				t.Fatal(err)
			}
		}
		if len(asked) < 30 {
			t.Errorf("%d requests: no connection died", len(asked))
		}
		apart(t, asked, 500*time.Millisecond)
	})
}

// apart wants times no nearer to each other than least.
func apart(t *testing.T, times []time.Time, least time.Duration) {
	t.Helper()
	for i := 1; i < len(times); i++ {
		if d := times[i].Sub(times[i-1]); d < least {
			t.Errorf("request %d came %v after the one before", i+1, d)
		}
	}
}

// piped is a client of a server in memory, through the transport that real runs use.
func piped(t *testing.T, pipe *chaos.Pipe, m ingest.Manners) *ingest.Polite {
	t.Helper()
	base, err := ingest.ParseBase("http://127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	transport := ingest.NewTransport()
	transport.DialContext = pipe.Dial
	m.Transport = transport
	p := ingest.NewPolite(base, m)
	t.Cleanup(p.Close)
	return p
}

// TestNetworkTrouble meets a real network: each kind of trouble ends in a
// second try or in an error that says so, and no redirect is followed.
func TestNetworkTrouble(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	redirect := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) }
	}
	hijack := func(bytes string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				io.WriteString(c, bytes)
				c.Close()
			}
		}
	}
	good := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "[]") }
	t.Run("first answer", func(t *testing.T) {
		for _, c := range []struct {
			name  string
			first http.HandlerFunc
			want  error // nil = the second try is good
		}{
			{"reset", hijack(""), nil},
			{"half a header", hijack("HTTP/1.1 200 OK\r\nConte"), nil},
			{"half a body", hijack("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{"), nil},
			{"half a chunk", hijack("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[{"), nil},
			{"truncated gzip", hijack("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x8b\x8e"), nil},
			{"huge headers", hijack("HTTP/1.1 200 OK\r\nLink: " + strings.Repeat("x", 1<<20) + "\r\n\r\n[]"), nil},
			{"301", redirect(301), ingest.ErrConfig},
			{"302", redirect(302), ingest.ErrConfig},
			{"307", redirect(307), ingest.ErrConfig},
			{"308", redirect(308), ingest.ErrConfig},
		} {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				var n atomic.Int32
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if n.Add(1) == 1 {
						c.first(w, r)
						return
					}
					good(w, r)
				}))
				defer srv.Close()
				base, err := ingest.ParseBase(srv.URL)
				if err != nil {
					t.Fatal(err)
				}
				p := ingest.NewPolite(base, ingest.Manners{})
				defer p.Close()
				a, err := p.Do(t.Context(), ingest.Request{Path: "/", Bearer: ingest.NewSecret("t0ken")})
				if !errors.Is(err, c.want) || c.want == nil && string(a.Body) != "[]" {
					t.Errorf("error %v, want %v", err, c.want)
				}
			})
		}
	})
	if n := elsewhere.Load(); n > 0 {
		t.Errorf("%d connections to another host", n)
	}
}

// TestHopeless: what another try cannot change is not tried again.
func TestHopeless(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	defer secure.Close()
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	large := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 65 {
			w.Write(make([]byte, 1<<20))
		}
	}))
	defer large.Close()
	for name, address := range map[string]string{"a certificate of nobody": secure.URL, "64 MiB and more": large.URL} {
		t.Run(name, func(t *testing.T) {
			base, err := ingest.ParseBase(address)
			if err != nil {
				t.Fatal(err)
			}
			p := ingest.NewPolite(base, ingest.Manners{})
			defer p.Close()
			_, err = p.Do(t.Context(), ingest.Request{Path: "/"})
			if !errors.Is(err, ingest.ErrUpstream) || !strings.Contains(err.Error(), "1 tries") {
				t.Errorf("error %v", err)
			}
		})
	}
	t.Run("no such host", func(t *testing.T) {
		base, _ := ingest.ParseBase("https://acme.example")
		p := ingest.NewPolite(base, ingest.Manners{Transport: failing{&net.DNSError{Err: "no such host", IsNotFound: true}}})
		if _, err := p.Do(t.Context(), ingest.Request{Path: "/"}); !errors.Is(err, ingest.ErrUpstream) || !strings.Contains(err.Error(), "1 tries") {
			t.Errorf("error %v", err)
		}
	})
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestParseBase(t *testing.T) {
	for _, good := range []string{"https://acme.eu.auth0.com", "https://acme.example:8443/v1/e", "http://127.0.0.1:80", "http://localhost", "http://[::1]:9"} {
		if _, err := ingest.ParseBase(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "acme.example", "http://acme.example", "http://10.0.0.1", "ftp://localhost", "file:///etc/passwd", "https://",
		"https://user@acme.example", "https://acme.example?x=1", "https://acme.example#f", "https://acme.example.", "https://.example",
		"https://аcme.example", "https://acme example", "https://acme_x.example", "http://127.0.0.1.evil.example", "https:acme.example", "https://[",
	} {
		if u, err := ingest.ParseBase(bad); !errors.Is(err, ingest.ErrConfig) {
			t.Errorf("%s: %v, %v", bad, u, err)
		}
	}
}

// TestSecret prints a secret in every way that programs print.
func TestSecret(t *testing.T) {
	const text = "hunter2-canary"
	s := ingest.NewSecret(text)
	type holder struct {
		Open   ingest.Secret
		hidden ingest.Secret
	}
	h := holder{s, s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T"} {
		fmt.Fprintf(&out, verb, s)
		fmt.Fprintf(&out, verb, &s)
		fmt.Fprintf(&out, verb, h)
		fmt.Fprintf(&out, verb, &h)
		fmt.Fprintf(&out, verb, []any{s, h, map[string]any{"k": s}})
	}
	fmt.Fprint(&out, fmt.Errorf("x: %v", s), s.String(), s.GoString())
	for _, v := range []any{s, h, &h} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("m", "secret", s, "holder", h, "pointer", &h)
	}
	for _, form := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), url.QueryEscape(text)} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret is printed as %s", form)
		}
	}
	if s.Reveal() != text || s.IsZero() || !(ingest.Secret{}).IsZero() {
		t.Error("Reveal or IsZero")
	}
}
