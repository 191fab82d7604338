package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"math/bits"
	"slices"

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

	events, page repeats

	fresh bool // there are new words
}

// stage puts a batch into the session's temporary tables, with its texts as
// ids of w. It writes nothing to the file and does not need it.
func stage(ctx context.Context, conn *sql.Conn, b *store.Batch, w *words) (*staging, error) {
	if _, err := run(ctx, conn, "staging"); err != nil {
		return nil, err
	}
	s := &staging{logged: nowhere(), at: nowhere(), pages: nowhere()}
	if err := s.stageEvents(conn, b.Events, w); err != nil {
		return nil, err
	}
	if err := s.stagePages(conn, b.Pages, w); err != nil {
		return nil, err
	}
	err := appendRows(conn, "stage_rejects", len(b.Rejects), func(c *columns, from, until int) {
		record, bytes, at := column[uint64](c, 0), column[int64](c, 5), column[int64](c, 6)
		for i, r := range b.Rejects[from:until] {
			record[i], bytes[i], at[i] = r.Record, r.Bytes, r.At
			for column, text := range []string{r.Source, r.Place, r.Reason, r.Detail} {
				c.text(1+column, i, clean(text))
			}
		}
	})
	if err != nil {
		return nil, err
	}
	keys := make([]store.FilterKey, 0, len(b.Filtered))
	for key := range b.Filtered {
		keys = append(keys, key)
	}
	err = appendRows(conn, "stage_filtered", len(keys), func(c *columns, from, until int) {
		day, n := column[int64](c, 1), column[int64](c, 2)
		for i, key := range keys[from:until] {
			c.text(0, i, clean(key.Type))
			day[i], n[i] = key.Day, b.Filtered[key]
		}
	})
	if err != nil {
		return nil, err
	}
	fresh := w.fresh()
	s.fresh = len(fresh) > 0
	err = appendRows(conn, "stage_words", len(fresh), func(c *columns, from, until int) {
		id := column[uint32](c, 0)
		for i, text := range fresh[from:until] {
			id[i] = uint32(w.kept + from + i)
			c.text(1, i, text)
		}
	})
	return s, err
}

func (s *staging) stageEvents(conn *sql.Conn, events []store.Event, w *words) error {
	order := inGroups(events, w)
	s.events = findRepeats(len(events), func(i int) (id, content uint64) { return events[i].LogID, events[i].Content })
	return appendRows(conn, "stage_events", len(events), func(c *columns, from, until int) {
		logID, content, again := column[uint64](c, 0), column[uint32](c, 1), column[uint8](c, 2)
		at, assigned, logged := column[int64](c, 3), column[int64](c, 4), column[int64](c, 5)
		kind, client, connection := column[uint32](c, 6), column[uint32](c, 7), column[uint32](c, 8)
		strategy, device := column[uint32](c, 9), column[uint32](c, 10)
		experiment, variation := column[uint32](c, 11), column[uint32](c, 12)
		allocation, segment, authenticator := column[uint32](c, 13), column[uint32](c, 14), column[uint32](c, 15)
		user, session, transaction := column[uint64](c, 16), column[uint64](c, 17), column[uint64](c, 18)
		control, interactive := column[uint8](c, 19), column[uint8](c, 20)
		passkey, test := column[bool](c, 21), column[bool](c, 22)
		for i, n := range order[from:until] {
			e := &events[n]
			if e.Logged != 0 {
				s.logged.add(e.Logged)
			} else {
				s.at.add(e.At)
			}
			logID[i], content[i], again[i] = e.LogID, uint32(e.Content), s.events.kind[n]
			at[i], assigned[i], logged[i] = e.At, cmp.Or(e.Assigned, e.At), e.Logged
			kind[i], client[i], connection[i] = w.id(e.Type), w.id(e.ClientID), w.id(e.Connection)
			strategy[i], device[i] = w.id(e.Strategy), w.id(e.Device)
			experiment[i], variation[i] = w.id(e.Experiment), w.id(e.Variation)
			allocation[i], segment[i], authenticator[i] = w.id(e.Allocation), w.id(e.Segment), w.id(e.Authenticator)
			user[i], session[i], transaction[i] = e.User, e.Session, e.Transaction
			control[i], interactive[i] = uint8(e.Control), uint8(e.Interactive)
			passkey[i], test[i] = e.PasskeyUsed, e.Test
		}
	})
}

func (s *staging) stagePages(conn *sql.Conn, pages []store.PageEvent, w *words) error {
	s.page = findRepeats(len(pages), func(i int) (id, content uint64) { return pages[i].ID, pages[i].Content })
	return appendRows(conn, "stage_pages", len(pages), func(c *columns, from, until int) {
		id, content, again := column[uint64](c, 0), column[uint32](c, 1), column[uint8](c, 2)
		at, phase := column[int64](c, 3), column[uint32](c, 4)
		experiment, variation := column[uint32](c, 5), column[uint32](c, 6)
		user, session, transaction := column[uint64](c, 7), column[uint64](c, 8), column[uint64](c, 9)
		verified, future := column[bool](c, 10), column[bool](c, 11)
		for i := range pages[from:until] {
			p := &pages[from+i]
			s.pages.add(p.At)
			id[i], content[i], again[i] = p.ID, uint32(p.Content), s.page.kind[from+i]
			at[i], phase[i] = p.At, w.id(string(p.Phase))
			experiment[i], variation[i] = w.id(p.Experiment), w.id(p.Variation)
			user[i], session[i], transaction[i] = p.User, p.Session, p.Transaction
			verified[i], future[i] = p.Verified, p.Future
		}
	})
}

// inGroups orders events by experiment and variation, and within these as they
// came, which is by time or nearly so. Equal neighbours compress to nothing,
// and a question about one experiment passes over the others. An exact order
// by time would gain nothing more: known rows are sought by the extremes of
// row groups, and a batch fills only a few.
func inGroups(events []store.Event, w *words) []int32 {
	type group struct{ experiment, variation uint32 }
	number := map[group]int{}
	var groups []group
	var sizes []int32
	of := make([]int32, len(events))
	last, at := group{}, -1
	for i := range events {
		e := &events[i]
		g := group{w.id(e.Experiment), w.id(e.Variation)}
		if g != last || at < 0 {
			var ok bool
			if at, ok = number[g]; !ok {
				at = len(groups)
				number[g] = at
				groups, sizes = append(groups, g), append(sizes, 0)
			}
			last = g
		}
		of[i] = int32(at)
		sizes[at]++
	}
	sorted := make([]int, len(groups))
	for i := range sorted {
		sorted[i] = i
	}
	slices.SortFunc(sorted, func(a, b int) int {
		return cmp.Or(cmp.Compare(groups[a].experiment, groups[b].experiment), cmp.Compare(groups[a].variation, groups[b].variation))
	})
	next, begin := make([]int32, len(groups)), int32(0)
	for _, g := range sorted {
		next[g] = begin
		begin += sizes[g]
	}
	order := make([]int32, len(events))
	for i, g := range of {
		order[next[g]] = int32(i)
		next[g]++
	}
	return order
}

// What a staged row is to the rows before it in its batch.
const (
	first       = iota // no other has its id
	repeatEqual        // one has, with equal content
	repeatOther        // one has, with other content
)

// repeats are the rows of a batch whose id an earlier row has.
type repeats struct {
	kind  []uint8
	other int64 // how many are repeatOther
}

// findRepeats compares n rows by id. It is done here and not in SQL, which
// would have the file held meanwhile.
func findRepeats(n int, row func(i int) (id, content uint64)) repeats {
	r := repeats{kind: make([]uint8, n)}
	// An open table, at most half full, of row numbers plus one beside the upper half of the
	// row's hash. Ids are hashes; the odd factor is for those that are not.
	size := bits.Len(uint(2 * n))
	seen := make([]uint64, 1<<size)
	for i := range n {
		id, content := row(i)
		hash := id * 0x9E3779B97F4A7C15
		slot := hash >> (64 - size)
		for ; seen[slot] != 0; slot = (slot + 1) & (1<<size - 1) {
			if seen[slot]>>32 != hash>>32 {
				continue
			}
			before, kept := row(int(uint32(seen[slot])) - 1)
			if before == id {
				r.kind[i] = repeatEqual
				if kept != content {
					r.kind[i] = repeatOther
					r.other++
				}
				break
			}
		}
		if seen[slot] == 0 {
			seen[slot] = hash>>32<<32 | uint64(i+1)
		}
	}
	return r
}

// unstage empties the session's temporary tables by dropping them.
func unstage(ctx context.Context, conn *sql.Conn) error {
	_, err := run(ctx, conn, "unstaging")
	return err
}
