package ingest

import (
	"slices"

	"keyramp/queries/store"
)

// Removed keeps out of a store what was taken out of it for good: events of
// forgotten people, and those that are older than a purge. They are counted as
// filtered, by the names store.FilterForgotten and store.FilterPurged.
type Removed struct {
	before     store.Micros
	tombstones map[uint64]struct{}
	names      *Pseudonyms
}

// NewRemoved makes the filter of a store; nil when nothing was removed.
func NewRemoved(r store.Removed, names *Pseudonyms) *Removed {
	if r.Before == 0 && len(r.Tombstones) == 0 {
		return nil
	}
	f := &Removed{before: r.Before, tombstones: make(map[uint64]struct{}, len(r.Tombstones)), names: names}
	for _, t := range r.Tombstones {
		f.tombstones[t] = struct{}{}
	}
	return f
}

// leaveOut turns what was removed into counts. today is the day of the run.
func (r *Removed) leaveOut(b *store.Batch, today store.Micros) (forgotten, purged int64) {
	if r == nil {
		return 0, 0
	}
	out := func(at store.Micros, user, session, transaction uint64) bool {
		var key store.FilterKey
		switch {
		case r.forgotten(user, session, transaction):
			key = store.FilterKey{Type: store.FilterForgotten, Day: today - today%day} // its own day would tell of the person
			forgotten++
		case r.before != 0 && at < r.before:
			key = store.FilterKey{Type: store.FilterPurged, Day: at - (at%day+day)%day}
			purged++
		default:
			return false
		}
		if b.Filtered == nil {
			b.Filtered = make(map[store.FilterKey]int64)
		}
		b.Filtered[key]++
		return true
	}
	b.Events = slices.DeleteFunc(b.Events, func(e store.Event) bool { return out(e.At, e.User, e.Session, e.Transaction) })
	b.Pages = slices.DeleteFunc(b.Pages, func(p store.PageEvent) bool { return out(p.At, p.User, p.Session, p.Transaction) })
	return forgotten, purged
}

// forgotten tells whether an event is of a forgotten person: by its user, and
// where it names none, by its transaction or session.
func (r *Removed) forgotten(user, session, transaction uint64) bool {
	if len(r.tombstones) == 0 {
		return false
	}
	keys := [...]uint64{user, 0}
	if user == 0 {
		keys = [...]uint64{transaction, session}
	}
	for _, key := range keys {
		if key != 0 {
			if _, ok := r.tombstones[r.names.Tombstone(key)]; ok {
				return true
			}
		}
	}
	return false
}
