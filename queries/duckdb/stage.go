package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math"

	duck "github.com/duckdb/duckdb-go/v2"

	"keyramp/queries/store"
)

// bounds are where the rows that a batch may repeat are to be found, in
// microseconds, inclusive. An empty stretch has its ends crossed.
type bounds struct{ from, until int64 }

func nowhere() bounds { return bounds{math.MaxInt64, math.MinInt64} }

func (b *bounds) add(at store.Micros) {
	b.from, b.until = min(b.from, at), max(b.until, at)
}

// widened reaches a day further to each side: times may be cut differently when
// an event is told again.
func (b bounds) widened() bounds {
	const day = 24 * 60 * 60 * 1e6
	if b.from > b.until {
		return bounds{1, 0}
	}
	return bounds{b.from - day, b.until + day}
}

// A staging is a batch in the temporary tables of a session.
type staging struct {
	logged bounds // of events whose log_id holds a time
	at     bounds // of the others
	pages  bounds
}

// stage puts a batch into the session's temporary tables, with its texts as
// ids of w. It writes nothing to the file and does not need it.
func stage(ctx context.Context, conn *sql.Conn, b *store.Batch, w *words) (*staging, error) {
	if _, err := run(ctx, conn, "staging"); err != nil {
		return nil, err
	}
	s := &staging{nowhere(), nowhere(), nowhere()}
	for _, t := range []struct {
		table string
		rows  int
		row   func(i int, append func(...driver.Value) error) error
	}{
		{"stage_events", len(b.Events), func(i int, append func(...driver.Value) error) error {
			e := &b.Events[i]
			if e.Logged != 0 {
				s.logged.add(e.Logged)
			} else {
				s.at.add(e.At)
			}
			assigned := e.Assigned
			if assigned == 0 {
				assigned = e.At
			}
			return append(e.LogID, e.Content, e.At, assigned, e.Logged,
				w.id(e.Type), w.id(e.ClientID), w.id(e.Connection), w.id(e.Strategy), w.id(e.Device),
				w.id(e.Experiment), w.id(e.Variation), w.id(e.Allocation), w.id(e.Segment), w.id(e.Authenticator),
				e.User, e.Session, e.Transaction,
				uint8(e.Control), uint8(e.Interactive), e.PasskeyUsed, e.Test)
		}},
		{"stage_pages", len(b.Pages), func(i int, append func(...driver.Value) error) error {
			p := &b.Pages[i]
			s.pages.add(p.At)
			return append(p.ID, p.Content, p.At, w.id(string(p.Phase)), w.id(p.Experiment), w.id(p.Variation),
				p.User, p.Session, p.Transaction, p.Verified, p.Future)
		}},
		{"stage_rejects", len(b.Rejects), func(i int, append func(...driver.Value) error) error {
			r := &b.Rejects[i]
			return append(r.Record, clean(r.Source), clean(r.Place), clean(r.Reason), clean(r.Detail), r.Bytes, r.At)
		}},
	} {
		if err := appendRows(conn, t.table, t.rows, t.row); err != nil {
			return nil, err
		}
	}
	keys := make([]store.FilterKey, 0, len(b.Filtered))
	for key := range b.Filtered {
		keys = append(keys, key)
	}
	err := appendRows(conn, "stage_filtered", len(keys), func(i int, append func(...driver.Value) error) error {
		return append(clean(keys[i].Type), keys[i].Day, b.Filtered[keys[i]])
	})
	if err != nil {
		return nil, err
	}
	err = appendRows(conn, "stage_words", len(w.fresh), func(i int, append func(...driver.Value) error) error {
		return append(uint32(w.kept+i), w.fresh[i])
	})
	return s, err
}

// unstage empties the session's temporary tables by dropping them.
func unstage(ctx context.Context, conn *sql.Conn) error {
	_, err := run(ctx, conn, "unstaging")
	return err
}

// appendRows appends rows to a temporary table.
func appendRows(conn *sql.Conn, table string, rows int, row func(i int, append func(...driver.Value) error) error) error {
	if rows == 0 {
		return nil
	}
	return conn.Raw(func(raw any) error {
		a, err := duck.NewAppender(raw.(driver.Conn), "temp", "main", table)
		if err != nil {
			return fmt.Errorf("staging %s: %w", table, err)
		}
		for i := range rows {
			if err := row(i, a.AppendRow); err != nil {
				a.Close()
				return fmt.Errorf("staging %s, row %d: %w", table, i+1, err)
			}
		}
		if err := a.Close(); err != nil {
			return fmt.Errorf("staging %s: %w", table, err)
		}
		return nil
	})
}
