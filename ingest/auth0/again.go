package auth0

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"keyramp/ingest"
	"keyramp/queries/store"
)

// Again reads pages that were read before, for records of them that were put
// aside: those after the cursors that their places name, and, where the tenant
// no longer takes a cursor or a record came from no page, the events from the date on that the
// record gives. What the tenant no longer holds is not among them. The stored cursor has no part in it.
func (c *Client) Again(rejects []store.Reject) ingest.Source {
	a := &again{logs: &Logs{client: c}, dates: map[string][]store.Micros{}}
	for _, r := range rejects {
		page, _ := ingest.PageOf(r.Place)
		a.dates[page] = append(a.dates[page], r.Dated)
		if !slices.Contains(a.pages, page) {
			a.pages = append(a.pages, page)
		}
	}
	return a
}

type again struct {
	logs    *Logs
	pages   []string // cursors; "" stands for records that came from no page
	dates   map[string][]store.Micros
	pending []store.Micros // to be searched for
}

// Name implements ingest.Source.
func (a *again) Name() string { return a.logs.Name() }

// Read implements ingest.Source: a page, or the events of a date.
func (a *again) Read(ctx context.Context, c *ingest.Chunk) error {
	if len(a.pending) > 0 {
		at := time.UnixMicro(a.pending[0])
		a.pending = a.pending[1:]
		p, err := a.logs.search(ctx, at)
		if r := (*refusal)(nil); errors.As(err, &r) && r.status == http.StatusBadRequest {
			return nil
		}
		if err == nil {
			p.fill(c, "")
		}
		return err
	}
	if len(a.pages) == 0 {
		return io.EOF
	}
	after := a.pages[0]
	a.pages = a.pages[1:]
	if after != "" {
		p := a.logs.other()
		_, err := a.logs.ask(ctx, logsQuery(after), p)
		if err == nil {
			p.fill(c, after)
			return nil
		}
		if r := (*refusal)(nil); !errors.As(err, &r) || r.status != http.StatusBadRequest {
			return err
		}
	}
	for _, at := range a.dates[after] {
		if at != 0 && !slices.Contains(a.pending, at) {
			a.pending = append(a.pending, at)
		}
	}
	return nil
}
