package auth0

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"keyramp/ingest"
	"keyramp/queries/store"
)

const (
	logsPath = "/api/v2/logs"
	pageSize = "100" // the most that the API gives
	// settle is how far behind the tenant's clock a watermark stays: events
	// become visible seconds after their date.
	settle = time.Minute
	// early is how far before Since the search for the first event begins: an
	// event dated just after Since may have been logged before one that is older.
	early = 10 * time.Minute
	// quiet is the shortest retention that Auth0 sells. A cursor older than
	// this may have lost events without being refused.
	quiet = 24 * time.Hour
)

// Logs reads the tenant's log events in the order of their log_id. It is an
// ingest.Source. While the pump works on a page, the next one is on its way.
type Logs struct {
	client *Client
	since  time.Time
	cur    store.Cursor
	query  string // of the next page; "" = made from the cursor
	loop   ingest.Loop
	note   string

	pages [2]page // the one that the pump reads, and the next
	turn  int
	ahead *ahead // the page on its way, if any
}

// Logs continues from a stored cursor. Without a position it begins at since,
// or at the cursor's watermark when that is later. Errors wrap ErrConfig.
func (c *Client) Logs(from store.Cursor, since time.Time) (*Logs, error) {
	l := &Logs{client: c, since: since, cur: from}
	l.cur.Source = l.Name()
	if from.Position == "" && from.Watermark == 0 && since.IsZero() {
		return nil, fmt.Errorf("%w: auth0: the first run needs to know where to begin: use --since", ErrConfig)
	}
	return l, nil
}

// Name is "auth0:" and the tenant's host.
func (l *Logs) Name() string { return "auth0:" + l.client.base.Host }

// Note says that there was nothing to begin with, if so.
func (l *Logs) Note() string { return l.note }

// Close drops the page that is on its way.
func (l *Logs) Close() error {
	if l.ahead != nil {
		l.ahead.cancel()
		<-l.ahead.done
		l.ahead = nil
	}
	return nil
}

// Read hands over one page. It returns io.EOF beside an empty page: a short
// page or a missing link proves nothing. Errors wrap ErrAuth, ErrUpstream,
// ErrConfig or the context's error.
func (l *Logs) Read(ctx context.Context, c *ingest.Chunk) error {
	c.Records, c.Gap, c.Next = c.Records[:0], nil, store.Cursor{}
	if l.cur.Position == "" {
		return l.begin(ctx, c)
	}
	first := l.query == ""
	if first {
		l.query = logsQuery(l.cur.Position)
	}
	p, err := l.take(ctx)
	var r *refusal
	if errors.As(err, &r) && r.status == http.StatusBadRequest {
		return l.reopen(ctx, c, r)
	}
	if err != nil {
		return err
	}
	if first && len(p.items) > 0 {
		if c.Gap, err = l.silentGap(ctx, p); err != nil {
			return err
		}
	}
	return l.hand(ctx, c, p)
}

// hand gives a page to the pump and moves the cursor behind it.
func (l *Logs) hand(ctx context.Context, c *ingest.Chunk, p *page) error {
	after := l.cur.Position
	position := after
	if len(p.items) > 0 {
		// The last of the page, not the newest: pages are in the order of
		// log_id, and an older date may come with a larger id. What the tenant
		// itself names as the next checkpoint goes before our reading of it.
		position = p.items[len(p.items)-1].id
		if p.next.from != "" {
			position = p.next.from
		}
		if position == "" {
			return fmt.Errorf("%w: auth0: %s%s: a page has neither a log_id nor a link to the next: nothing was read from it",
				ErrUpstream, l.client.base.Host, logsPath)
		}
		if l.loop.Closed(position) {
			return fmt.Errorf("%w: auth0: %s%s: the tenant gives the same pages again and again: the cursor does not move past %.80q",
				ErrUpstream, l.client.base.Host, logsPath, position)
		}
	}
	p.fill(c, after)
	l.move(position, p.newest(), p.at, len(p.items) == 0)
	c.Next = l.cur
	if len(p.items) == 0 {
		l.query = ""
		return io.EOF
	}
	l.query = p.next.query
	if l.query == "" {
		l.query = logsQuery(position)
	}
	l.sendAhead(ctx)
	return nil
}

// move sets the cursor. The watermark grows to the newest date that was read,
// or to the tenant's time when nothing was left, and stays a minute behind it.
func (l *Logs) move(position string, newest, at store.Micros, complete bool) {
	settled := at - settle.Microseconds()
	if complete {
		newest = settled
	}
	l.cur.Position, l.cur.At, l.cur.Complete = position, at, complete
	l.cur.Watermark = max(l.cur.Watermark, min(newest, settled))
}

// begin finds the first event to read. The checkpoint of checkpoint paging is
// a log_id, so one must be found for a date. A made-up id would do, as others
// ship it, but Auth0 promises nothing about ids; the search is documented. It
// sorts by date and paging goes by id, which differ by seconds: so the search
// begins early, and of the 100 oldest events the one with the lowest id is
// handed over and paged on from. Events before since come along, and do no harm.
func (l *Logs) begin(ctx context.Context, c *ingest.Chunk) error {
	since := l.since
	if read := time.UnixMicro(l.cur.Watermark); read.After(since) {
		since = read
	}
	p, err := l.search(ctx, since.Add(-early))
	if err != nil {
		return err
	}
	return l.startAt(c, p)
}

// startAt hands over the event with the lowest id of a search, and puts the
// cursor on it. Without any event the position stays empty: the next run
// searches again.
func (l *Logs) startAt(c *ingest.Chunk, p *page) error {
	low, ok := p.lowest()
	switch {
	case ok:
		l.note = ""
		c.Records = append(c.Records, ingest.Record{Raw: low.raw, Place: ingest.Place{Item: 1}})
		l.move(low.id, low.date, p.at, false)
	case len(p.items) > 0:
		return fmt.Errorf("%w: auth0: %s%s: the events of a search have no log_id", ErrUpstream, l.client.base.Host, logsPath)
	default:
		l.note = "the tenant holds no log events yet of the time asked for"
		l.move("", 0, p.at, true)
	}
	l.query, c.Next = "", l.cur
	if !ok {
		return io.EOF
	}
	return nil
}

// reopen goes on after the tenant refused the checkpoint. If the oldest event
// that it still holds is newer than the checkpoint, what lay between is lost
// and told as a gap; if not, the refusal was about something else and stands.
func (l *Logs) reopen(ctx context.Context, c *ingest.Chunk, why *refusal) error {
	p, err := l.search(ctx, time.Time{})
	if err != nil {
		return err
	}
	low, ok := p.lowest()
	if ok && !l.behind(low) {
		return fmt.Errorf("%w: the checkpoint is not the reason, since the tenant holds older events", why)
	}
	until := p.at
	if ok && low.date > 0 {
		until = low.date
	}
	gap := l.gap(until, p.at)
	if err = l.startAt(c, p); err == nil || err == io.EOF { // else the next run would meet it, and tell it, again
		c.Gap = gap
	}
	return err
}

// silentGap asks, once a run and only for a cursor older than the shortest
// retention, whether events after it have expired although the checkpoint was
// taken: what a tenant does with an expired one is not documented. Both must
// agree, the search and the page: the page begins with what the search holds
// as the oldest.
func (l *Logs) silentGap(ctx context.Context, page1 *page) (*store.Gap, error) {
	if l.cur.Watermark == 0 || page1.at-l.cur.Watermark < quiet.Microseconds() {
		return nil, nil
	}
	p := new(page)
	_, err := l.ask(ctx, searchQuery(time.Time{}), p)
	if r := (*refusal)(nil); errors.As(err, &r) {
		return nil, nil // paging works without the search
	}
	if err != nil {
		return nil, err
	}
	low, ok := p.lowest()
	if first := page1.items[0]; !ok || !l.behind(low) || first.id == "" || below(first.id, low.id) {
		return nil, nil
	}
	return l.gap(low.date, p.at), nil
}

// behind reports whether the cursor lies before the oldest event that the
// tenant holds.
func (l *Logs) behind(oldest item) bool {
	if len(oldest.id) == len(l.cur.Position) {
		return below(l.cur.Position, oldest.id)
	}
	return l.cur.Watermark < oldest.date
}

// gap reaches from what was read to until. An event with a late id may be
// dated before the watermark; the gap is then a moment, and told all the same.
func (l *Logs) gap(until, noticed store.Micros) *store.Gap {
	until = max(until, l.cur.Watermark)
	return &store.Gap{Source: l.Name(), From: l.cur.Watermark, Until: until, Noticed: noticed, Position: l.cur.Position}
}

// search asks for the 100 oldest events dated at or after since; a zero since
// means the oldest of all.
func (l *Logs) search(ctx context.Context, since time.Time) (*page, error) {
	p := l.other()
	_, err := l.ask(ctx, searchQuery(since), p)
	return p, err
}

func searchQuery(since time.Time) string {
	q := url.Values{"sort": {"date:1"}, "per_page": {pageSize}}
	if !since.IsZero() {
		q.Set("q", "date:["+since.UTC().Format("2006-01-02T15:04:05.000Z")+" TO *]")
	}
	return q.Encode()
}

// other is the page that the pump is not reading.
func (l *Logs) other() *page {
	l.turn = 1 - l.turn
	return &l.pages[l.turn]
}

// page asks for a checkpoint page and reads where the next one is.
func (l *Logs) page(ctx context.Context, query string, p *page) error {
	a, err := l.ask(ctx, query, p)
	if err == nil {
		p.next, err = next(l.client.base, logsPath, a.Header.Values("Link"))
	}
	return err
}

// ask gets the events of one query.
func (l *Logs) ask(ctx context.Context, query string, p *page) (*ingest.Answer, error) {
	a, err := l.client.get(ctx, ingest.Request{
		Path: logsPath, Query: query, Buffer: p.buf,
		Check: func(a *ingest.Answer) error { return p.split(a.Body) },
	})
	if r := (*refusal)(nil); errors.As(err, &r) && r.status == http.StatusForbidden {
		l.client.tokens.dropAged(0) // the next run must see what is granted until then
	}
	if err != nil {
		return nil, err
	}
	p.buf, p.at = a.Body, a.Date.UnixMicro()
	return a, nil
}

// ahead is a page on its way.
type ahead struct {
	page   *page
	err    error
	done   chan struct{}
	cancel context.CancelFunc
}

// sendAhead asks for the next page while the pump reads this one.
func (l *Logs) sendAhead(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	f := &ahead{page: l.other(), done: make(chan struct{}), cancel: cancel}
	query := l.query
	l.ahead = f
	go func() {
		defer close(f.done)
		defer cancel()
		f.err = l.page(ctx, query, f.page)
	}()
}

// take returns the next page: the one on its way, or else a new one.
func (l *Logs) take(ctx context.Context) (*page, error) {
	if f := l.ahead; f != nil {
		l.ahead = nil
		select {
		case <-f.done:
		case <-ctx.Done():
			f.cancel()
			<-f.done
			return nil, fmt.Errorf("auth0: %w", ctx.Err())
		}
		// It was sent with an earlier context, whose end need not be ours.
		if f.err == nil || !ended(f.err) {
			return f.page, f.err
		}
	}
	p := l.other()
	return p, l.page(ctx, l.query, p)
}

func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
