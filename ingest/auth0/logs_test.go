package auth0

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"keyramp/fixtures/chaos"
	"keyramp/fixtures/tier"
	"keyramp/ingest"
	"keyramp/queries/store"
)

// start is when the worlds of these tests begin: before synctest's clock,
// which starts at the beginning of the year 2000.
var start = time.Date(1999, 12, 20, 0, 0, 0, 0, time.UTC)

// minutely is a tape with n events a minute apart.
func minutely(n int) *tape {
	p := newTape()
	for i := range n {
		p.add(start.Add(time.Duration(i)*time.Minute), 2*time.Second)
	}
	return p
}

func at(p *tape, i int) store.Cursor {
	return store.Cursor{Position: p.ids[i], Watermark: p.dates[i].UnixMicro()}
}

// TestTroubles has a row for each trouble that public exporters had with this
// API and that concerns reading it.
func TestTroubles(t *testing.T) {
	for name, test := range map[string]func(t *testing.T){
		"05 the same range is read for ever after 429s and a pause":               trouble05,
		"06 a page whose last event is not the newest":                            trouble06,
		"07 an error object is not taken for events":                              trouble07,
		"08 events that share a millisecond, and late ones":                       trouble08,
		"09 more than the thousand results of a search":                           trouble09,
		"10 the cursor does not pass what was not handed over":                    trouble10,
		"11 the cursor moves although no event of the page can be used":           trouble11,
		"12 an export that stops says so":                                         trouble12,
		"13 an expired checkpoint leaves a gap":                                   trouble13,
		"14 ids are text, and a run goes on until the log is empty":               trouble14,
		"17 one token serves many runs":                                           trouble17,
		"18 a token without the new scope is not kept, and is renewed in advance": trouble18,
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
}

func trouble05(t *testing.T) {
	p := minutely(250)
	n := 0
	p.before = func(w http.ResponseWriter, r *http.Request) bool {
		n++
		if n%3 == 0 {
			w.Header().Set("X-RateLimit-Remaining", "0")
			answer(w, 429, "too_many_requests", "Global limit has been reached")
		}
		return n%3 == 0
	}
	c := client(t, p)
	got := pull(t, c, store.Cursor{}, start)
	if got.err != nil {
		t.Fatal(got.err)
	}
	same(t, got.ids, p.ids)
	time.Sleep(60 * time.Hour) // a weekend
	more := pull(t, c, got.cursor, time.Time{})
	if more.err != nil || len(more.ids) > 0 || len(more.gaps) > 0 {
		t.Errorf("after the pause: %d events again, gaps %v, error %v", len(more.ids), more.gaps, more.err)
	}

	for name, link := range map[string]func(p *tape) func(string) string{
		"to itself": func(p *tape) func(string) string {
			return func(string) string {
				return "<https://" + host + "/api/v2/logs?take=100&from=" + p.ids[7] + ">; rel=next"
			}
		},
		"in a circle of three": func(p *tape) func(string) string {
			i := 0
			return func(string) string {
				i++
				return "<https://" + host + "/api/v2/logs?take=100&from=" + p.ids[i%3] + ">; rel=next"
			}
		},
	} {
		p := minutely(250)
		p.link = link(p)
		got := pull(t, client(t, p), at(p, 0), time.Time{})
		if !errors.Is(got.err, ErrUpstream) || p.asked(logsPath) > 20 {
			t.Errorf("next %s: %d requests, error %v", name, p.asked(logsPath), got.err)
		}
	}
}

func trouble06(t *testing.T) {
	p := newTape()
	p.pageSize = 3
	now := start
	for i := range 12 { // every third event comes five seconds late
		p.add(now.Add(time.Duration(i)*time.Second), time.Duration(i%3)*5*time.Second/2)
	}
	got := pull(t, client(t, p), store.Cursor{}, start)
	if got.err != nil {
		t.Fatal(got.err)
	}
	same(t, got.ids, p.ids)
	if last := p.ids[len(p.ids)-1]; got.cursor.Position != last {
		t.Errorf("the cursor is %s, want the last in page order %s", got.cursor.Position, last)
	}
}

func trouble07(t *testing.T) {
	p := minutely(5)
	p.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != logsPath {
			return false
		}
		io.WriteString(w, `{"statusCode":200,"error":"odd","message":"pat@example.org"}`)
		return true
	}
	got := pull(t, client(t, p), store.Cursor{}, start)
	if !errors.Is(got.err, ErrUpstream) || len(got.ids) > 0 || strings.Contains(got.err.Error(), "@") {
		t.Errorf("%d events, error %v", len(got.ids), got.err)
	}
	p.before = nil
	if got = pull(t, client(t, p), store.Cursor{}, start.Add(2*time.Minute)); got.err != nil {
		t.Fatal(got.err)
	}
	// The search begins ten minutes early, so that nothing after since is missed.
	same(t, got.ids, p.ids)
}

func trouble08(t *testing.T) {
	p := newTape()
	p.pageSize = 4
	for range 10 {
		p.add(start, time.Second)
	}
	// Ingested half an hour late: an old date behind a new id.
	p.add(start.Add(time.Hour), time.Second)
	late := p.add(start.Add(31*time.Minute), 30*time.Minute)
	c := client(t, p)
	got := pull(t, c, store.Cursor{}, start)
	if got.err != nil {
		t.Fatal(got.err)
	}
	same(t, got.ids, p.ids)
	after := p.add(start.Add(20*time.Minute), 2*time.Hour)
	more := pull(t, c, got.cursor, time.Time{})
	if more.err != nil {
		t.Fatal(more.err)
	}
	same(t, more.ids, []string{after})
	if late == after {
		t.Fatal("the test's ids are not distinct")
	}
}

func trouble09(t *testing.T) {
	p := minutely(2345)
	got := pull(t, client(t, p), store.Cursor{}, start)
	if got.err != nil {
		t.Fatal(got.err)
	}
	same(t, got.ids, p.ids)
}

func trouble10(t *testing.T) {
	p := minutely(250)
	pages := 0
	p.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("from") {
			pages++
		}
		if pages < 3 {
			return false
		}
		answer(w, 500, "internal", "oops")
		return true
	}
	c := client(t, p)
	first := pull(t, c, store.Cursor{}, start)
	if !errors.Is(first.err, ErrUpstream) || len(first.ids) != 201 || first.cursor.Position != p.ids[200] || first.cursor.Complete {
		t.Fatalf("%d events, cursor %+v, error %v", len(first.ids), first.cursor, first.err)
	}
	p.before = nil
	second := pull(t, c, first.cursor, time.Time{})
	if second.err != nil {
		t.Fatal(second.err)
	}
	same(t, append(first.ids, second.ids...), p.ids)
}

func trouble11(t *testing.T) {
	p := newTape()
	for i := range 150 {
		date := start.Add(time.Duration(i) * time.Minute)
		p.raw(logID(date, i), date, []string{`17`, `null`, `"text"`, `[]`, `{}`, `{"log_id":5}`, `{"type":[{"a":"]}"}]}`}[i%7])
	}
	c := client(t, p)
	logs, err := c.Logs(store.Cursor{Position: logID(start.Add(-time.Minute), 0), Watermark: start.UnixMicro()}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	var chunk ingest.Chunk
	records := 0
	for err == nil {
		err = logs.Read(t.Context(), &chunk)
		records += len(chunk.Records)
	}
	if err != io.EOF || records != 150 || chunk.Next.Position != p.ids[149] || !chunk.Next.Complete {
		t.Errorf("%d records, cursor %+v, error %v", records, chunk.Next, err)
	}
}

func trouble12(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		code   string
		want   error
		says   string
	}{
		"500":                  {500, "", ErrUpstream, "500"},
		"403 insufficient":     {403, "insufficient_scope", ErrAuth, "read:logs"},
		"403 without a reason": {403, "", ErrAuth, "read:logs"},
		"404":                  {404, "", ErrConfig, "domain"},
		"414":                  {414, "", ErrUpstream, "414"},
	} {
		p := minutely(5)
		p.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == logsPath {
				answer(w, c.status, c.code, "Insufficient scope, expected any of: read:logs,read:logs_users; pat@example.org")
			}
			return r.URL.Path == logsPath
		}
		got := pull(t, client(t, p), at(p, 0), time.Time{})
		if !errors.Is(got.err, c.want) || !strings.Contains(got.err.Error(), c.says) || strings.Contains(got.err.Error(), "@") {
			t.Errorf("%s: %v", name, got.err)
		}
	}
	// The watermark tells how far behind the export is, by the tenant's clock.
	p := minutely(5)
	got := pull(t, client(t, p), at(p, 0), time.Time{})
	if want := time.Now().Truncate(time.Second).Add(-settle).UnixMicro(); got.err != nil || got.cursor.Watermark != want || !got.cursor.Complete {
		t.Errorf("cursor %+v, error %v", got.cursor, got.err)
	}
}

func trouble13(t *testing.T) {
	p := minutely(400)
	old := at(p, 10)
	p.kept = 200
	c := client(t, p)
	got := pull(t, c, old, time.Time{})
	if got.err != nil {
		t.Fatal(got.err)
	}
	same(t, got.ids, p.ids[200:])
	want := store.Gap{Source: "auth0:" + host, From: old.Watermark, Until: p.dates[200].UnixMicro(), Noticed: time.Now().UnixMicro(), Position: old.Position}
	if len(got.gaps) != 1 || got.gaps[0] != want {
		t.Errorf("gaps %+v, want %+v", got.gaps, want)
	}

	// Everything has expired: the gap reaches to now, and the next run searches.
	p.kept = 400
	got = pull(t, c, old, time.Time{})
	if got.err != nil || len(got.ids) > 0 || len(got.gaps) != 1 || got.gaps[0].Until != time.Now().UnixMicro() || got.cursor.Position != "" {
		t.Errorf("all gone: %+v", got)
	}
	time.Sleep(time.Hour)
	fresh := p.add(time.Now(), time.Second)
	got = pull(t, c, got.cursor, time.Time{})
	if got.err != nil {
		t.Fatal(got.err)
	}
	same(t, got.ids, []string{fresh})

	// A tenant that takes the expired checkpoint and begins at its oldest.
	p = minutely(400)
	p.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("from") == old.Position {
			r.URL.RawQuery = "from=" + p.ids[199] + "&take=100"
		}
		return false
	}
	p.kept = 200
	got = pull(t, client(t, p), old, time.Time{})
	if got.err != nil {
		t.Fatal(got.err)
	}
	same(t, got.ids, p.ids[200:])
	if len(got.gaps) != 1 || got.gaps[0].From != old.Watermark || got.gaps[0].Until != p.dates[200].UnixMicro() {
		t.Errorf("silently: gaps %+v", got.gaps)
	}

	// A gap behind which nothing could be read is not told, since the next run meets it again.
	p = minutely(400)
	p.kept = 200
	p.before = func(w http.ResponseWriter, r *http.Request) bool {
		searches := r.URL.Path == logsPath && !r.URL.Query().Has("from")
		if searches {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`[{"date":"1999-12-30T00:00:00.000Z","type":"s"}]`))
		}
		return searches
	}
	got = pull(t, client(t, p), old, time.Time{})
	if !errors.Is(got.err, ErrUpstream) || len(got.gaps) > 0 {
		t.Errorf("a gap and no ids: gaps %v, error %v", got.gaps, got.err)
	}

	// A 400 for another reason is not a gap.
	p = minutely(400)
	p.before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("take") {
			answer(w, 400, "invalid_query_string", "take is out of fashion")
		}
		return r.URL.Query().Has("take")
	}
	got = pull(t, client(t, p), old, time.Time{})
	if !errors.Is(got.err, ErrUpstream) || len(got.gaps) > 0 || !strings.Contains(got.err.Error(), "invalid_query_string") {
		t.Errorf("another 400: gaps %v, error %v", got.gaps, got.err)
	}
}

func trouble14(t *testing.T) {
	p := newTape()
	p.pageSize = 1000 // so that the test is quick
	for i := range 41_000 {
		date := start.Add(time.Duration(i) * time.Millisecond)
		id := logID(date, i)
		p.ids, p.dates = append(p.ids, id), append(p.dates, date)
		p.events = append(p.events, `{"log_id":"`+id+`"}`)
	}
	got := pull(t, client(t, p), at(p, 0), time.Time{})
	if got.err != nil {
		t.Fatal(got.err)
	}
	same(t, got.ids, p.ids[1:])
	if len(got.cursor.Position) != 56 {
		t.Errorf("cursor %q", got.cursor.Position)
	}
}

// TestFirstRun finds where to begin.
func TestFirstRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTape()
		c := client(t, p)
		if _, err := c.Logs(store.Cursor{}, time.Time{}); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "--since") {
			t.Errorf("without since: %v", err)
		}
		logs, err := c.Logs(store.Cursor{}, start)
		if err != nil {
			t.Fatal(err)
		}
		var chunk ingest.Chunk
		if err := logs.Read(t.Context(), &chunk); err != io.EOF || chunk.Next.Position != "" || !chunk.Next.Complete || logs.Note() == "" {
			t.Errorf("nothing there: %+v, error %v, note %q", chunk, err, logs.Note())
		}

		// The event with the oldest date is logged after one that is newer.
		p.add(start.Add(-time.Hour), time.Second) // before since, and early enough to be left out
		p.add(start, 5*time.Second)
		p.add(start.Add(time.Second), time.Second)
		got := pull(t, c, store.Cursor{}, start)
		if got.err != nil {
			t.Fatal(got.err)
		}
		same(t, got.ids, p.ids[1:])
	})
}

// TestPolling reads again after the end, as a run that waits would.
func TestPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := minutely(3)
		logs, err := client(t, p).Logs(at(p, 2), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		defer logs.Close()
		var chunk ingest.Chunk
		for round := range 3 {
			if err := logs.Read(t.Context(), &chunk); err != io.EOF || len(chunk.Records) != 0 {
				t.Fatalf("round %d: %d records, error %v", round, len(chunk.Records), err)
			}
			fresh := p.add(time.Now(), time.Second)
			if err := logs.Read(t.Context(), &chunk); err != nil || len(chunk.Records) != 1 || chunk.Next.Position != fresh {
				t.Fatalf("round %d: %+v, error %v", round, chunk, err)
			}
		}
	})
}

// TestDamagedPages: whatever is wrong with one answer, the next try has all.
func TestDamagedPages(t *testing.T) {
	whole := `[{"log_id":"1"},{"log_id":"2"}]`
	damages := []string{"", " ", "<html><body>Sorry</body></html>", "{}", "null", "[", "[{", "[1,", "[1 2]", "[,]", "[1,]", "[]]", `["`, `[{"a":"\"}]`, "[] x"}
	for i := range len(whole) {
		damages = append(damages, whole[:i])
	}
	synctest.Test(t, func(t *testing.T) {
		for _, damage := range damages {
			p := minutely(120)
			n := 0
			p.before = func(w http.ResponseWriter, r *http.Request) bool {
				if !r.URL.Query().Has("from") {
					return false
				}
				if n++; n%2 == 1 {
					io.WriteString(w, damage)
				}
				return n%2 == 1
			}
			got := pull(t, client(t, p), at(p, 0), time.Time{})
			if got.err != nil {
				t.Fatalf("%q: %v", damage, got.err)
			}
			same(t, got.ids, p.ids[1:])
		}
	})
}

// TestEndOfRun: a run that is cut ends with its context's error, whether the
// next page is on its way or the tenant has asked to wait.
func TestEndOfRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := minutely(1000)
		p.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Has("from") {
				w.Header().Set("X-RateLimit-Remaining", "0")
				w.Header().Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(10*time.Second).Unix()))
			}
			return false
		}
		ctx, cancel := context.WithTimeout(t.Context(), 35*time.Second)
		defer cancel()
		began := time.Now()
		got := pullContext(t, ctx, client(t, p), at(p, 0), time.Time{})
		if !errors.Is(got.err, context.DeadlineExceeded) || errors.Is(got.err, ErrUpstream) || time.Since(began) != 35*time.Second {
			t.Errorf("after %v: %v", time.Since(began), got.err)
		}
		if len(got.ids) != 400 || got.cursor.Position != p.ids[400] {
			t.Errorf("%d events, cursor %s", len(got.ids), got.cursor.Position)
		}
	})
}

// TestMethods: nothing but GET and the token's POST leaves, to one host.
func TestMethods(t *testing.T) {
	row := tier.Begin(t, "S2", tier.Size{Test: 1})
	defer row.Done()
	synctest.Test(t, func(t *testing.T) {
		p := minutely(250)
		c := client(t, p)
		if got := pull(t, c, store.Cursor{}, start); got.err != nil {
			t.Fatal(got.err)
		}
		c.Experiments(t.Context(), nil)
		for _, r := range p.requests {
			post := r.Method == http.MethodPost && r.URL.Path == tokenPath
			if r.Method != http.MethodGet && !post || r.URL.Host != host || r.URL.Scheme != "https" {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			if post && (r.Header.Get("Authorization") != "" || strings.Contains(r.URL.String(), secretText)) {
				t.Error("the secret or a token is in the wrong part of the token request")
			}
		}
		if p.asked(tokenPath) != 1 {
			t.Errorf("%d token requests", p.asked(tokenPath))
		}
	})
}

// TestHostileLinks: no next page but at the configured place is asked for, and no
// connection is made to anywhere else, so that no token can go there.
func TestHostileLinks(t *testing.T) {
	stranger, err := chaos.NewStranger()
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	p := minutely(250)
	var fault chaos.Fault
	front := chaos.Always(p, chaos.LogPage, chaos.Fault{Name: "hostile", Answer: func(c *chaos.Call) { fault.Answer(c) }})
	srv := httptest.NewServer(front)
	defer srv.Close()
	targets := chaos.Elsewhere(srv.URL, stranger, logsPath, "?from="+p.ids[100]+"&take=100")
	row := tier.Begin(t, "N7", tier.Size{Test: len(targets)})
	for name, target := range targets {
		t.Run(name, func(t *testing.T) {
			fault = chaos.Link(name, func(string) string { return "<" + target + `>; rel="next"` })
			before := p.asked(logsPath)
			c := client(t, nil, func(c *Config) { c.Domain = srv.URL })
			got := pull(t, c, at(p, 0), time.Time{})
			if !errors.Is(got.err, ErrConfig) && !errors.Is(got.err, ErrUpstream) || len(got.ids) > 0 {
				t.Errorf("%d events, error %v", len(got.ids), got.err)
			}
			if n := p.asked(logsPath) - before; n != 1 {
				t.Errorf("%d requests for pages, want 1", n)
			}
			row.Done()
		})
	}
	if n := stranger.Connections(); n > 0 {
		row.Violation("%d connections to another listener", n)
	}
}

// TestRedirects: no redirect is followed, of no request, to no place.
func TestRedirects(t *testing.T) {
	stranger, err := chaos.NewStranger()
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	p := minutely(250)
	var fault chaos.Fault
	var path string
	front := chaos.Always(p, func(r *http.Request) bool { return r.URL.Path == path },
		chaos.Fault{Name: "redirect", Answer: func(c *chaos.Call) { fault.Answer(c) }})
	srv := httptest.NewServer(front)
	defer srv.Close()
	statuses := []int{300, 301, 302, 303, 305, 307, 308}
	targets := []string{stranger.URL() + logsPath, "//127.0.0.1:" + stranger.Port + "/", srv.URL + "/elsewhere", "file:///etc/passwd"}
	paths := []string{logsPath, tokenPath, experimentsPath}
	row := tier.Begin(t, "N7", tier.Size{Test: len(statuses) * len(targets) * len(paths)})
	for _, path = range paths {
		for _, status := range statuses {
			for _, target := range targets {
				fault = chaos.Redirect(status, target)
				before := front.Requests(path)
				c := client(t, nil, func(c *Config) { c.Domain = srv.URL })
				_, err := c.Experiments(t.Context(), nil)
				if err == nil || path == logsPath {
					err = pull(t, c, at(p, 0), time.Time{}).err
				}
				if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "redirect") {
					row.Violation("%s answered %d to %s: error %v", path, status, target, err)
				}
				if n := front.Requests(path) - before; n != 1 || front.Requests("/elsewhere") > 0 {
					row.Violation("%s answered %d to %s: asked %d times, elsewhere %d times", path, status, target, n, front.Requests("/elsewhere"))
				}
				row.Done()
			}
		}
	}
	if n := stranger.Connections(); n > 0 {
		row.Violation("%d connections to another listener", n)
	}
}

// TestFriendlyLinks: forms of the header that all name the same next page.
func TestFriendlyLinks(t *testing.T) {
	for name, form := range map[string]string{
		"plain":                   `<https://` + host + `/api/v2/logs?from=%s&take=100>; rel="next"`,
		"unquoted":                `<https://` + host + `/api/v2/logs?from=%s&take=100>; rel=next`,
		"with the port":           `<https://` + host + `:443/api/v2/logs?from=%s&take=100>; rel=next`,
		"upper case host":         `<https://ACME.EU.AUTH0.COM/api/v2/logs?from=%s&take=100>; REL="Next"`,
		"only a path":             `</api/v2/logs?from=%s&take=100>; rel="next"`,
		"several relations":       `<https://a.example/>; rel="first", <https://` + host + `/api/v2/logs?from=%s&take=100>; title="a, b; rel=prev"; rel="last next"`,
		"no link":                 ``,
		"another relation only":   `<https://a.example/>; rel="prev"`,
		"a relation named within": `<https://a.example/>; title="rel=next"`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := minutely(250)
				p.link = func(next string) string { return strings.ReplaceAll(form, "%s", next) }
				got := pull(t, client(t, p), at(p, 0), time.Time{})
				if got.err != nil {
					t.Fatal(got.err)
				}
				same(t, got.ids, p.ids[1:])
			})
		})
	}
}
