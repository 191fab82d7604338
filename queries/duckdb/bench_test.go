package duckdb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"keyramp/queries/store"
)

// traffic makes n events of two experiments, spread over a day that begins at
// from, with ids that start at first. But for its times, an event goes by its id.
func traffic(n int, first uint64, from store.Micros) *store.Batch {
	b := &store.Batch{Received: int64(n)}
	types := []string{"s", "s", "s", "s", "fp", "ss", "gd_enrollment_complete"}
	for i := range n {
		at := from + int64(i)*86_400_000_000/int64(n)
		r := rand.New(rand.NewPCG(first+uint64(i), 7))
		e := store.Event{
			LogID: (first + uint64(i)) * 0x9E3779B97F4A7C15, At: at, Assigned: at - 30_000_000, Logged: at + 1_000_000,
			User: r.Uint64(), Session: r.Uint64(), Transaction: r.Uint64(),
			Shape: store.Shape{
				Type: store.WordOf(types[r.IntN(len(types))]), ClientID: store.WordOf(fmt.Sprint("client", r.IntN(20))), Connection: store.WordOf("Username-Password-Authentication"),
				Strategy: store.WordOf("auth0"), Device: store.WordOf("mobile"), Interactive: store.Yes,
			},
		}
		if r.IntN(4) > 0 {
			e.Experiment, e.Variation, e.Control, e.Allocation = store.WordOf("exp_1"), store.WordOf("var_c"), store.Yes, store.WordOf("percentage")
			if r.IntN(10) == 0 {
				e.Variation, e.Control = store.WordOf("var_t"), store.No
			}
		}
		b.Events = append(b.Events, e)
	}
	return b
}

// BenchmarkOpen tells what a command pays before and for its first question.
func BenchmarkOpen(b *testing.B) {
	db := scratch(b)
	for day := range int64(10) {
		fill(b, db, traffic(100_000, uint64(1+day*100_000), dayOne+day*24*hour).Events, nil)
	}
	for b.Loop() {
		r, err := Open(context.Background(), Options{Dir: db.opts.Dir, ReadOnly: true})
		if err != nil {
			b.Fatal(err)
		}
		if seen, err := r.Experiments(context.Background()); err != nil || len(seen) != 1 {
			b.Fatal(seen, err)
		}
		r.Close()
	}
}

// BenchmarkFill tells what a batch costs before the file is held.
func BenchmarkFill(b *testing.B) {
	for _, size := range []int{100, 240_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			batch := traffic(size, 1, dayOne)
			known := newVocabulary("")
			var s staging
			for b.Loop() {
				s.fill([]store.Part{{Batch: batch}}, known)
			}
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkLoad tells what one commit costs: filling, attaching, finding known
// rows, writing, detaching. Later batches meet a store that grows by theirs.
func BenchmarkLoad(b *testing.B) {
	for _, size := range []int{100, 10_000, 240_000, 1_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			db := scratch(b)
			day := dayOne
			first := uint64(1)
			best := time.Hour // the least disturbed of the commits
			for b.Loop() {
				b.StopTimer()
				batch := traffic(size, first, day)
				first += uint64(size)
				day += 24 * hour
				b.StartTimer()
				begun := time.Now()
				l, err := db.Load(context.Background(), batch, store.Cursor{Source: "bench"})
				if err != nil || l.Stored != int64(size) {
					b.Fatal(l, err)
				}
				best = min(best, time.Since(begun))
			}
			b.ReportMetric(float64(best.Microseconds())/1000, "best-ms")
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(db.bytes())/float64(size)/float64(b.N), "bytes/event")
		})
	}
}
