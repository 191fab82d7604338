package duckdb

import (
	"cmp"
	"database/sql"
	"fmt"
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

// A staging holds the batches of a commit as one, in the form in which SQL reads
// it, texts as ids. It is filled before the file is held, and used again for the
// next commit.
type staging struct {
	events, pages, conflicts, rejects, filtered, words, shapes, sources table

	logged bounds // of events whose log_id holds a time
	at     bounds // of the others
	onPage bounds // of page events

	eventsAgain, pagesAgain repeats // inside the batch

	allEvents []placed[store.Event]
	allPages  []placed[store.PageEvent]
}

// A placed row is a row and the number of the part that it came with.
type placed[T any] struct {
	row  *T
	part uint32
}

// register lets the statements of a load read the batch as batch_events(), and so on.
func (s *staging) register(conn *sql.Conn) error {
	for name, t := range map[string]*table{"batch_events": &s.events, "batch_pages": &s.pages, "batch_conflicts": &s.conflicts,
		"batch_rejects": &s.rejects, "batch_filtered": &s.filtered, "batch_words": &s.words, "batch_shapes": &s.shapes, "batch_sources": &s.sources} {
		if err := t.register(conn, name); err != nil {
			return fmt.Errorf("table function %s: %w", name, err)
		}
	}
	return nil
}

// fill takes the batches of a commit, with their texts and shapes as ids. It needs no file.
func (s *staging) fill(parts []store.Part, known *vocabulary) {
	s.logged, s.at, s.onPage = nowhere(), nowhere(), nowhere()
	s.fillEvents(parts, known)
	s.fillPages(parts, known)
	var rejects []store.Reject
	filtered := 0
	for _, p := range parts {
		rejects = append(rejects, p.Rejects...)
		filtered += len(p.Filtered)
	}

	t := &s.rejects
	t.begin(len(rejects))
	n, record := numbers[int64](t, "n"), numbers[uint64](t, "record")
	source, place, reason, detail := t.texts("source"), t.texts("place"), t.texts("reason"), t.texts("detail")
	bytes, at, dated, kind := numbers[int64](t, "bytes"), numbers[int64](t, "at_us"), numbers[int64](t, "dated_us"), t.texts("kind")
	for i, r := range rejects {
		n[i], record[i], bytes[i], at[i], dated[i] = int64(i), r.Record, r.Bytes, r.At, r.Dated
		source[i], place[i], reason[i], detail[i] = clean(r.Source), clean(r.Place), clean(r.Reason), clean(r.Detail)
		kind[i] = clean(r.Kind)
	}

	t = &s.filtered
	t.begin(filtered)
	from, code := t.texts("source"), t.texts("type")
	day, count := numbers[int64](t, "day_us"), numbers[int64](t, "n")
	i := 0
	for _, p := range parts {
		for key, n := range p.Filtered {
			from[i], code[i], day[i], count[i] = p.Next.Source, clean(key.Type), key.Day, n
			i++
		}
	}
	s.fillVocabulary(known)
}

func (s *staging) fillVocabulary(known *vocabulary) {
	t := &s.words
	words, shapes := known.fresh()
	t.begin(len(words))
	id, text := numbers[uint32](t, "id"), t.texts("text")
	for i := range words {
		id[i], text[i] = uint32(known.kept+i), words[i]
	}

	t = &s.shapes
	t.begin(len(shapes))
	id = numbers[uint32](t, "id")
	code, client, connection := numbers[uint32](t, "type"), numbers[uint32](t, "client"), numbers[uint32](t, "connection")
	strategy, device := numbers[uint32](t, "strategy"), numbers[uint32](t, "device")
	experiment, variation := numbers[uint32](t, "experiment"), numbers[uint32](t, "variation")
	allocation, segment := numbers[uint32](t, "allocation"), numbers[uint32](t, "segment")
	authenticator := numbers[uint32](t, "authenticator")
	control, interactive := numbers[uint8](t, "control"), numbers[uint8](t, "interactive")
	passkey, test := numbers[bool](t, "passkey_used"), numbers[bool](t, "test")
	for i, of := range shapes {
		id[i], code[i], client[i], connection[i] = uint32(known.shaped+i), of.kind, of.client, of.connection
		strategy[i], device[i], experiment[i], variation[i] = of.strategy, of.device, of.experiment, of.variation
		allocation[i], segment[i], authenticator[i] = of.allocation, of.segment, of.authenticator
		control[i], interactive[i], passkey[i], test[i] = of.control, of.interactive, of.passkey, of.test
	}
}

func (s *staging) fillEvents(parts []store.Part, known *vocabulary) {
	s.allEvents = place(s.allEvents[:0], parts, func(b *store.Batch) []store.Event { return b.Events })
	events := s.allEvents
	s.eventsAgain = findRepeats(events, len(parts), func(e *store.Event) uint64 { return e.LogID }, (*store.Event).Content)
	ids := make([]uint32, len(events))
	for i := range events {
		ids[i] = known.shape(events[i].row.Shape)
	}
	t := &s.events
	t.begin(len(events))
	n, logID, repeat := numbers[uint32](t, "n"), numbers[uint64](t, "log_id"), numbers[uint8](t, "again")
	part := numbers[uint32](t, "part")
	at, assigned, logged := numbers[int64](t, "at_us"), numbers[int64](t, "assigned_us"), numbers[int64](t, "logged_us")
	shape, twin, experiment := numbers[uint32](t, "shape"), numbers[uint32](t, "twin"), numbers[uint32](t, "experiment")
	user, session := numbers[uint64](t, "user_key"), numbers[uint64](t, "session_key")
	transaction := numbers[uint64](t, "transaction_key")
	for i, from := range inGroups(ids, known.shapes) {
		e := events[from].row
		if e.Logged != 0 {
			s.logged.add(e.Logged)
		} else {
			s.at.add(e.At)
		}
		n[i], logID[i], repeat[i], part[i] = uint32(from), e.LogID, s.eventsAgain.kind[from], events[from].part
		at[i], assigned[i], logged[i] = e.At, cmp.Or(e.Assigned, e.At), e.Logged
		shape[i], twin[i], experiment[i] = ids[from], known.twins[ids[from]], known.shapes[ids[from]].experiment
		user[i], session[i], transaction[i] = e.User, e.Session, e.Transaction
	}
}

func (s *staging) fillPages(parts []store.Part, known *vocabulary) {
	s.allPages = place(s.allPages[:0], parts, func(b *store.Batch) []store.PageEvent { return b.Pages })
	pages := s.allPages
	s.pagesAgain = findRepeats(pages, len(parts), func(p *store.PageEvent) uint64 { return p.ID }, (*store.PageEvent).Content)
	t := &s.pages
	t.begin(len(pages))
	n, id, repeat := numbers[uint32](t, "n"), numbers[uint64](t, "event_id"), numbers[uint8](t, "again")
	part, at, phase := numbers[uint32](t, "part"), numbers[int64](t, "at_us"), numbers[uint32](t, "phase")
	experiment, variation := numbers[uint32](t, "experiment"), numbers[uint32](t, "variation")
	user, session := numbers[uint64](t, "user_key"), numbers[uint64](t, "session_key")
	transaction := numbers[uint64](t, "transaction_key")
	verified, future := numbers[bool](t, "verified"), numbers[bool](t, "future")
	for i := range pages {
		p := pages[i].row
		s.onPage.add(p.At)
		n[i], id[i], repeat[i], part[i] = uint32(i), p.ID, s.pagesAgain.kind[i], pages[i].part
		at[i], phase[i] = p.At, known.find(string(p.Phase))
		experiment[i], variation[i] = known.find(p.Experiment), known.find(p.Variation)
		user[i], session[i], transaction[i] = p.User, p.Session, p.Transaction
		verified[i], future[i] = p.Verified, p.Future
	}
}

// inGroups orders events, given by their shapes, by experiment and variation,
// and within these as they came, which is by time or nearly so. Near ones
// compress better, and a question about one experiment passes over the others.
// An exact order by time would gain nothing more: known rows are sought by the
// extremes of row groups, and a batch fills only a few.
func inGroups(ids []uint32, shapes []shape) []int32 {
	type group struct{ experiment, variation uint32 }
	number := map[group]int32{}
	var groups []group
	var sizes []int32
	of := make([]int32, len(shapes)) // the number of a shape's group, from 1 on; 0 when it was not met
	for _, id := range ids {
		if of[id] == 0 {
			g := group{shapes[id].experiment, shapes[id].variation}
			if number[g] == 0 {
				groups, sizes = append(groups, g), append(sizes, 0)
				number[g] = int32(len(groups))
			}
			of[id] = number[g]
		}
		sizes[of[id]-1]++
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
	order := make([]int32, len(ids))
	for i, id := range ids {
		g := of[id] - 1
		order[next[g]] = int32(i)
		next[g]++
	}
	return order
}

// place puts the rows of all parts behind each other.
func place[T any](into []placed[T], parts []store.Part, rows func(*store.Batch) []T) []placed[T] {
	for n, p := range parts {
		of := rows(p.Batch)
		for i := range of {
			into = append(into, placed[T]{&of[i], uint32(n)})
		}
	}
	return into
}

// What a row of a batch is to the rows before it.
const (
	first       = iota // no other has its id
	repeatEqual        // one has, with equal content
	repeatOther        // one has, with other content
	repeatKinds
)

// repeats say what each row of a batch is to the rows before it, and how many there are of each kind in each part.
type repeats struct {
	kind  []uint8
	parts [][repeatKinds]int64
}

// findRepeats compares rows by id. It is done here and not in SQL, which would
// hold the file meanwhile.
func findRepeats[T comparable](rows []placed[T], parts int, of, content func(*T) uint64) repeats {
	r := repeats{kind: make([]uint8, len(rows)), parts: make([][repeatKinds]int64, parts)}
	// An open table, at most half full, of row numbers plus one beside the upper half of the
	// row's hash. Ids are hashes; the odd factor is for those that are not.
	size := bits.Len(uint(2 * len(rows)))
	seen := make([]uint64, 1<<size)
	clear(seen) // a page of fresh memory that is read before it is written costs an interrupt of every core
	for i := range rows {
		id := of(rows[i].row)
		hash := id * 0x9E3779B97F4A7C15
		slot := hash >> (64 - size)
		for ; seen[slot] != 0; slot = (slot + 1) & (1<<size - 1) {
			if seen[slot]>>32 != hash>>32 {
				continue
			}
			if before := rows[uint32(seen[slot])-1].row; of(before) == id {
				r.kind[i] = repeatEqual
				if *before != *rows[i].row && content(before) != content(rows[i].row) {
					r.kind[i] = repeatOther
				}
				break
			}
		}
		r.parts[rows[i].part][r.kind[i]]++
		if seen[slot] == 0 {
			seen[slot] = hash>>32<<32 | uint64(i+1)
		}
	}
	return r
}

// A copied row tells of a row of the batch that differs from what is kept under its id.
type copied struct {
	record, content uint64
	at              store.Micros
	part            uint32
}

func (s *staging) copiedEvent(n uint32) copied {
	e := s.allEvents[n]
	return copied{e.row.LogID, e.row.Content(), e.row.At, e.part}
}

func (s *staging) copiedPage(n uint32) copied {
	p := s.allPages[n]
	return copied{p.row.ID, p.row.Content(), p.row.At, p.part}
}

// fillConflicts takes rows of the batch that differ, in its order.
func (s *staging) fillConflicts(rows []copied, parts []store.Part) {
	t := &s.conflicts
	t.begin(len(rows))
	n, record, content := numbers[uint32](t, "n"), numbers[uint64](t, "record"), numbers[uint32](t, "content")
	source, at := t.texts("source"), numbers[int64](t, "at_us")
	for i, r := range rows {
		n[i], record[i], content[i] = uint32(i), r.record, uint32(r.content)
		source[i], at[i] = parts[r.part].Next.Source, r.at
	}
}

// fillSources takes what is to be written of each source.
func (s *staging) fillSources(parts []store.Part, loaded []store.Loaded, ran map[string]bool, marker int64) {
	t := &s.sources
	t.begin(len(parts))
	source, position := t.texts("source"), t.texts("position")
	watermark, complete, at := numbers[int64](t, "watermark_us"), numbers[bool](t, "complete"), numbers[int64](t, "at_us")
	runs, received, stored := numbers[int64](t, "runs"), numbers[int64](t, "received"), numbers[int64](t, "stored")
	duplicate, filtered := numbers[int64](t, "duplicate"), numbers[int64](t, "filtered")
	rejected, conflicts := numbers[int64](t, "rejected"), numbers[int64](t, "conflicts")
	mark := numbers[int64](t, "marker")
	for i, p := range parts {
		source[i], position[i] = p.Next.Source, p.Next.Position
		watermark[i], complete[i], at[i], mark[i], runs[i] = p.Next.Watermark, p.Next.Complete, p.Next.At, marker, 1
		if ran[p.Next.Source] {
			runs[i] = 0
		}
		l := loaded[i]
		received[i], stored[i], duplicate[i] = l.Received, l.Stored, l.Duplicate
		filtered[i], rejected[i], conflicts[i] = l.Filtered, l.Rejected, l.Conflicts
	}
}
