//go:build unix

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"keyramp/fixtures/damage"
	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
	"keyramp/queries/store"
)

// pulls is a story whose tenant has said all it will, and the command that fetches it.
func pulls(t *testing.T, c tenant.Config) (s *story, pull []string) {
	s = tell(t, c)
	s.server.SetNow(s.world.End().Add(3 * time.Hour))
	return s, []string{"pull", "--rate", "0", "--since", s.world.Start().Add(-time.Hour).Format(time.RFC3339)}
}

// A pulled is what a store must hold behind a cursor of the tenant's log.
type pulled struct {
	*story
	index   map[string]int64 // of the world's events by log_id
	repeats map[string]int64 // records of each source that even an unbroken run meets twice
}

// pulledAs is a store that should become what an unbroken run left in another one.
func (s *story) pulledAs(whole *story, name string) *pulled {
	p := &pulled{s.with(name), map[string]int64{}, map[string]int64{}}
	st, err := whole.seen()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, src := range st.Sources {
		p.repeats[src.Cursor.Source] = src.Account.Duplicate
	}
	for i := range s.world.Len() {
		p.index[s.world.LogID(i)] = int64(i)
	}
	return p
}

// check wants exactly the events up to the cursor, each once, and the cursor no earlier
// than what was acknowledged before.
func (p *pulled) check(st *store.Status, acknowledged string) error {
	if err := accounts(st); err != nil {
		return err
	}
	for _, src := range st.Sources {
		if src.Account.Duplicate > p.repeats[src.Cursor.Source] {
			return fmt.Errorf("%s: %d records were read again: the cursor stood behind the rows", src.Cursor.Source, src.Account.Duplicate)
		}
		if !strings.HasPrefix(src.Cursor.Source, "auth0:") {
			continue
		}
		at, ok := p.index[src.Cursor.Position]
		if ok && src.Account.Received != at+1 {
			return fmt.Errorf("%d events behind a cursor that stands on event %d", src.Account.Received, at+1)
		}
		if before, known := p.index[acknowledged]; known && ok && at < before {
			return fmt.Errorf("the cursor stands on event %d, and event %d was acknowledged", at+1, before+1)
		}
		if !ok && src.Account.Received < int64(p.world.Len()) {
			return fmt.Errorf("the cursor stands behind the world, and only %d of %d events were received", src.Account.Received, p.world.Len())
		}
	}
	return nil
}

// lastAcknowledged is the newest cursor of the tenant's log that a run went on from.
func (p *pulled) lastAcknowledged(points []point) (position string) {
	for _, q := range points {
		if _, ok := p.index[q.about]; ok && q.name == "acknowledged" {
			position = q.about
		}
	}
	return position
}

// A pull that is killed at any moment leaves what it acknowledged, nothing twice and the
// cursor on the last row; started again it ends as one that was never broken.
func TestKilledPull(t *testing.T) {
	row := tier.Begin(t, "K1", tier.Size{Test: 20, Chaos: 200, Soak: 5000})
	k := newKiller(t, row)
	defer k.close()
	s, pull := pulls(t, tenant.Config{Seed: 3, Users: 500, Days: 14})
	whole := s.with("whole")
	whole.keyramp(0, pull...)
	want := whole.tables()
	few := append(pull, "--max-pages", "4") // every run has a commit, and the kill falls before, into or after it
	trial := s.with("trial")
	first, firstTook := trial.unbroken(few...)
	later, laterTook := trial.unbroken(few...)

	for life := 0; k.more(); life++ {
		p := s.pulledAs(whole, fmt.Sprint("life-", life))
		acknowledged := ""
		torn := false
		for kill := 0; kill < 10 && k.more() && !torn; kill++ {
			points, usual := later, laterTook
			if kill == 0 {
				points, usual = first, firstTook
			}
			e := k.choose(points, usual)
			r := k.round(p.story, e, few...)
			if at := p.lastAcknowledged(r.points); at != "" {
				acknowledged = at
			}
			st, err := p.seen()
			switch {
			case err != nil:
				torn = k.damaged(p.story, deadRun{code: codeOf(err), errw: err.Error()})
				if !torn {
					k.Violation("%v: %v", e, err)
				}
			case st == nil && acknowledged != "":
				k.Violation("%v: the store is gone", e)
			case st != nil:
				if err := p.check(st, acknowledged); err != nil {
					k.Violation("%v: %v", e, err)
				}
			}
		}
		if torn {
			continue
		}
		p.keyramp(0, pull...)
		st, err := p.seen()
		if err == nil {
			err = p.check(st, acknowledged)
		}
		if err != nil {
			k.Violation("after the last run: %v", err)
		}
		if p.tables() != want {
			k.Violation("after %d kills the store differs from one unbroken run", k.killed)
		}
		if rest := left(t, p.store, atRest...); len(rest) > 0 {
			k.Violation("the last run left %q", rest)
		}
	}
}

// codeOf is the status that an error of the store ends a run with.
func codeOf(err error) int {
	code, _ := exitCode(context.Background(), err)
	return code
}

// pack writes a file of the world's log from one share to another in a form.
func (s *story) pack(dir, name string, from, to float64, form tenant.Form) string {
	s.t.Helper()
	var plain, packed bytes.Buffer
	if err := s.world.WriteLogs(&plain, int(from*float64(s.world.Len())), int(to*float64(s.world.Len())), form); err != nil {
		s.t.Fatal(err)
	}
	switch filepath.Ext(name) {
	case ".gz":
		w := gzip.NewWriter(&packed)
		w.Write(plain.Bytes())
		w.Close()
	case ".zst":
		w, _ := zstd.NewWriter(&packed)
		w.Write(plain.Bytes())
		w.Close()
	default:
		packed = plain
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// An import that is killed at any moment has stored what its account says; started again
// it ends as one that was never broken, and a third time it stores nothing.
func TestKilledImport(t *testing.T) {
	row := tier.Begin(t, "K2", tier.Size{Test: 5, Chaos: 80, Soak: 2000})
	k := newKiller(t, row)
	defer k.close()
	s := tell(t, tenant.Config{Seed: 4, Users: 400, Days: 14})
	_, page := s.files(1) // with the settings
	dir := t.TempDir()
	logs := []string{"import", "logs",
		s.pack(dir, "a.ndjson.gz", 0, 0.4, tenant.NDJSON), s.pack(dir, "b.ndjson.zst", 0.3, 0.7, tenant.StreamLines),
		s.pack(dir, "c.json", 0.6, 1, tenant.Array)}
	whole := s.with("whole")
	whole.keyramp(0, logs...)
	whole.keyramp(0, "import", "page", page)
	want := whole.tables()
	trial := s.with("trial")
	first, firstTook := trial.unbroken(logs...)
	later, laterTook := trial.unbroken(logs...)

	for life := 0; k.more(); life++ {
		p := s.with(fmt.Sprint("life-", life))
		torn := false
		before := int64(0)
		for kill := 0; kill < 5 && k.more() && !torn; kill++ {
			points, usual := later, laterTook
			if kill == 0 {
				points, usual = first, firstTook
			}
			e := k.choose(points, usual)
			r := k.round(p, e, logs...)
			promised := before
			for _, q := range r.points {
				if q.name == "acknowledged" {
					promised = max(promised, 1)
				}
			}
			st, err := p.seen()
			switch {
			case err != nil:
				torn = k.damaged(p, deadRun{code: codeOf(err), errw: err.Error()})
				if !torn {
					k.Violation("%v: %v", e, err)
				}
			case st == nil && promised > 0, st != nil && st.Events < promised:
				k.Violation("%v: fewer than %d events are left", e, promised)
			case st != nil:
				if err := accounts(st); err != nil {
					k.Violation("%v: %v", e, err)
				}
				before = st.Events
			}
		}
		if torn {
			continue
		}
		p.keyramp(0, logs...)
		p.keyramp(0, "import", "page", page)
		if p.tables() != want {
			k.Violation("after %d kills the store differs from one unbroken import", k.killed)
		}
		st, err := p.seen()
		if err != nil {
			t.Fatal(err)
		}
		p.keyramp(0, logs...)
		if again, err := p.seen(); err != nil || again.Events != st.Events {
			k.Violation("a third import added %d events (%v)", again.Events-st.Events, err)
		}
		if rest := left(t, p.store, atRest...); len(rest) > 0 {
			k.Violation("the last run left %q", rest)
		}
	}
}

// A run that is told to stop ends within five seconds with the signal's status, keeps all it
// has read, and the next one goes on there.
func TestStoppedPull(t *testing.T) {
	row := tier.Begin(t, "K5", tier.Size{Test: 20, Chaos: 60, Soak: 400})
	k := newKiller(t, row)
	s, pull := pulls(t, tenant.Config{Seed: 5, Users: 500, Days: 14})
	whole := s.with("whole")
	whole.keyramp(0, pull...)
	want := whole.tables()
	slow := append(pull, "--max-pages", "8")
	trial := s.with("trial")
	points, usual := trial.unbroken(slow...)
	slowest := time.Duration(0)

	p := s.pulledAs(whole, "stopped")
	stopped := 0
	for range row.Rounds() {
		k.signal = []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}[k.rand.IntN(2)]
		e := k.choose(points, usual)
		r := p.end(e, slow...)
		row.Done()
		slowest = max(slowest, r.after)
		code := 128 + int(k.signal)
		switch early := len(r.points) == 0; {
		case !r.ended && early: // before the handler was there, the system's way
		case r.code == 0: // it was done
		case r.code != code:
			k.Violation("%v: exit %d, want %d\n%s", e, r.code, code, r.errw)
		default:
			stopped++
		}
		if r.after > 5*time.Second {
			k.Violation("%v: the end came after %v", e, r.after)
		}
		st, err := p.seen()
		if err == nil && st != nil {
			err = p.check(st, p.lastAcknowledged(r.points))
		}
		if err != nil {
			k.Violation("%v: %v", e, err)
		}
		if rest := left(t, p.store, atRest...); len(rest) > 0 && r.ended {
			k.Violation("%v: the run left %q", e, rest)
		}
		if st != nil && len(st.Sources) > 1 { // the world is read: begin again
			p = s.pulledAs(whole, fmt.Sprint("stopped-", stopped))
		}
	}
	p.keyramp(0, pull...)
	if p.tables() != want {
		k.Violation("after %d stops the store differs from one unbroken run", stopped)
	}
	row.Note("stopped in mid-run", fmt.Sprint(stopped))
	row.Note("slowest end", slowest.Round(time.Millisecond).String())
	if stopped < row.Rounds()/4 {
		t.Errorf("only %d of %d runs were stopped in mid-run: the test has lost its teeth", stopped, row.Rounds())
	}
}

// filesIn reads a file, or all files of a folder, with their names; nil when there is none.
func filesIn(t *testing.T, path string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(p)
		name, _ := filepath.Rel(path, p)
		out[name] = string(text)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What a killed command was to replace is wholly the old one or wholly the new one, and
// the next run leaves nothing of the killed one behind.
func TestKilledOutput(t *testing.T) {
	s, pull := pulls(t, tenant.Config{Seed: 9, Users: 400, Days: 10})
	s = s.with("store")
	s.keyramp(0, pull...)
	early, late := s.world.End().AddDate(0, 0, -5).Format(time.RFC3339), s.world.End().AddDate(0, 0, 1).Format(time.RFC3339)
	for _, c := range []struct {
		name  string
		args  []string
		place string
		plain bool // the file system cannot exchange names: a kill may leave none, which the next run brings back
	}{
		{"export", []string{"export", "daily", "--as", "csv", "--overwrite", "--out", "."}, "daily", false},
		{"export by two renames", []string{"export", "daily", "--as", "csv", "--overwrite", "--out", "."}, "daily", true},
		{"report", []string{"report", "--format", "json", "--output", "report.json"}, "report.json", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newKiller(t, tier.Begin(t, "K4", tier.Size{Test: 5, Chaos: 60, Soak: 600}))
			defer k.close()
			s := *s
			s.t = t
			if c.plain {
				s.env = append(slices.Clone(s.env), envPlain+"=1")
			}
			out := t.TempDir()
			t.Chdir(out)
			path := filepath.Join(out, c.place)
			var versions []map[string]string
			var points []point
			var usual time.Duration
			for _, asOf := range []string{early, late} {
				points, usual = s.unbroken(append(c.args, "--as-of", asOf)...)
				versions = append(versions, filesIn(t, path))
			}
			if maps.Equal(versions[0], versions[1]) {
				t.Fatal("the two versions are one: a wrong one would not be seen")
			}
			now, asides := 1, 0
			defer func() { k.Note("brought back by the next run", fmt.Sprint(asides)) }()
			for k.more() {
				e := k.choose(points, usual)
				k.round(&s, e, append(c.args, "--as-of", []string{late, early}[now])...)
				if c.plain && filesIn(t, path) == nil {
					asides++
					s.keyramp(exitUsage, "export", "daily", "--out", ".") // it is there already
				}
				switch got := filesIn(t, path); {
				case maps.Equal(got, versions[1-now]):
					now = 1 - now
				case !maps.Equal(got, versions[now]):
					k.Violation("%v: %s is neither the old one nor the new one: %d files", e, c.place, len(got))
					os.RemoveAll(path)
				}
				if k.tried%4 != 0 {
					continue
				}
				now = 1 - now
				s.keyramp(0, append(c.args, "--as-of", []string{early, late}[now])...)
				if !maps.Equal(filesIn(t, path), versions[now]) {
					k.Violation("%v: the next run wrote something else", e)
				}
				if rest := left(t, out, c.place); len(rest) > 0 {
					k.Violation("%v: the next run left %q", e, rest)
				}
				if rest := left(t, s.store, atRest...); len(rest) > 0 {
					k.Violation("%v: the next run left %q in the store", e, rest)
				}
				for _, name := range left(t, filepath.Join(s.store, "answers")) {
					if !strings.HasSuffix(name, ".json") {
						k.Violation("%v: the next run left %s among the kept answers", e, name)
					}
				}
			}
		})
	}
}

// A store whose making is cut short is made by the next run.
func TestKilledWhileMade(t *testing.T) {
	row := tier.Begin(t, "K4", tier.Size{Test: 4, Chaos: 60, Soak: 600})
	k := newKiller(t, row)
	defer k.close()
	s, pull := pulls(t, tenant.Config{Seed: 9, Users: 50, Days: 2})
	pull = append(pull, "--max-pages", "1")
	points, usual := s.with("trial").unbroken(pull...)
	made := slices.IndexFunc(points, func(p point) bool { return p.name == "read" }) // the tables are there by then
	for n := 0; k.more(); n++ {
		p := s.with(fmt.Sprint("made-", n))
		if err := os.RemoveAll(p.store); err != nil { // its key too
			t.Fatal(err)
		}
		e := k.choose(points[:made], usual)
		k.round(p, e, pull...)
		p.keyramp(0, pull...)
		st, err := p.seen()
		if err == nil && st != nil {
			err = accounts(st)
		}
		if err != nil || st == nil || st.Pages == 0 {
			k.Violation("%v: the next run left %+v (%v)", e, st, err)
		}
		if rest := left(t, p.store, atRest...); len(rest) > 0 {
			k.Violation("%v: the next run left %q", e, rest)
		}
	}
}

// A repair that is killed leaves the damage or what it made of it, and all that was damaged;
// the next one ends it.
func TestKilledRepair(t *testing.T) {
	k := newKiller(t, tier.Begin(t, "K4", tier.Size{Test: 2, Chaos: 30, Soak: 600}))
	defer k.close()
	repair := []string{"repair", "--yes"}
	var wrecks []*wreck
	var points [][]point
	var usual []time.Duration
	suffixes := []string{"", ".wal"}
	for _, suffix := range suffixes {
		w := newWreck(t, suffix == ".wal")
		for try := 1; ; try++ {
			how := w.harm(suffix, damage.Garbage, k.rand)
			began := time.Now()
			r := w.end(end{after: time.Minute}, repair...)
			if !r.ended || r.code != exitOK && r.code != exitData {
				t.Fatalf("repair: exit %d\n%s", r.code, r.errw)
			}
			if slices.ContainsFunc(r.points, func(p point) bool { return p.name == "put aside" }) {
				wrecks, points, usual = append(wrecks, w), append(points, r.points), append(usual, time.Since(began))
				break
			}
			if try == 10 { // the blocks at the end of a store are free at times: garbage there harms nothing
				t.Fatalf("repair of %s reached %v only", how, r.points)
			}
		}
	}
	for k.more() {
		n := k.tried % len(wrecks)
		w := wrecks[n]
		for _, name := range left(t, w.store, atRest...) {
			os.RemoveAll(filepath.Join(w.store, name))
		}
		how := w.harm(suffixes[n], damage.Garbage, k.rand)
		harmed, err := os.ReadFile(w.file(suffixes[n]))
		if err != nil {
			t.Fatal(err)
		}
		e := k.choose(points[n], usual[n])
		k.tried++
		r := w.end(e, repair...)
		if !r.ended {
			k.killed++
			k.Done()
			k.at[first(e.point, "any time")]++
		}
		for _, args := range [][]string{repair, {"pull", "--rate", "0", "--since", w.since}} {
			code, said := w.exec(nil, args...)
			// Where nothing could be brought back, the killed one may have come to its end: no store is there.
			ended := args[0] == "repair" && (code == exitData || code == exitConfig && strings.Contains(said, "no store yet"))
			if code != exitOK && !ended {
				k.Violation("%s, %v: keyramp %v: exit %d\n%s", how, e, args, code, said)
			}
		}
		if w.tables() != w.want {
			k.Violation("%s, %v: another store than one that was never harmed", how, e)
		}
		kept, folders := false, left(t, w.store, atRest...)
		for _, name := range folders {
			if !strings.HasPrefix(name, "damaged-") {
				k.Violation("%s, %v: the next run left %s", how, e, name)
			}
			text, _ := os.ReadFile(filepath.Join(w.store, name, "keyramp.duckdb"+suffixes[n]))
			kept = kept || bytes.Equal(text, harmed)
		}
		if !kept && len(folders) > 0 { // none: what was harmed is in no use
			k.Violation("%s, %v: what was damaged is not kept", how, e)
		}
	}
}
