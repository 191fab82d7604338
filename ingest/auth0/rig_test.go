package auth0

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"keyramp/ingest"
	"keyramp/queries/store"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // as the command does: net/http quotes odd answers there
	goleak.VerifyTestMain(m)
}

const host = "acme.eu.auth0.com"

// A tape is a tenant in memory whose log a test writes down by hand. It speaks
// checkpoint paging and the search by date, without a network, so that tests
// may run on a fake clock.
type tape struct {
	mu       sync.Mutex
	events   []string // raw, in the order of log_id
	ids      []string
	dates    []time.Time
	kept     int // events before this one have expired
	pageSize int // 0 = as asked
	scopes   string
	ttl      int // seconds

	// before sees every request first and may answer it.
	before func(w http.ResponseWriter, r *http.Request) bool
	// after may change the headers of a checkpoint page.
	link func(next string) string

	valid    map[string]bool // tokens
	issued   int
	requests []*http.Request
	bodies   []string // of the token requests
}

func newTape() *tape {
	return &tape{scopes: "read:logs read:experimentation", ttl: 86400, valid: map[string]bool{}}
}

// logID is an id as Auth0 makes them: 56 digits that begin with the time.
func logID(t time.Time, n int) string {
	return "900" + t.UTC().Format("20060102150405") + fmt.Sprintf("%03d", t.Nanosecond()/1e6) + fmt.Sprintf("%036d", n)
}

// add logs an event dated at date, late after it.
func (p *tape) add(date time.Time, late time.Duration) string {
	id := logID(date.Add(late), len(p.ids))
	p.raw(id, date, fmt.Sprintf(`{"date":%q,"type":"s","user_id":"auth0|x","log_id":%q}`, date.UTC().Format("2006-01-02T15:04:05.000Z"), id))
	return id
}

func (p *tape) raw(id string, date time.Time, event string) {
	at := len(p.ids)
	for at > 0 && below(id, p.ids[at-1]) {
		at--
	}
	p.ids = append(p.ids[:at], append([]string{id}, p.ids[at:]...)...)
	p.dates = append(p.dates[:at], append([]time.Time{date}, p.dates[at:]...)...)
	p.events = append(p.events[:at], append([]string{event}, p.events[at:]...)...)
}

// RoundTrip answers without a network.
func (p *tape) RoundTrip(r *http.Request) (*http.Response, error) { return overHandler{p}.RoundTrip(r) }

// overHandler hands requests to a handler without a network; a panic is a reset.
type overHandler struct{ http.Handler }

func (h overHandler) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	defer func() {
		if recover() != nil {
			resp, err = nil, errors.New("connection reset by peer")
		}
	}()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

func (p *tape) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r)
	if p.before != nil && p.before(w, r) {
		return
	}
	if r.URL.Path == tokenPath {
		body, _ := io.ReadAll(r.Body)
		p.bodies = append(p.bodies, string(body))
		p.issued++
		token := "t0ken-" + strconv.Itoa(p.issued)
		p.valid[token] = true
		fmt.Fprintf(w, `{"access_token":%q,"expires_in":%d,"scope":%q,"token_type":"Bearer"}`, token, p.ttl, p.scopes)
		return
	}
	if !p.valid[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] {
		answer(w, 401, "invalid_token", "Invalid token")
		return
	}
	q := r.URL.Query()
	if !q.Has("from") {
		p.search(w, q.Get("q"))
		return
	}
	from := q.Get("from")
	i := 0
	for i < len(p.ids) && !below(from, p.ids[i]) {
		i++
	}
	if i < p.kept {
		answer(w, 400, "invalid_query_string", "The checkpoint is unknown")
		return
	}
	size, _ := strconv.Atoi(q.Get("take"))
	if p.pageSize > 0 {
		size = p.pageSize
	}
	end := min(i+size, len(p.ids))
	next := from
	if end > i {
		next = p.ids[end-1]
	}
	link := fmt.Sprintf(`<https://%s/api/v2/logs?from=%s&take=100>; rel="next"`, r.URL.Host, next)
	if r.URL.Scheme == "" { // over a real network
		link = fmt.Sprintf(`<http://%s/api/v2/logs?from=%s&take=100>; rel="next"`, r.Host, next)
	}
	if p.link != nil {
		link = p.link(next)
	}
	if link != "" {
		w.Header().Set("Link", link)
	}
	io.WriteString(w, "["+strings.Join(p.events[i:end], ",")+"]")
}

func (p *tape) search(w http.ResponseWriter, q string) {
	since := time.Time{}
	if q != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, strings.TrimSuffix(strings.TrimPrefix(q, "date:["), " TO *]")); err != nil {
			answer(w, 400, "invalid_query_string", "bad q")
			return
		}
	}
	// By date, which is not the order of the log.
	var order []int
	for i := p.kept; i < len(p.ids); i++ {
		if p.dates[i].Before(since) {
			continue
		}
		at := len(order)
		for at > 0 && p.dates[i].Before(p.dates[order[at-1]]) {
			at--
		}
		order = append(order[:at], append([]int{i}, order[at:]...)...)
	}
	var found []string
	for _, i := range order[:min(100, len(order))] {
		found = append(found, p.events[i])
	}
	io.WriteString(w, "["+strings.Join(found, ",")+"]")
}

func answer(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"statusCode": status, "error": http.StatusText(status), "message": message, "errorCode": code})
}

// asked counts the requests for a path.
func (p *tape) asked(path string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.requests {
		if r.URL.Path == path {
			n++
		}
	}
	return n
}

const secretText = "s3cret-canary"

func client(t *testing.T, transport http.RoundTripper, change ...func(*Config)) *Client {
	t.Helper()
	config := Config{Domain: host, ClientID: "poller", Secret: ingest.NewSecret(secretText),
		Manners: ingest.Manners{Transport: transport}}
	for _, f := range change {
		f(&config)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// pulled is what a run over the log gave.
type pulled struct {
	ids    []string
	pages  int // answers, the last empty one too
	cursor store.Cursor
	gaps   []store.Gap
	err    error // nil when the source had nothing more
}

// pull reads as the pump does, until the end or an error.
func pull(t *testing.T, c *Client, from store.Cursor, since time.Time) (p pulled) {
	t.Helper()
	return pullContext(t, t.Context(), c, from, since)
}

func pullContext(t *testing.T, ctx context.Context, c *Client, from store.Cursor, since time.Time) (p pulled) {
	t.Helper()
	return pullWatch(t, ctx, c, from, since, func(*ingest.Chunk) {})
}

// pullWatch shows each chunk to watch.
func pullWatch(t *testing.T, ctx context.Context, c *Client, from store.Cursor, since time.Time, watch func(*ingest.Chunk)) (p pulled) {
	t.Helper()
	logs, err := c.Logs(from, since)
	if err != nil {
		return pulled{cursor: from, err: err}
	}
	defer logs.Close()
	p.cursor = from
	var chunk ingest.Chunk
	for {
		err := logs.Read(ctx, &chunk)
		if chunk.Gap != nil {
			p.gaps = append(p.gaps, *chunk.Gap)
		}
		if err != nil && err != io.EOF {
			p.err = err
			return p
		}
		watch(&chunk)
		p.pages++
		for _, r := range chunk.Records {
			p.ids = append(p.ids, idOf(r.Raw))
		}
		p.cursor = chunk.Next
		if err == io.EOF {
			return p
		}
	}
}

func idOf(raw []byte) string {
	var e struct {
		LogID string `json:"log_id"`
	}
	_ = json.Unmarshal(raw, &e)
	return e.LogID
}

// same compares what was read with what was there, as sets without repeats.
func same(t *testing.T, got, want []string) {
	t.Helper()
	seen := map[string]int{}
	for _, id := range got {
		seen[id]++
	}
	missing, again := 0, 0
	for _, id := range want {
		if seen[id] == 0 {
			missing++
		}
	}
	for _, n := range seen {
		again += n - 1
	}
	if missing > 0 || again > 0 {
		t.Errorf("%d events were not read, %d were read again", missing, again)
	}
	if len(seen) != len(want) {
		t.Errorf("%d events were read, want %d", len(seen), len(want))
	}
}
