package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"keyramp/analysis"
	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
	"keyramp/queries/duckdb"
)

// scatter writes records in any order, some of them twice, into a few files of any form.
func scatter(t *testing.T, r *rand.Rand, records [][]byte) (paths []string) {
	t.Helper()
	records = slices.Clone(records)
	for range r.IntN(1 + len(records)/2) {
		records = append(records, records[r.IntN(len(records))])
	}
	r.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	dir := t.TempDir()
	for n := 1 + r.IntN(4); n > 0; n-- {
		some := records[:len(records)/n]
		records = records[len(some):]
		var b bytes.Buffer
		switch r.IntN(4) {
		case 0:
			b.WriteString("[" + string(bytes.Join(some, []byte(",\n"))) + "]")
		case 1:
			b.Write(bytes.Join(some, nil)) // nothing between them
		default:
			b.Write(append(bytes.Join(some, []byte("\n")), '\n'))
		}
		in := b.Bytes()
		if r.IntN(3) == 0 {
			var z bytes.Buffer
			w, _ := gzip.NewWriterLevel(&z, gzip.BestSpeed)
			w.Write(in)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			in = z.Bytes()
		}
		path := filepath.Join(dir, fmt.Sprintf("part-%d", n))
		if err := os.WriteFile(path, in, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// Whatever the order in which the same records come, in however many files and forms, however often and however
// interleaved with the page's, the report is the same bytes.
func TestAnyOrderSameReport(t *testing.T) {
	row := tier.Begin(t, "R2", tier.Size{Test: 20, Chaos: 100, Soak: 2000})
	s := tell(t, tenant.Config{Seed: 21, Users: 110, Days: 10, PageUserIDs: true})
	s.files(1) // and the settings
	var logs, page [][]byte
	for i := range s.world.Len() {
		logs = append(logs, s.world.AppendEvent(nil, i))
	}
	for i := range s.world.PageLen() {
		page = append(page, s.world.AppendPage(nil, i))
	}
	asOf := s.world.End().Add(-20 * time.Hour).Format(time.RFC3339)
	empty := t.TempDir()
	db, err := duckdb.Open(t.Context(), duckdb.Options{Dir: empty})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	report := func(s *story, r *rand.Rand) string {
		if err := os.CopyFS(s.store, os.DirFS(empty)); err != nil { // making a store takes longer than filling it
			s.t.Fatal(err)
		}
		parts := [][]string{}
		for kind, records := range map[string][][]byte{"logs": logs, "page": page} {
			paths := scatter(s.t, r, records)
			cut := 0 // what one command reads, and the next
			if kind == "logs" {
				cut = r.IntN(len(paths) + 1)
			}
			for _, some := range [][]string{paths[:cut], paths[cut:]} {
				if len(some) > 0 {
					parts = append(parts, append([]string{"import", kind}, some...))
				}
			}
		}
		r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		for i, args := range parts {
			s.keyramp(0, args...)
			if i == 0 && args[1] == "logs" && r.IntN(4) == 0 { // what is kept of an early answer does not matter
				s.keyramp(0, "report", s.server.ExperimentIDs[0], "--as-of", asOf, "--format", "json")
			}
		}
		return s.keyramp(0, "report", s.server.ExperimentIDs[0], "--as-of", asOf, "--format", "json")
	}
	seed := uint64(time.Now().UnixNano())
	want := report(s.with("reference"), rand.New(rand.NewPCG(1, 1)))
	var wait sync.WaitGroup
	rounds := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for round := range rounds {
				t.Run("", func(t *testing.T) { // folders and failures of its own
					mine := *s
					mine.t = t
					if report(mine.with("store"), rand.New(rand.NewPCG(seed, uint64(round)))) != want {
						row.Violation("seed %d, round %d: another report", seed, round)
					}
					row.Done()
				})
			}
		})
	}
	for round := range row.Rounds() {
		rounds <- round
	}
	close(rounds)
	wait.Wait()
	row.Note("events", fmt.Sprint(len(logs)+len(page)))
}

// Stars in the place of users are nobody: their events are counted as without a user, which blocks the verdict, and not
// taken for one person. Nor is a mask of another kind: that person is met in both variations.
func TestMaskedUsers(t *testing.T) {
	row := tier.Begin(t, "D9", tier.Size{Test: 4})
	for _, c := range []struct {
		name  string
		mask  func(id string) string
		flags []string // that block, of which one is raised
		ok    bool
	}{
		{"plain", func(id string) string { return id }, nil, true},
		{"stars", func(string) string { return "****" }, []string{"missing_subject"}, false},
		{"one word for all", func(string) string { return "[redacted]" }, []string{"crossover"}, false},
		{"hashed, each another", func(id string) string { return fmt.Sprintf("%x", id) }, nil, true},
	} {
		s := tell(t, quick(func(c *tenant.Config) { c.Users = 900 })).with("store")
		logs, _ := s.files(1)
		raw, err := os.ReadFile(logs[0])
		if err != nil {
			t.Fatal(err)
		}
		const member = `"user_id":"`
		var b strings.Builder
		for rest := string(raw); ; {
			before, after, found := strings.Cut(rest, member)
			b.WriteString(before)
			if !found {
				break
			}
			id, tail, _ := strings.Cut(after, `"`)
			if id != "" {
				id = c.mask(id)
			}
			b.WriteString(member + id + `"`)
			rest = tail
		}
		if err := os.WriteFile(logs[0], []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		s.keyramp(0, "import", "logs", logs[0])
		r, d := s.weigh()
		var blocking []string
		for _, f := range r.Flags {
			if f.Blocking {
				blocking = append(blocking, f.Name)
			}
		}
		subjects := int64(0)
		for _, u := range r.Comparisons {
			subjects += u.Enrollment.Control.Subjects + u.Enrollment.Treatment.Subjects
		}
		for _, want := range c.flags {
			if !slices.Contains(blocking, want) || d.Action != analysis.Investigate {
				row.Violation("%s: %s, flags %v, want %s", c.name, d.Action, blocking, want)
			}
		}
		if c.ok && (subjects < 500 || slices.Contains(blocking, "missing_subject") || slices.Contains(blocking, "crossover")) {
			row.Violation("%s: %d people, flags %v", c.name, subjects, blocking)
		}
		if !c.ok && subjects > 1 {
			row.Violation("%s: %d people", c.name, subjects)
		}
		row.Done()
	}
}
