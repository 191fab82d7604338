package enrollment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"keyramp/ingest"
	"keyramp/queries/store"
)

const (
	limit     = 500 // events a request; the API gives up to 1,000
	maxCursor = 512
	// maxEmpty is how many answers in a row may say that there is more and give nothing.
	maxEmpty = 100
	// settle is how far behind the page's clock a watermark stays.
	settle = time.Minute
)

// APIConfig says where a page offers its events.
type APIConfig struct {
	URL   string // of the events, for instance https://app.example/v1/enrollment-events
	Token ingest.Secret

	ingest.Manners
}

// API reads the page's events in the order in which the page inserted them.
// It is an ingest.Source.
type API struct {
	polite *ingest.Polite
	path   string
	token  ingest.Secret
	cur    store.Cursor
	loop   ingest.Loop
	empty  int // answers in a row without events
}

// NewAPI continues from a stored cursor, without a position from the oldest
// event that the page keeps. Errors wrap ingest.ErrConfig.
func NewAPI(c APIConfig, from store.Cursor) (*API, error) {
	base, err := ingest.ParseBase(c.URL)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	if c.Token.IsZero() {
		return nil, fmt.Errorf("%w: page: no bearer token for %s", ingest.ErrConfig, base.Host)
	}
	a := &API{polite: ingest.NewPolite(base, c.Manners), path: base.EscapedPath(), token: c.Token, cur: from}
	a.cur.Source = a.Name()
	return a, nil
}

// Name is "page:" and the page's host.
func (a *API) Name() string { return "page:" + a.polite.Host() }

// Try asks for one event, and tells what would stop a Read. The cursor stays.
func (a *API) Try(ctx context.Context) error {
	got, err := a.polite.Do(ctx, ingest.Request{Path: a.path, Query: url.Values{"limit": {"1"}}.Encode(), Bearer: a.token, Check: isJSON})
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	if got.Status/100 != 2 {
		return a.refused(got.Status)
	}
	var in answer
	if err := json.Unmarshal(got.Body, &in); err != nil || in.NextCursor == nil {
		return fmt.Errorf("%w: %s: the answer is not {events, next_cursor, has_more}", ingest.ErrUpstream, a.Name())
	}
	return nil
}

// Close closes idle connections.
func (a *API) Close() error {
	a.polite.Close()
	return nil
}

// answer is the API's answer.
type answer struct {
	Events     ingest.Array[json.RawMessage] `json:"events"`
	NextCursor *string                       `json:"next_cursor"`
	HasMore    bool                          `json:"has_more"`
}

// Read hands over one answer, beside io.EOF when the page has no more for now.
// A cursor that the page no longer keeps becomes a gap, and reading goes on
// from the oldest event. Errors wrap ingest.ErrAuth, ErrUpstream, ErrConfig or
// the context's error.
func (a *API) Read(ctx context.Context, c *ingest.Chunk) error {
	c.Records, c.Gap, c.Next = c.Records[:0], nil, store.Cursor{}
	got, err := a.ask(ctx)
	var gap *store.Gap
	if err == nil && got.Status == http.StatusGone && a.cur.Position != "" {
		gap = a.gap(got)
		a.cur.Position = ""
		got, err = a.ask(ctx)
	}
	if err != nil {
		return err
	}
	if got.Status/100 != 2 {
		return a.refused(got.Status)
	}
	var in answer
	if err := json.Unmarshal(got.Body, &in); err != nil || in.NextCursor == nil || len(*in.NextCursor) > maxCursor {
		return fmt.Errorf("%w: %s: the answer is not {events, next_cursor, has_more}, or next_cursor is longer than %d, or there are more than %d events",
			ingest.ErrUpstream, a.Name(), maxCursor, ingest.MaxElements)
	}
	next := *in.NextCursor
	if in.HasMore && (next == a.cur.Position || a.loop.Closed(next)) {
		return fmt.Errorf("%w: %s: there is said to be more, but the cursor does not move", ingest.ErrUpstream, a.Name())
	}
	if len(in.Events) > 0 {
		a.empty = 0
	} else if a.empty++; in.HasMore && a.empty > maxEmpty {
		return fmt.Errorf("%w: %s: there is said to be more, but %d answers in a row gave no events", ingest.ErrUpstream, a.Name(), a.empty)
	}
	c.Gap = gap // not of an answer that failed: the next run would meet it, and tell it, again
	var newest store.Micros
	for i, raw := range in.Events {
		c.Records = append(c.Records, ingest.Record{Raw: raw, Place: ingest.Place{Page: after(a.cur.Position), Item: int64(i + 1)}})
		newest = max(newest, dated(raw))
	}
	at := got.Date.UnixMicro()
	settled := at - settle.Microseconds()
	if !in.HasMore {
		newest = settled
	}
	a.cur.Position, a.cur.At, a.cur.Complete = next, at, !in.HasMore
	a.cur.Watermark = max(a.cur.Watermark, min(newest, settled))
	c.Next = a.cur
	if !in.HasMore {
		return io.EOF
	}
	return nil
}

func (a *API) ask(ctx context.Context) (*ingest.Answer, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if a.cur.Position != "" {
		q.Set("cursor", a.cur.Position)
	}
	got, err := a.polite.Do(ctx, ingest.Request{Path: a.path, Query: q.Encode(), Bearer: a.token, Check: isJSON})
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return got, nil
}

func isJSON(a *ingest.Answer) error {
	if !json.Valid(a.Body) {
		return errors.New("the body is not JSON")
	}
	return nil
}

// gap is what the page no longer keeps: from what was read to the oldest event, or to now when that is told as later. If
// the page keeps older ones than were read, the gap is a moment, and told all the same.
func (a *API) gap(got *ingest.Answer) *store.Gap {
	var body struct {
		Oldest string `json:"oldest_time"`
	}
	_ = json.Unmarshal(got.Body, &body) // oldest_time is a kindness
	g := &store.Gap{Source: a.Name(), From: a.cur.Watermark, Noticed: got.Date.UnixMicro(), Position: a.cur.Position}
	g.Until = g.Noticed
	if t, ok := ingest.ParseTime([]byte(body.Oldest)); ok {
		g.Until = min(t, g.Noticed)
	}
	g.Until = max(g.Until, g.From)
	return g
}

// refused says what to do about a 4xx answer.
func (a *API) refused(status int) error {
	what, kind := "the API does not follow its contract", ingest.ErrUpstream
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		what, kind = "check the bearer token", ingest.ErrAuth
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		what, kind = "check the URL of the page's events", ingest.ErrConfig
	case http.StatusBadRequest:
		what = "the page does not know the stored cursor"
	}
	return fmt.Errorf("%w: %s%s answered %d: %s", kind, a.Name(), a.path, status, what)
}

// after names the page of an answer in messages.
func after(cursor string) string {
	if cursor == "" {
		return "the start"
	}
	return cursor
}

// dated is the time of an event as far as the watermark cares: 0 if unreadable.
func dated(raw []byte) store.Micros {
	var e struct {
		Time       string `json:"time"`
		OccurredAt string `json:"occurred_at"`
	}
	if json.Unmarshal(raw, &e) != nil {
		return 0
	}
	t, ok := ingest.ParseTime([]byte(e.Time))
	if !ok {
		t, _ = ingest.ParseTime([]byte(e.OccurredAt))
	}
	return t
}
