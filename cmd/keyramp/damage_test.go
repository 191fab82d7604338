package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyramp/fixtures/damage"
	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
)

// A wreck is a store that is harmed and mended again and again through the real binary.
type wreck struct {
	*story
	since string
	kept  damage.Files // the whole store
	want  string       // what an unbroken run leaves
	limit time.Duration
}

// file is the path of one of the store's files.
func (w *wreck) file(suffix string) string { return filepath.Join(w.store, "keyramp.duckdb"+suffix) }

// newWreck pulls a tenant's log, with log the last half so that its commits stay in the log beside the store.
func newWreck(t *testing.T, log bool) *wreck {
	t.Helper()
	s := tell(t, tenant.Config{Seed: 9, Users: 150, Days: 8})
	w := &wreck{story: s.with("wreck"), since: s.world.Start().Add(-time.Hour).Format(time.RFC3339), limit: 5 * time.Minute}
	end := s.world.End().Add(3 * time.Hour)
	if log {
		s.server.SetNow(s.world.Start().AddDate(0, 0, 4))
		w.pull(0)
		s.server.SetNow(end)
		w.pull(0, "KEYRAMP_TEST_LOG=1", "KEYRAMP_TEST_BATCH=50")
	} else {
		s.server.SetNow(end)
		w.pull(0)
	}
	whole := w.with("whole")
	whole.keyramp(0, "pull", "--rate", "0", "--since", w.since)
	w.want = whole.tables()
	var err error
	if w.kept, err = damage.Snapshot(w.file(""), w.file(".wal"), w.file(".undo")); err != nil {
		t.Fatal(err)
	}
	if log == (w.kept[w.file(".wal")] == nil) {
		t.Fatalf("a log is wanted: %v; it has %d bytes", log, len(w.kept[w.file(".wal")]))
	}
	return w
}

// exec runs the real binary and returns its exit status and what it said; a signal or a run without end is status -1.
func (w *wreck) exec(env []string, args ...string) (code int, said string) {
	w.t.Helper()
	cmd := exec.Command("keyramp", append(args, "--store", w.store)...)
	cmd.Env = append(append([]string{"PATH=" + os.Getenv("PATH")}, w.env...), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	end := time.AfterFunc(w.limit, func() { cmd.Process.Kill() })
	defer end.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// pull fetches what is new and wants this status.
func (w *wreck) pull(want int, env ...string) {
	w.t.Helper()
	if code, said := w.exec(env, "pull", "--rate", "0", "--since", w.since); code != want {
		w.t.Fatalf("pull: exit %d, want %d\n%s", code, want, said)
	}
}

// harm restores the whole store and harms one of its files.
func (w *wreck) harm(suffix string, kind damage.Kind, r *rand.Rand) string {
	w.t.Helper()
	if err := w.kept.Restore(); err != nil {
		w.t.Fatal(err)
	}
	how, err := damage.Harm(w.file(suffix), kind, r, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return suffix + " " + how
}

// mend repairs, when the store is refused, and pulls: then the store is the one that was never harmed. It tells
// whether the store was refused.
func (w *wreck) mend(row *tier.Row, how, suffix string, ask ...string) (refused bool) {
	w.t.Helper()
	harmed, err := os.ReadFile(w.file(suffix))
	if err != nil {
		w.t.Fatal(err)
	}
	code, said := w.exec(nil, ask...)
	switch code {
	case exitOK:
	case exitStore:
		refused = true
		if !strings.Contains(said, "keyramp repair") {
			row.Violation("%s: no word of repair:\n%s", how, said)
		}
		if code, said := w.exec(nil, "repair"); code != exitStore {
			row.Violation("%s: repair without --yes: exit %d\n%s", how, code, said)
		}
		if now, err := os.ReadFile(w.file(suffix)); err != nil || !bytes.Equal(now, harmed) {
			row.Violation("%s: repair without --yes changed the store: %v", how, err)
		}
		if code, said := w.exec(nil, "repair", "--yes"); code != exitOK && code != exitData {
			row.Violation("%s: repair --yes: exit %d\n%s", how, code, said)
			return refused
		}
		aside, _ := filepath.Glob(filepath.Join(w.store, "damaged-*", "keyramp.duckdb"+suffix))
		if len(aside) != 1 {
			row.Violation("%s: put aside: %v", how, aside)
		} else if now, err := os.ReadFile(aside[0]); err != nil || !bytes.Equal(now, harmed) {
			row.Violation("%s: what was put aside is not what was there: %v", how, err)
		}
		for _, path := range aside {
			os.RemoveAll(filepath.Dir(path))
		}
	default:
		row.Violation("%s: keyramp %v: exit %d\n%s", how, ask, code, said)
	}
	if code, said := w.exec(nil, "pull", "--rate", "0", "--since", w.since); code != exitOK {
		row.Violation("%s: pull: exit %d\n%s", how, code, said)
		return refused
	}
	if w.tables() != w.want {
		row.Violation("%s: another store than one that was never harmed", how)
	}
	return refused
}

// A log that ends too early loses its last commits, rows and cursors together.
func TestLogCut(t *testing.T) {
	row := tier.Begin(t, "C4", tier.Size{Test: 4, Chaos: 25, Soak: 200})
	w := newWreck(t, true)
	r, refused := rand.New(rand.NewPCG(4, 4)), 0
	for range row.Rounds() {
		if w.mend(row, w.harm(".wal", damage.Cut, r), ".wal", "pull", "--rate", "0", "--since", w.since) {
			refused++
		}
		row.Done()
	}
	row.Note("refused", fmt.Sprintf("%d of %d", refused, row.Rounds()))
}

// A log that is damaged is told, put aside, and fetched again.
func TestLogDamaged(t *testing.T) {
	row := tier.Begin(t, "C5", tier.Size{Test: 4, Chaos: 25, Soak: 400})
	w := newWreck(t, true)
	r, refused := rand.New(rand.NewPCG(5, 5)), 0
	kinds := []damage.Kind{damage.Flip, damage.Zeros, damage.Garbage, damage.Longer}
	for n := range row.Rounds() {
		if w.mend(row, w.harm(".wal", kinds[n%len(kinds)], r), ".wal", "status") {
			refused++
		}
		row.Done()
	}
	row.Note("refused", fmt.Sprintf("%d of %d", refused, row.Rounds()))
	if refused < row.Rounds()/2 {
		t.Errorf("only %d of %d damaged logs were refused: the test has lost its teeth", refused, row.Rounds())
	}
}

// A file that is damaged is found so, and what it held comes back.
func TestStoreDamaged(t *testing.T) {
	row := tier.Begin(t, "C6", tier.Size{Test: 5, Chaos: 25, Soak: 200})
	w := newWreck(t, false)
	r, found, flips := rand.New(rand.NewPCG(6, 6)), 0, 0
	kinds := []damage.Kind{damage.Flip, damage.Cut, damage.Empty, damage.Garbage, damage.Foreign, damage.Flip, damage.Flip, damage.Flip}
	for n := range row.Rounds() {
		kind := kinds[n%len(kinds)]
		// What was not found did no harm, or the tables would differ.
		refused := w.mend(row, w.harm("", kind, r), "", "doctor", "--offline", "--deep")
		switch {
		case kind != damage.Flip && !refused:
			row.Violation("%s was not found", kind)
		case kind == damage.Flip && refused:
			found++
			fallthrough
		case kind == damage.Flip:
			flips++
		}
		row.Done()
	}
	row.Note("flips found, of all blocks", fmt.Sprintf("%d of %d", found, flips))
}

// A log whose replay ends the process, or does not end, is damage like any other.
func TestProbeThatDiesOrHangs(t *testing.T) {
	w := newWreck(t, true)
	defer func(d time.Duration) { probeLeast = d }(probeLeast)
	probeLeast = time.Second
	for marker, end := range map[string]struct {
		says string
		code int
	}{
		"probe-dies":   {"ended the process", exitStore},
		"probe-hangs":  {"did not end", exitStore},
		"probe-killed": {"memory may have run out", exitResources}, // which is no damage
	} {
		if err := w.kept.Restore(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(w.store, marker)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"status"}, {"pull"}, {"doctor", "--offline"}, {"query", "select 1"}, {"repair"}} {
			var out bytes.Buffer
			args = append(args, "--store", w.store, "--lock-wait", "1s")
			if code := run(t.Context(), w.env, args, strings.NewReader(""), &out, &out); code != end.code || !strings.Contains(strings.Join(strings.Fields(out.String()), " "), end.says) {
				t.Errorf("%s: keyramp %v: exit %d\n%s", marker, args, code, &out)
			}
		}
		os.Remove(path)
	}
	w.keyramp(0, "status") // the log was whole
}
