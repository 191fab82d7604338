package ingest

import (
	"time"

	"keyramp/queries/store"
)

// A part is what a batch holds of one source, and what became of it.
type part struct {
	of *reading
	store.Part
	bytes             int64 // of its raw records
	loaded            store.Loaded
	forgotten, purged int64
}

// A gathering is the batch that is being filled: parts of sources that were read
// to their end, and one of the source that is being read. The events of all
// parts stand behind each other in the same memory.
type gathering struct {
	parts  []*part
	*part                // the last one
	ended  int           // rows of the others
	since  time.Time     // when the first record was read; zero when there is none yet
	memory []store.Event // for the first part
}

// rows is the size of the batch.
func (g *gathering) rows() int { return g.ended + rows(g.Batch) }

// begin adds an empty part.
func (g *gathering) begin(of *reading) {
	of.parts++
	p := &part{of: of, Part: store.Part{Batch: &store.Batch{Events: g.memory}}}
	if g.part != nil {
		g.ended += rows(g.Batch)
		p.Events = g.Events[len(g.Events):]
	}
	g.parts, g.part = append(g.parts, p), p
}

// take is told that a record comes, and returns what it goes into.
func (g *gathering) take() *store.Batch {
	if g.since.IsZero() {
		g.since = time.Now()
	}
	return g.Batch
}

// reset empties the batch and keeps the memory of its events.
func (g *gathering) reset() {
	for _, p := range g.parts {
		if cap(p.Events) > cap(g.memory) {
			g.memory = p.Events[:0]
		}
	}
	clear(g.parts)
	*g = gathering{parts: g.parts[:0], memory: g.memory}
}

// rows is the size of a batch: what is counted and not stored takes no room.
func rows(b *store.Batch) int { return len(b.Events) + len(b.Pages) + len(b.Rejects) }
