package enrollment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"keyramp/fixtures/chaos"
	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
	"keyramp/ingest"
	"keyramp/queries/store"
)

const tokenText = "t0ken-canary"

// inMemory serves requests without a network, so that a test can run on a fake clock.
type inMemory func(http.ResponseWriter, *http.Request)

func (h inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	h(w, r)
	return w.Result(), nil
}

// A shelf is a page's API that keeps its events from the one at oldest on.
type shelf struct {
	n, oldest, limit int
	requests         []*http.Request
	before           func(w http.ResponseWriter, r *http.Request) bool
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests = append(s.requests, r)
	if s.before != nil && s.before(w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+tokenText {
		w.WriteHeader(401)
		return
	}
	i := s.oldest
	if c := r.URL.Query().Get("cursor"); c != "" {
		i, _ = strconv.Atoi(strings.TrimPrefix(c, "at/"))
		if i < s.oldest {
			w.WriteHeader(410)
			io.WriteString(w, `{"oldest_time":"1999-12-25T00:00:00Z"}`)
			return
		}
	}
	end := min(i+s.limit, s.n)
	var events []string
	for ; i < end; i++ {
		events = append(events, fmt.Sprintf(`{"id":"e%d","time":%q,"event":"shown","experiment_id":"e","variation_id":"v"}`, i,
			time.Date(1999, 12, 20, 0, 0, i, 0, time.UTC).Format(time.RFC3339)))
	}
	fmt.Fprintf(w, `{"events":[%s],"next_cursor":"at/%d","has_more":%v}`, strings.Join(events, ","), end, end < s.n)
}

func api(t testing.TB, h http.RoundTripper, from store.Cursor) *API {
	t.Helper()
	a, err := NewAPI(APIConfig{URL: "https://app.example/v1/enrollment-events", Token: ingest.NewSecret(tokenText), Manners: ingest.Manners{Transport: h}}, from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// drain reads until the end or an error and returns the ids.
func drain(t testing.TB, a *API) (ids []string, gaps []store.Gap, cur store.Cursor, err error) {
	t.Helper()
	var c ingest.Chunk
	for {
		err = a.Read(t.Context(), &c)
		for _, r := range c.Records {
			var e struct{ ID string }
			if json.Unmarshal(r.Raw, &e) != nil {
				t.Fatal("a record is not JSON")
			}
			ids = append(ids, e.ID)
		}
		if c.Gap != nil {
			gaps = append(gaps, *c.Gap)
		}
		if err != nil && err != io.EOF {
			return ids, gaps, cur, err
		}
		cur = c.Next
		if err == io.EOF {
			return ids, gaps, cur, nil
		}
	}
}

func TestAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{n: 1230, limit: 500}
		n := 0
		s.before = func(w http.ResponseWriter, r *http.Request) bool { // trouble on the way, each third time
			if n++; n%3 == 1 {
				switch n % 4 {
				case 0:
					w.Header().Set("Retry-After", "30")
					w.WriteHeader(429)
				case 1:
					io.WriteString(w, `{"events":[`)
				default:
					w.WriteHeader(503)
				}
			}
			return n%3 == 1
		}
		ids, gaps, cur, err := drain(t, api(t, inMemory(s.ServeHTTP), store.Cursor{}))
		if err != nil || len(gaps) > 0 || len(ids) != 1230 || ids[0] != "e0" || ids[1229] != "e1229" {
			t.Fatalf("%d events, gaps %v, error %v", len(ids), gaps, err)
		}
		want := store.Cursor{Source: "page:app.example", Position: "at/1230", Complete: true, At: time.Now().Truncate(time.Second).UnixMicro()}
		want.Watermark = want.At - settle.Microseconds()
		if cur != want {
			t.Errorf("cursor %+v, want %+v", cur, want)
		}
		s.n = 1235
		ids, _, cur, err = drain(t, api(t, inMemory(s.ServeHTTP), cur))
		if err != nil || len(ids) != 5 || cur.Position != "at/1235" {
			t.Errorf("%v, cursor %+v, error %v", ids, cur, err)
		}
		for _, r := range s.requests {
			if r.Method != "GET" || r.URL.Host != "app.example" || strings.Contains(r.URL.String(), tokenText) || r.URL.Query().Get("limit") != "500" {
				t.Errorf("%s %s", r.Method, r.URL)
			}
		}
	})
}

// TestAPIGone: what the page no longer keeps is a gap, and the rest is read.
func TestAPIGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{n: 100, oldest: 60, limit: 500}
		from := store.Cursor{Position: "at/20", Watermark: 945_000_000e6}
		ids, gaps, _, err := drain(t, api(t, inMemory(s.ServeHTTP), from))
		if err != nil || len(ids) != 40 {
			t.Fatalf("%d events, error %v", len(ids), err)
		}
		want := store.Gap{Source: "page:app.example", From: from.Watermark, Until: time.Date(1999, 12, 25, 0, 0, 0, 0, time.UTC).UnixMicro(), Noticed: time.Now().UnixMicro(), Position: "at/20"}
		if len(gaps) != 1 || gaps[0] != want {
			t.Errorf("gaps %+v, want %+v", gaps, want)
		}
	})
}

// TestAPIGoneOdd: a gap ends where it began or later, and not in the future, whatever the page says of its oldest event.
func TestAPIGoneOdd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UnixMicro()
		from := store.Cursor{Position: "at/20", Watermark: now - 3600e6}
		for oldest, until := range map[string]store.Micros{
			"1999-12-01T00:00:00Z": from.Watermark, // it keeps what was read, too
			"1999-12-31T23:30:00Z": now - 1800e6,
			"9000-01-01T00:00:00Z": now,
			"yesterday":            now,
		} {
			s := &shelf{n: 100, oldest: 60, limit: 500}
			s.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Get("cursor") != "at/20" {
					return false
				}
				w.WriteHeader(http.StatusGone)
				fmt.Fprintf(w, `{"oldest_time":%q}`, oldest)
				return true
			}
			_, gaps, _, err := drain(t, api(t, inMemory(s.ServeHTTP), from))
			if err != nil || len(gaps) != 1 || gaps[0].From != from.Watermark || gaps[0].Until != until {
				t.Errorf("%s: gaps %+v, want one until %d, error %v", oldest, gaps, until, err)
			}
		}
	})
}

// TestAPIGoneAndRefused: a gap behind which nothing was read is not told, since the next run meets it again.
func TestAPIGoneAndRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuses := func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			status := http.StatusUnauthorized
			if r.URL.Query().Get("cursor") != "" {
				status = http.StatusGone
			}
			w.WriteHeader(status)
			w.Write([]byte("{}"))
		}
		ids, gaps, _, err := drain(t, api(t, inMemory(refuses), store.Cursor{Position: "at/20", Watermark: 945_000_000e6}))
		if len(ids) != 0 || len(gaps) != 0 || !errors.Is(err, ingest.ErrAuth) {
			t.Errorf("gaps %+v, error %v", gaps, err)
		}
	})
}

// TestAPITrouble: errors say what to do, and nothing of the token or the body.
func TestAPITrouble(t *testing.T) {
	const canary = "pat@example.org"
	for name, c := range map[string]struct {
		status int
		body   string
		want   error
		says   string
	}{
		"401":                       {401, canary, ingest.ErrAuth, "bearer token"},
		"403":                       {403, canary, ingest.ErrAuth, "bearer token"},
		"404":                       {404, canary, ingest.ErrConfig, "URL"},
		"400":                       {400, canary, ingest.ErrUpstream, "cursor"},
		"410 without a cursor":      {410, canary, ingest.ErrUpstream, "contract"},
		"redirect":                  {302, "", ingest.ErrConfig, "redirect"},
		"500 for ever":              {500, canary, ingest.ErrUpstream, "500"},
		"HTML":                      {200, "<html>" + canary, ingest.ErrUpstream, "JSON"},
		"an array":                  {200, `["` + canary + `"]`, ingest.ErrUpstream, "next_cursor"},
		"no next cursor":            {200, `{"events":[],"has_more":false}`, ingest.ErrUpstream, "next_cursor"},
		"an endless cursor":         {200, `{"events":[],"has_more":false,"next_cursor":"` + strings.Repeat("x", 513) + `"}`, ingest.ErrUpstream, "512"},
		"more, but nothing moves":   {200, `{"events":[],"has_more":true,"next_cursor":""}`, ingest.ErrUpstream, "does not move"},
		"more events than any page": {200, `{"events":[` + strings.Repeat("{},", 1<<20) + `{}],"has_more":false,"next_cursor":"a"}`, ingest.ErrUpstream, "1000"},
		"the same cursor with data": {200, `{"events":[{}],"has_more":true,"next_cursor":"a"}`, ingest.ErrUpstream, "does not move"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, _, _, err := drain(t, api(t, inMemory(func(w http.ResponseWriter, r *http.Request) {
					w.WriteHeader(c.status)
					io.WriteString(w, c.body)
				}), store.Cursor{}))
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), tokenText) {
					t.Errorf("error %v, want %v that says %q", err, c.want, c.says)
				}
			})
		})
	}
	for _, c := range []APIConfig{
		{URL: "http://app.example/e", Token: ingest.NewSecret(tokenText)}, {URL: "https://app.example/e"}, {URL: "https://a@app.example/e", Token: ingest.NewSecret(tokenText)},
	} {
		if _, err := NewAPI(c, store.Cursor{}); !errors.Is(err, ingest.ErrConfig) || strings.Contains(err.Error(), tokenText) {
			t.Errorf("%s: %v", c.URL, err)
		}
	}
}

// TestAPICircle: cursors that come round end the run.
func TestAPICircle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		_, _, _, err := drain(t, api(t, inMemory(func(w http.ResponseWriter, r *http.Request) {
			n++
			fmt.Fprintf(w, `{"events":[{}],"has_more":true,"next_cursor":"c%d"}`, n%4)
		}), store.Cursor{}))
		if !errors.Is(err, ingest.ErrUpstream) || n > 40 {
			t.Errorf("%d requests, error %v", n, err)
		}
	})
}

// TestAPINothing: to say again and again that there is more, and to give nothing, ends the run.
func TestAPINothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		_, _, _, err := drain(t, api(t, inMemory(func(w http.ResponseWriter, r *http.Request) {
			n++
			fmt.Fprintf(w, `{"events":[],"has_more":true,"next_cursor":"c%d"}`, n)
		}), store.Cursor{}))
		if !errors.Is(err, ingest.ErrUpstream) || n != maxEmpty+1 {
			t.Errorf("%d requests, error %v", n, err)
		}
		// A few of them are no trouble.
		n = 0
		ids, _, _, err := drain(t, api(t, inMemory(func(w http.ResponseWriter, r *http.Request) {
			n++
			events := ""
			if n%50 == 0 {
				events = fmt.Sprintf(`{"id":"e%d"}`, n)
			}
			fmt.Fprintf(w, `{"events":[%s],"has_more":%v,"next_cursor":"c%d"}`, events, n < 500, n)
		}), store.Cursor{}))
		if err != nil || len(ids) != 10 {
			t.Errorf("%d events, error %v", len(ids), err)
		}
	})
}

// TestAPIChaos: three answers in ten are spoiled, and every event comes once.
func TestAPIChaos(t *testing.T) {
	row := tier.Begin(t, "N1", tier.Size{Test: 100, Chaos: 2000})
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{n: 10 * row.Rounds(), limit: 10}
		front := &chaos.Front{Next: s, Seed: 3, Share: 0.3, Faults: chaos.Network(0)}
		transport := ingest.NewTransport()
		transport.DialContext = chaos.Serve(t, front).Dial
		a, err := NewAPI(APIConfig{URL: "http://127.0.0.1/v1/enrollment-events", Token: ingest.NewSecret(tokenText), Manners: ingest.Manners{Transport: transport}}, store.Cursor{})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		ids, _, _, err := drain(t, a)
		if err != nil {
			row.Violation("%v", err)
		}
		for i, id := range ids {
			if id != fmt.Sprintf("e%d", i) {
				row.Violation("event %d is %s", i, id)
				break
			}
		}
		if len(ids) != s.n {
			row.Violation("%d of %d events", len(ids), s.n)
		}
		for range row.Rounds() {
			row.Done()
		}
		figure := float64(front.Requests("/v1/enrollment-events")) / float64(row.Rounds())
		row.Note("requests a page", fmt.Sprintf("%.2f with %d faults", figure, front.Met("")))
		if figure > 1.6 {
			row.Violation("%.2f requests a page", figure)
		}
	})
}

// TestAPIElsewhere: neither a redirect nor a cursor in the form of an address leads
// anywhere but to the page that was configured.
func TestAPIElsewhere(t *testing.T) {
	stranger, err := chaos.NewStranger()
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	var answer http.HandlerFunc
	var asked []*http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r)
		answer(w, r)
	}))
	defer srv.Close()
	const path = "/v1/enrollment-events"
	open := func() *API {
		a, err := NewAPI(APIConfig{URL: srv.URL + path, Token: ingest.NewSecret(tokenText)}, store.Cursor{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.Close() })
		return a
	}
	statuses := []int{300, 301, 302, 303, 305, 307, 308}
	cursors := chaos.Elsewhere(srv.URL, stranger, path, "?limit=500")
	row := tier.Begin(t, "N7", tier.Size{Test: len(statuses) + len(cursors)})
	for _, status := range statuses {
		answer = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, stranger.URL()+path, status) }
		if _, _, _, err := drain(t, open()); !errors.Is(err, ingest.ErrConfig) || !strings.Contains(err.Error(), "redirect") {
			row.Violation("%d: error %v", status, err)
		}
		row.Done()
	}
	for name, cursor := range cursors {
		if len(cursor) > maxCursor {
			cursor = cursor[:maxCursor]
		}
		more := true
		answer = func(w http.ResponseWriter, r *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]any{"events": []any{}, "next_cursor": cursor, "has_more": more})
			more = false
		}
		asked = nil
		_, _, _, err := drain(t, open())
		if err != nil || len(asked) != 2 || asked[1].URL.Path != path || asked[1].URL.Query().Get("cursor") != cursor {
			row.Violation("%s: %d requests, error %v", name, len(asked), err)
		}
		row.Done()
	}
	if n := stranger.Connections(); n > 0 {
		row.Violation("%d connections to another listener", n)
	}
}

// FuzzAnswer: whatever the page answers, there are records that are JSON and a cursor that
// can be stored, or an error that quotes nothing of it.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"events":[{"id":"e1","time":"2026-11-03T09:14:11Z"}],"next_cursor":"a","has_more":false}`, `{"events":null,"next_cursor":"","has_more":true}`,
		`{"events":{},"next_cursor":7}`, `{"events":[1,"x",null,[]],"next_cursor":"\u0000","has_more":false}`, `[`, `null`, `{"oldest_time":"2026-11-03T09:14:11Z"}`, strings.Repeat("[", 20_000),
	} {
		f.Add(200, []byte(s))
		f.Add(410, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			status = 200
		}
		a, err := NewAPI(APIConfig{URL: "https://app.example/v1", Token: ingest.NewSecret(tokenText), Manners: ingest.Manners{MaxElapsed: time.Nanosecond,
			Transport: inMemory(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(status)
				w.Write(body)
			})}}, store.Cursor{Position: "at"})
		if err != nil {
			t.Fatal(err)
		}
		var c ingest.Chunk
		err = a.Read(t.Context(), &c)
		if err != nil && err != io.EOF {
			if len(err.Error()) > 300 || len(c.Records) > 0 {
				t.Errorf("%d records beside %v", len(c.Records), err)
			}
			return
		}
		if len(c.Next.Position) > maxCursor || len(c.Records) > ingest.MaxElements || c.Next.Complete != (err == io.EOF) {
			t.Errorf("%d records, cursor %+v, error %v", len(c.Records), c.Next, err)
		}
		for _, r := range c.Records {
			if !json.Valid(r.Raw) {
				t.Errorf("record %q", r.Raw)
			}
		}
	})
}

// TestAPITenant reads a simulated page over HTTP.
func TestAPITenant(t *testing.T) {
	w := tenant.New(tenant.Config{Users: 2000, Days: 6, PageUserIDs: true})
	s := tenant.NewServer(w, tenant.ServerOptions{PageRetention: 4 * 24 * time.Hour})
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	open := func(from store.Cursor) *API {
		a, err := NewAPI(APIConfig{URL: s.PageURL(), Token: ingest.NewSecret(s.PageToken)}, from)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	end := s.Now()
	s.SetNow(end.AddDate(0, 0, -4))
	a := open(store.Cursor{})
	first, gaps, cur, err := drain(t, a)
	a.Close()
	if err != nil || len(gaps) > 0 || len(first) == 0 {
		t.Fatalf("%d events, gaps %v, error %v", len(first), gaps, err)
	}
	s.SetNow(end.Add(24 * time.Hour)) // a day is lost
	a = open(cur)
	rest, gaps, _, err := drain(t, a)
	a.Close()
	if err != nil || len(gaps) != 1 || len(rest) == 0 || len(first)+len(rest) >= w.PageLen() {
		t.Fatalf("%d + %d of %d events, gaps %v, error %v", len(first), len(rest), w.PageLen(), gaps, err)
	}
	if g := gaps[0]; g.From != cur.Watermark || g.Until != end.AddDate(0, 0, -3).UnixMicro() {
		t.Errorf("gap %+v", g)
	}
}

// TestAgain: pages that were read before are read again by the cursors that places name; what is gone is not among them.
func TestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{n: 1200, limit: 500}
		a := api(t, inMemory(s.ServeHTTP), store.Cursor{})
		at := func(page string) store.Reject {
			return store.Reject{Place: ingest.Place{Page: page, Item: 3}.String()}
		}
		read := func(rejects ...store.Reject) (places []string) {
			src := a.Again(rejects)
			for {
				var c ingest.Chunk
				err := src.Read(t.Context(), &c)
				for _, r := range c.Records {
					places = append(places, r.Place.String())
				}
				if err == io.EOF {
					return places
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		got := read(at("the start"), at("at/500"), at("at/500"))
		if len(got) != 1000 || got[2] != "page after the start, item 3" || got[502] != "page after at/500, item 3" {
			t.Errorf("%d records, the third of each page at %q and %q", len(got), got[2], got[502])
		}
		s.oldest = 600
		if got := read(at("at/500")); len(got) != 0 {
			t.Errorf("%d records of a page that is gone", len(got))
		}
	})
}
