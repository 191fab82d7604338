package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"go/ast"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"keyramp/fixtures/chaos"
	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
)

const (
	pagesOfLog = "/api/v2/logs"
	tokens     = "/oauth/token"
)

// A weather is what stands between a story's tenant and a run.
type weather struct {
	*story
	since  string
	source string // that pull reads
}

// under gives the story a store of its own and puts a handler before its tenant, whose
// present is the end of the world.
func (s *story) under(front func(next http.Handler) http.Handler) *weather {
	s.t.Helper()
	s.server.SetNow(s.world.End().Add(3 * time.Hour))
	srv := httptest.NewServer(front(s.server.Handler()))
	s.t.Cleanup(srv.Close)
	return s.from(srv.URL)
}

// from gives the story a store of its own and the tenant's address.
func (s *story) from(address string) *weather {
	s.t.Helper()
	w := &weather{story: s.with("store"), source: sourceAuth0, since: s.world.Start().Add(-time.Hour).Format(time.RFC3339)}
	w.env = slices.Clone(s.env)
	w.set("AUTH0_DOMAIN", address)
	w.set("KEYRAMP_PAGE_URL", address+"/v1/enrollment-events")
	return w
}

func (w *weather) set(name, value string) {
	w.env = slices.DeleteFunc(w.env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	w.env = append(w.env, name+"="+value)
}

// pull reads what is new and tells how that ended.
func (w *weather) pull(flags ...string) (code int, errw string, took time.Duration) {
	w.t.Helper()
	var out, e bytes.Buffer
	args := append([]string{"pull", w.source, "--rate", "0", "--since", w.since, "--store", w.store}, flags...)
	began := time.Now()
	code = run(context.Background(), w.env, args, strings.NewReader(""), &out, &e)
	return code, e.String(), time.Since(began)
}

// events is what the store holds of the log, in one order.
func (w *weather) events() []string {
	w.t.Helper()
	dir := w.t.TempDir()
	w.keyramp(0, "export", "events", "--out", dir, "--as", "csv", "--as-of", w.world.End().AddDate(0, 0, 1).Format(time.RFC3339))
	files, err := filepath.Glob(filepath.Join(dir, "events", "*.csv"))
	if err != nil || len(files) == 0 {
		w.t.Fatalf("export left no CSV: %v", err)
	}
	var lines []string
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			w.t.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimSpace(string(raw)), "\n")...)
	}
	slices.Sort(lines)
	return lines
}

// together runs cases beside each other: they mostly wait.
func together[T any](cases []T, one func(T)) {
	var wait sync.WaitGroup
	for _, c := range cases {
		wait.Go(func() { one(c) })
	}
	wait.Wait()
}

// fair is the store of a run in good weather.
func (s *story) fair() []string {
	s.t.Helper()
	w := s.under(func(next http.Handler) http.Handler { return next })
	if code, errw, _ := w.pull(); code != 0 {
		s.t.Fatalf("exit %d\n%s", code, errw)
	}
	return w.events()
}

// TestPullInBadWeather: three answers in ten are spoiled on their way, and the store is
// the one of a run in good weather.
func TestPullInBadWeather(t *testing.T) {
	row := tier.Begin(t, "N1", tier.Size{Test: 100, Chaos: 1000, Soak: 10_000})
	log.SetOutput(io.Discard) // as main does
	defer log.SetOutput(os.Stderr)
	users := 140
	if row.Rounds() > 1000 {
		users = 10_000
	}
	s := tell(t, tenant.Config{Seed: 21, Users: users, Days: 10})
	seeds := make([]uint64, row.Rounds()/(s.world.Len()/100)+1) // a run mostly waits, so several go beside each other
	for i := range seeds {
		seeds[i] = uint64(100 + i)
	}
	want := s.fair()
	var requests, pages, faults int
	var mu sync.Mutex
	together(seeds, func(seed uint64) {
		mine := *s
		mine.server = tenant.NewServer(s.world, tenant.ServerOptions{})
		front := &chaos.Front{Seed: seed, Share: 0.3, Faults: chaos.Network(200 * time.Millisecond)}
		w := mine.under(func(next http.Handler) http.Handler { front.Next = next; return front })
		summary := filepath.Join(t.TempDir(), "run.json")
		if code, errw, _ := w.pull("--summary-file", summary); code != 0 {
			row.Violation("seed %d: exit %d\n%s", seed, code, errw)
			return
		}
		if !slices.Equal(w.events(), want) {
			row.Violation("the store differs from that of a run in good weather")
		}
		var told struct {
			Sources []struct{ Pages, Duplicate int }
		}
		raw, err := os.ReadFile(summary)
		if err == nil {
			err = json.Unmarshal(raw, &told)
		}
		if err != nil || len(told.Sources) != 1 || told.Sources[0].Duplicate > 0 {
			row.Violation("summary %+v, error %v", told, err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		n := told.Sources[0].Pages + 1 // and an empty one at the end
		requests, pages, faults = requests+front.Requests(pagesOfLog), pages+n, faults+front.Met("")
		for range n {
			row.Done()
		}
	})
	figure := float64(requests) / float64(pages)
	row.Note("requests a page", fmt.Sprintf("%.2f with %d faults", figure, faults))
	if figure > 1.6 {
		row.Violation("%d requests for %d pages", requests, pages)
	}
}

// TestConfusedTenant: pages repeated, shuffled and overlapping, and a next that points
// back, leave the store of a run in good weather; if the loop detector ends the run, the
// next one does.
func TestConfusedTenant(t *testing.T) {
	row := tier.Begin(t, "N5", tier.Size{Test: 4, Chaos: 100})
	s := tell(t, tenant.Config{Seed: 22, Users: 200, Days: 10})
	want := s.fair()
	r := rand.New(rand.NewPCG(22, 1))
	loops := 0
	for round := range row.Rounds() {
		front := &chaos.Front{Seed: r.Uint64(), Share: 0.1 + 0.9*r.Float64(), Most: 1 + r.IntN(20), Faults: chaos.Pages(), Only: chaos.LogPage}
		w := s.under(func(next http.Handler) http.Handler { front.Next = next; return front })
		code, errw, _ := w.pull()
		if code == exitUpstream && strings.Contains(errw, "cursor does not move") {
			loops++
			front.Share = 0
			code, errw, _ = w.pull()
		}
		if code != 0 {
			row.Violation("round %d: exit %d\n%s", round, code, errw)
		} else if !slices.Equal(w.events(), want) {
			row.Violation("round %d: the store differs from that of a run in good weather", round)
		}
		row.Done()
	}
	row.Note("ended by the loop detector", fmt.Sprint(loops))
}

// TestStuckTenant: a next page that is the page itself, with data, ends the run with 5 from
// whichever page on, and what was read before is stored.
func TestStuckTenant(t *testing.T) {
	row := tier.Begin(t, "N5", tier.Size{Test: 4})
	s := tell(t, tenant.Config{Seed: 22, Users: 200, Days: 10})
	together([]int{1, 4, 6, 11}, func(from int) { // met by the detector of the source, and by that of the pump
		pages := 0
		w := s.under(func(next http.Handler) http.Handler {
			return chaos.Always(next, func(r *http.Request) bool {
				if chaos.LogPage(r) {
					pages++
				}
				return chaos.LogPage(r) && pages >= from
			}, chaos.NextSelf)
		})
		code, errw, _ := w.pull()
		if code != exitUpstream || !strings.Contains(errw, "cursor does not move") || pages > from+3 {
			row.Violation("stuck at page %d: exit %d after %d pages\n%s", from, code, pages, errw)
		}
		if n := len(w.events()); n < 10*from {
			row.Violation("stuck at page %d: %d events are stored", from, n)
		}
		row.Done()
	})
}

// TestStorm: a tenant that only says 429 is never asked earlier than it says, and the run
// ends when its time is over, with 5 because nothing was read.
func TestStorm(t *testing.T) {
	s := tell(t, tenant.Config{Seed: 23, Users: 60, Days: 3})
	type storm struct {
		name   string
		header func(now time.Time) (name, value string, told time.Duration)
	}
	cases := []storm{
		{"seconds", func(time.Time) (string, string, time.Duration) { return "Retry-After", "1", time.Second }},
		{"a date", func(now time.Time) (string, string, time.Duration) {
			then := now.Add(2 * time.Second).Truncate(time.Second)
			return "Retry-After", then.UTC().Format(http.TimeFormat), then.Sub(now)
		}},
		{"a year", func(time.Time) (string, string, time.Duration) {
			return "Retry-After", "31536000", 365 * 24 * time.Hour
		}},
		{"missing", func(time.Time) (string, string, time.Duration) { return "X-Nothing", "", 0 }},
		{"negative", func(time.Time) (string, string, time.Duration) { return "Retry-After", "-3", 0 }},
		{"a reset in the past", func(now time.Time) (string, string, time.Duration) {
			return "X-RateLimit-Reset", fmt.Sprint(now.Add(-time.Hour).Unix()), 0
		}},
		{"a reset ahead", func(now time.Time) (string, string, time.Duration) {
			then := now.Add(2 * time.Second).Truncate(time.Second)
			return "X-RateLimit-Reset", fmt.Sprint(then.Unix()), then.Sub(now)
		}},
	}
	row := tier.Begin(t, "N2", tier.Size{Test: len(cases) + 2})
	together(cases, func(c storm) {
		mine := *s
		var mu sync.Mutex
		var notBefore time.Time
		requests, early := 0, 0
		w := mine.under(func(http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				now := time.Now()
				requests++
				if now.Before(notBefore) {
					early++
				}
				name, value, told := c.header(now)
				notBefore = now.Add(told)
				rw.Header().Set(name, value)
				rw.Header().Set("Date", now.UTC().Format(http.TimeFormat))
				rw.WriteHeader(429)
			})
		})
		code, errw, took := w.pull("--max-duration", "3s")
		mu.Lock()
		defer mu.Unlock()
		if early > 0 {
			row.Violation("%s: %d of %d requests came earlier than told", c.name, early, requests)
		}
		if code != exitUpstream || !strings.Contains(errw, "nothing could be read") || took < 3*time.Second || took > 20*time.Second {
			row.Violation("%s: exit %d after %v\n%s", c.name, code, took, errw)
		}
		row.Done()
	})
	// Without a limit the run does not wait a year either.
	w := s.under(func(http.Handler) http.Handler {
		return chaos.Always(nil, nil, chaos.Status(429, http.Header{"Retry-After": {"31536000"}}))
	})
	if code, errw, took := w.pull(); code != exitUpstream || took > 2*time.Second || !strings.Contains(errw, "asks to wait until") {
		row.Violation("exit %d after %v\n%s", code, took, errw)
	}
	row.Done()
	// A storm passes.
	front := &chaos.Front{Share: 1, Most: 3, Faults: []chaos.Fault{chaos.Status(429, http.Header{"Retry-After": {"1"}})}}
	w = s.under(func(next http.Handler) http.Handler { front.Next = next; return front })
	if code, errw, took := w.pull(); code != 0 || took < 3*time.Second {
		row.Violation("exit %d after %v\n%s", code, took, errw)
	}
	row.Done()
}

// TestTokenWeather: what becomes of a run whose token is refused.
func TestTokenWeather(t *testing.T) {
	s := tell(t, tenant.Config{Seed: 24, Users: 120, Days: 5})
	only := func(path string) func(*http.Request) bool {
		return func(r *http.Request) bool { return r.URL.Path == path }
	}
	type weatherOfTokens struct {
		name   string
		server tenant.ServerOptions
		front  func(next http.Handler, server *tenant.Server) *chaos.Front
		config string
		flags  []string
		code   int
		says   string
		tokens int // requests for one
	}
	cases := []weatherOfTokens{
		{name: "forgotten in mid-run", tokens: 2, front: func(next http.Handler, server *tenant.Server) *chaos.Front {
			return &chaos.Front{Next: next, Share: 0.5, Most: 1, Only: chaos.LogPage, Faults: []chaos.Fault{{Name: "forget", Answer: func(c *chaos.Call) {
				server.RevokeTokens()
				next.ServeHTTP(c.W, c.R)
			}}}}
		}},
		{name: "refused for ever", code: exitAuth, says: "the token was refused", tokens: 2, front: func(next http.Handler, _ *tenant.Server) *chaos.Front {
			return chaos.Always(next, func(r *http.Request) bool { return r.URL.Path != tokens }, chaos.Status(401, nil))
		}},
		{name: "of no known end", tokens: 1, front: func(next http.Handler, _ *tenant.Server) *chaos.Front {
			return chaos.Always(next, only(tokens), chaos.Fault{Name: "expires_in 0", Answer: func(c *chaos.Call) {
				rec := httptest.NewRecorder()
				next.ServeHTTP(rec, c.R)
				var body map[string]any
				_ = json.Unmarshal(rec.Body.Bytes(), &body)
				body["expires_in"] = 0
				_ = json.NewEncoder(c.W).Encode(body)
			}})
		}},
		{name: "nobody gives one", code: exitUpstream, flags: []string{"--max-duration", "1500ms"}, says: "nothing could be read", tokens: -1, front: func(next http.Handler, _ *tenant.Server) *chaos.Front {
			return chaos.Always(next, only(tokens), chaos.Status(503, nil))
		}},
		{name: "for another audience", code: exitAuth, config: "auth0: {audience: \"https://other.example/api/v2/\"}\n", says: "audience https://other.example/api/v2/", tokens: 1},
		{name: "without the scope", code: exitAuth, server: tenant.ServerOptions{Scopes: []string{"read:users"}}, says: "read:logs", tokens: 1},
	}
	row := tier.Begin(t, "N3", tier.Size{Test: len(cases)})
	together(cases, func(c weatherOfTokens) {
		mine := *s
		mine.server = tenant.NewServer(s.world, c.server)
		var front *chaos.Front
		w := mine.under(func(next http.Handler) http.Handler {
			if front = (&chaos.Front{Next: next}); c.front != nil {
				front = c.front(next, mine.server)
			}
			return front
		})
		if c.config != "" {
			path := filepath.Join(t.TempDir(), "keyramp.yaml")
			if err := os.WriteFile(path, []byte(c.config), 0o600); err != nil {
				t.Fatal(err)
			}
			w.set("KEYRAMP_CONFIG", path)
		}
		code, errw, _ := w.pull(c.flags...)
		if code != c.code || !strings.Contains(errw, c.says) {
			row.Violation("%s: exit %d, want %d that says %q\n%s", c.name, code, c.code, c.says, errw)
		}
		if n := front.Requests(tokens); c.tokens >= 0 && n != c.tokens {
			row.Violation("%s: %d token requests, want %d", c.name, n, c.tokens)
		}
		if code == 0 && len(w.events()) < 2 {
			row.Violation("%s: nothing was read", c.name)
		}
		row.Done()
	})
}

// TestExpiredCheckpoint: what the tenant or the page no longer keeps is a gap with both
// ends, which ends the run with 8 unless a warning is enough, and the rest is read.
func TestExpiredCheckpoint(t *testing.T) {
	type expiry struct{ kind, onGap string }
	cases := []expiry{{"refused", "fail"}, {"refused", "warn"}, {"taken silently", "fail"}, {"of the page", "fail"}}
	row := tier.Begin(t, "N6", tier.Size{Test: len(cases)})
	together(cases, func(c expiry) {
		kind, onGap := c.kind, c.onGap
		s := tell(t, tenant.Config{Seed: 25, Users: 60, Days: 40, TreatmentEnroll: 0.5, LoginsPerUserDay: 0.5})
		early, late := s.world.Start().AddDate(0, 0, 2), s.world.Start().AddDate(0, 0, 39)
		s.server = tenant.NewServer(s.world, tenant.ServerOptions{})
		var old string // the cursor, once it has expired
		w := s.under(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if q := r.URL.Query(); kind == "taken silently" && old != "" && q.Get("from") == old {
					q.Set("from", "900"+late.AddDate(0, 0, -30).UTC().Format("20060102150405")+strings.Repeat("0", 39))
					r.URL.RawQuery = q.Encode()
				}
				next.ServeHTTP(rw, r)
			})
		})
		if kind == "of the page" {
			w.source = sourcePage
		}
		s.server.SetNow(early)
		if code, errw, _ := w.pull(); code != 0 {
			row.Violation("%s: exit %d\n%s", kind, code, errw)
			return
		}
		for _, r := range s.server.Requests() { // the last page was asked for from the cursor
			if r.Path == pagesOfLog {
				_, from, _ := strings.Cut(r.Query, "from=")
				old, _, _ = strings.Cut(from, "&")
			}
		}
		s.server.SetNow(late)
		code, errw, _ := w.pull("--on-gap", onGap)
		if want := map[string]int{"fail": exitData, "warn": 0}[onGap]; code != want || !strings.Contains(errw, "may be missing for ever") {
			row.Violation("%s, --on-gap %s: exit %d, want %d\n%s", kind, onGap, code, want, errw)
		}
		var status struct {
			Gaps []struct{ Source, From, Until string }
		}
		if err := json.Unmarshal([]byte(w.keyramp(0, "status", "--format", "json")), &status); err != nil || len(status.Gaps) != 1 {
			row.Violation("gaps %+v, error %v", status.Gaps, err)
			return
		}
		from, err1 := time.Parse(time.RFC3339, status.Gaps[0].From)
		until, err2 := time.Parse(time.RFC3339, status.Gaps[0].Until)
		// It begins with the watermark, a minute behind the first run's end, and ends with the oldest event kept.
		if err1 != nil || err2 != nil || !from.Equal(early.Add(-time.Minute).Truncate(time.Second)) || until.Before(late.AddDate(0, 0, -30).Add(-time.Minute)) || until.After(late.AddDate(0, 0, -30).Add(6*time.Hour)) {
			row.Violation("%s: gap %+v", kind, status.Gaps[0])
		}
		// It is told once: the next run goes on.
		if code, errw, _ := w.pull(); code != 0 || strings.Contains(errw, "missing") {
			row.Violation("%s: the run after: exit %d\n%s", kind, code, errw)
		}
		row.Done()
	})
}

// TestNobodyElseIsCalled: links and redirects to other places end the run with a status
// and a message, and no connection is made there.
func TestNobodyElseIsCalled(t *testing.T) {
	stranger, err := chaos.NewStranger()
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	s := tell(t, tenant.Config{Seed: 26, Users: 60, Days: 3})
	var front *chaos.Front
	w := s.under(func(next http.Handler) http.Handler { front = &chaos.Front{Next: next, Share: 1}; return front })
	home := ""
	for _, e := range w.env {
		if v, ok := strings.CutPrefix(e, "AUTH0_DOMAIN="); ok {
			home = v
		}
	}
	type trap struct {
		name  string
		only  func(*http.Request) bool
		fault chaos.Fault
	}
	var traps []trap
	for name, target := range chaos.Elsewhere(home, stranger, pagesOfLog, "?from=90020261101000000000000000000000000000000000000000000000&take=100") {
		traps = append(traps, trap{name, chaos.LogPage, chaos.Link(name, func(string) string { return "<" + target + `>; rel="next"` })})
	}
	slices.SortFunc(traps, func(a, b trap) int { return strings.Compare(a.name, b.name) })
	for _, path := range []string{tokens, pagesOfLog, "/api/v2/experimentation/experiments"} {
		for _, status := range []int{301, 302, 307, 308} {
			if path != tokens && path != pagesOfLog && status != 302 {
				continue
			}
			only := func(r *http.Request) bool { return r.URL.Path == path }
			traps = append(traps, trap{fmt.Sprint(status, " of ", path), only, chaos.Redirect(status, stranger.URL()+path)})
		}
	}
	row := tier.Begin(t, "N7", tier.Size{Test: 15, Chaos: len(traps)})
	step := max(1, len(traps)/row.Rounds())
	for i := 0; i < row.Rounds(); i++ {
		trap := traps[i*step]
		front.Only, front.Faults = trap.only, []chaos.Fault{trap.fault}
		_ = os.Remove(filepath.Join(w.store, "auth0.token")) // each run asks for its own
		code, errw, _ := w.pull()
		experiments := strings.HasSuffix(trap.name, "experiments") // a run does without them
		if code != exitConfig && code != exitUpstream && !experiments || strings.Contains(errw, "internal") || !strings.Contains(errw, "keyramp: ") {
			row.Violation("%s: exit %d\n%s", trap.name, code, errw)
		}
		row.Done()
	}
	if n := stranger.Connections(); n > 0 {
		row.Violation("%d connections to another listener", n)
	}
}

// TestSlowTenant: --max-duration ends a run whose tenant only seems to answer.
func TestSlowTenant(t *testing.T) {
	s := tell(t, tenant.Config{Seed: 27, Users: 120, Days: 5})
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() // it accepts, through its backlog, and says nothing
	type slow struct {
		name  string
		fault *chaos.Fault
		only  func(*http.Request) bool
		code  int
	}
	cases := []slow{
		{"a byte a second", &chaos.Drip, nil, exitUpstream},
		{"no header", ref(chaos.Hang(0)), nil, exitUpstream},
		{"a connection left open", &chaos.LeftOpen, nil, exitUpstream},
		{"nobody speaks", nil, nil, exitUpstream},
		{"slow in the middle", &chaos.Drip, chaos.LogPage, 0}, // something was read: a clean end
	}
	row := tier.Begin(t, "N8", tier.Size{Test: len(cases)})
	together(cases, func(c slow) {
		mine := *s
		w := mine.from("http://" + silent.Addr().String())
		if c.fault != nil {
			w = mine.under(func(next http.Handler) http.Handler { return chaos.Always(next, c.only, *c.fault) })
		}
		_, _, idle := w.pull("--max-duration", "1ns") // makes the store and ends
		const limit = 3 * time.Second
		code, errw, took := w.pull("--max-duration", limit.String())
		if code != c.code || took < limit || took > limit+idle+2*time.Second {
			row.Violation("%s: exit %d, want %d, after %v, and %v when there is no time at all\n%s", c.name, code, c.code, took, idle, errw)
		}
		row.Done()
	})
}

func ref[T any](v T) *T { return &v }

// TestOnlyReads runs everything that talks to a tenant or a page, in bad weather, with
// every way out watched: a proxy that all other hosts would be reached through, and the
// two servers themselves. Nothing leaves but GETs and the token's POST, each secret to
// the host that it is for.
func TestOnlyReads(t *testing.T) {
	row := tier.Begin(t, "S2", tier.Size{Test: 1, Chaos: 10})
	stranger, err := chaos.NewStranger()
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	for round := range row.Rounds() {
		s := tell(t, tenant.Config{Seed: 28, Users: 200, Days: 6})
		var mu sync.Mutex
		requests := map[string]int{}
		watch := func(name string, next http.Handler, allowed func(*http.Request) bool, foreign ...string) *httptest.Server {
			var srv *httptest.Server
			front := &chaos.Front{Next: next, Seed: uint64(round), Share: 0.15, Faults: chaos.Network(50 * time.Millisecond)}
			srv = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				text := fmt.Sprint(r.URL, r.Header, string(body))
				mu.Lock()
				requests[r.Method+" "+name]++
				mu.Unlock()
				if !allowed(r) || "http://"+r.Host != srv.URL || r.URL.IsAbs() || r.Method == "GET" && len(body) > 0 {
					row.Violation("%s was asked %s %s of %s", name, r.Method, r.URL, r.Host)
				}
				for _, secret := range foreign {
					if strings.Contains(text, secret) {
						row.Violation("%s %s of %s holds a secret that is not for it", r.Method, r.URL.Path, name)
					}
				}
				if strings.Contains(fmt.Sprint(r.URL, r.Header), s.server.ClientSecret) || strings.Contains(r.URL.String(), s.server.PageToken) {
					row.Violation("%s %s of %s holds a secret where logs keep it", r.Method, r.URL.Path, name)
				}
				front.ServeHTTP(rw, r)
			}))
			t.Cleanup(srv.Close)
			return srv
		}
		s.server.SetNow(s.world.End().Add(3 * time.Hour))
		home := watch("the tenant", s.server.Handler(), func(r *http.Request) bool {
			return r.Method == "GET" && strings.HasPrefix(r.URL.Path, "/api/v2/") || r.Method == "POST" && r.URL.Path == tokens
		}, s.server.PageToken)
		page := watch("the page", s.server.PageHandler(), func(r *http.Request) bool { return r.Method == "GET" }, s.server.ClientSecret, "eyJhbGci")
		w := s.from(home.URL)
		w.set("KEYRAMP_PAGE_URL", page.URL+"/v1/enrollment-events")
		for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
			w.set(name, stranger.URL())
		}
		for _, args := range [][]string{
			{"doctor"}, {"pull", "--rate", "0", "--since", w.since}, {"pull", "--rate", "0"}, {"status"}, {"rejects"},
			{"experiments", "list"}, {"report"}, {"decide"}, {"export", "daily", "--out", t.TempDir()}, {"query", "--views"}, {"version"},
		} {
			cmd := exec.Command("keyramp", append(args, "--store", w.store)...)
			cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, w.env...)
			cmd.Dir = t.TempDir()
			if out, err := cmd.CombinedOutput(); err != nil && args[0] != "doctor" { // it may warn or fail in bad weather
				t.Fatalf("keyramp %v: %v\n%s", args, err, out)
			}
		}
		if n := stranger.Connections(); n > 0 {
			row.Violation("%d connections to somewhere else", n)
		}
		if requests["POST the tenant"] == 0 || requests["GET the tenant"] < 20 || requests["GET the page"] == 0 {
			t.Fatalf("requests %v: nothing was watched", requests)
		}
		row.Done()
	}
}

// TestNothingIsQuoted: net/http tells the standard logger of bytes behind an answer, and
// quotes them. They are people's data.
func TestNothingIsQuoted(t *testing.T) {
	s := tell(t, tenant.Config{Seed: 29, Users: 200, Days: 6})
	front := &chaos.Front{Seed: 1, Share: 0.5, Most: 6, Only: chaos.LogPage, Faults: []chaos.Fault{chaos.ShortLength}}
	w := s.under(func(next http.Handler) http.Handler { front.Next = next; return front })
	cmd := exec.Command("keyramp", "pull", "-v", "--log-level", "debug", "--rate", "0", "--since", w.since, "--store", w.store)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, w.env...)
	out, err := cmd.CombinedOutput()
	if err != nil || front.Met("") < 6 {
		t.Fatalf("%d faults: %v\n%s", front.Met(""), err, out)
	}
	for _, person := range append(w.world.PII(), `"log_id`, `\"`, w.server.ClientSecret, w.server.PageToken) {
		if len(person) >= 2 && (len(person) >= 8 || person == `\"`) && bytes.Contains(out, []byte(person)) {
			t.Errorf("the run said %q", person)
		}
	}
}

// TestPrivateAuthority: a tenant with a certificate of an authority that the machine does
// not know is refused, and read when the machine is told of the authority.
func TestPrivateAuthority(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE is heeded on Linux")
	}
	row := tier.Begin(t, "N4", tier.Size{Test: 2})
	authority := chaos.NewAuthority(t)
	s := tell(t, tenant.Config{Seed: 30, Users: 60, Days: 3})
	s.server.SetNow(s.world.End().Add(3 * time.Hour))
	srv := httptest.NewUnstartedServer(s.server.Handler())
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{authority.Issue("127.0.0.1", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))}}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	w := s.from(srv.URL)
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, authority.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	pull := func(env ...string) (int, string) {
		cmd := exec.Command("keyramp", "pull", "auth0", "--rate", "0", "--since", w.since, "--store", w.store)
		cmd.Env = append(append([]string{"PATH=" + os.Getenv("PATH")}, w.env...), env...)
		out, _ := cmd.CombinedOutput()
		return cmd.ProcessState.ExitCode(), string(out)
	}
	if code, out := pull(); code != exitUpstream || !strings.Contains(out, "certificate") || len(s.server.Requests()) > 0 {
		row.Violation("exit %d, %d requests\n%s", code, len(s.server.Requests()), out)
	}
	row.Done()
	if code, out := pull("SSL_CERT_FILE=" + file); code != 0 {
		row.Violation("exit %d\n%s", code, out)
	}
	row.Done()
}

// TestOneWayOut: one client talks to the network, and nothing turns its checks of
// certificates off.
func TestOneWayOut(t *testing.T) {
	row := tier.Begin(t, "S2", tier.Size{Test: 1})
	defer row.Done()
	allowed := map[string][]string{
		"ingest/polite.go":      {"http.Client", "http.Transport", "net.Dialer", "http.NewRequestWithContext"},
		"ingest/auth0/token.go": {"http.Client"}, // whose transport is the one client
	}
	ways := []string{"http.Client", "http.Transport", "http.DefaultClient", "http.DefaultTransport", "http.Get", "http.Head", "http.Post", "http.PostForm",
		"http.NewRequest", "http.NewRequestWithContext", "net.Dial", "net.DialTimeout", "net.DialTCP", "net.DialUDP", "net.Dialer", "tls.Dial", "tls.Dialer", "tls.Client", "smtp.Dial", "rpc.Dial"}
	seen := map[string]bool{}
	for _, f := range goFiles(t) {
		if f.test || !strings.HasPrefix(f.room, "cmd/keyramp") && strings.HasPrefix(f.room, "cmd/") || strings.HasPrefix(f.room, "fixtures") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if n.Name == "InsecureSkipVerify" {
					row.Violation("%s turns the check of certificates off", f.path)
				}
			case *ast.SelectorExpr:
				pkg, ok := n.X.(*ast.Ident)
				if !ok {
					break
				}
				name := pkg.Name + "." + n.Sel.Name
				seen[f.path+" "+name] = true
				if slices.Contains(ways, name) && !slices.Contains(allowed[f.path], name) {
					row.Violation("%s uses %s: requests leave by ingest.Polite alone", f.path, name)
				}
			}
			return true
		})
	}
	for path, names := range allowed {
		for _, name := range names {
			if !seen[path+" "+name] {
				t.Errorf("%s does not use %s: the test looks in the wrong place", path, name)
			}
		}
	}
}
