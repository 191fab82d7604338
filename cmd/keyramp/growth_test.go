package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
)

// A store that grew by many small runs is not much larger than one that took the same events at once.
func TestStoreOfManyRuns(t *testing.T) {
	const events = 200
	row := tier.Begin(t, "L3", tier.Size{Test: 40, Chaos: 200, Soak: 1000})
	runs := row.Rounds()
	s := tell(t, tenant.Config{Seed: 10, Users: 25 * runs, Days: 14})
	if s.world.Len() < events*runs {
		t.Fatalf("the world has %d events, too few", s.world.Len())
	}
	since := s.world.Start().Add(-time.Hour).Format(time.RFC3339)
	many := &wreck{story: s.with("many"), since: since, limit: 5 * time.Minute}
	bytes := func(store string) (n int64) {
		files, _ := filepath.Glob(filepath.Join(store, "keyramp.duckdb*"))
		for _, f := range files {
			if info, err := os.Stat(f); err == nil {
				n += info.Size()
			}
		}
		return n
	}
	var took []time.Duration
	for run := range runs {
		s.server.SetNow(s.world.Logged(events*(run+1) - 1))
		began := time.Now()
		many.pull(exitOK)
		took = append(took, time.Since(began))
		row.Done()
	}
	once := s.with("once")
	once.keyramp(0, "pull", "--rate", "0", "--since", since)
	if many.tables() != once.tables() {
		row.Violation("%d runs left another store than one", runs)
	}
	// The smallest stores are mostly the blocks that each table has; a few of them are as good as free.
	const few = 1 << 20
	ratio := float64(bytes(many.store)) / float64(bytes(once.store))
	if ratio > 1.5 && bytes(many.store) > bytes(once.store)+few {
		row.Violation("%d runs left %d bytes, one leaves %d: %.2f times", runs, bytes(many.store), bytes(once.store), ratio)
	}
	slices.Sort(took)
	row.Note("size, of a single load's", fmt.Sprintf("%.2f", ratio))
	row.Note("a run, median and slowest", fmt.Sprintf("%v, %v", took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond)))
}
