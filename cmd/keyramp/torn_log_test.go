package main

import (
	"math/rand/v2"
	"os"
	"testing"
)

// A log whose first commit is torn is an empty one to DuckDB, which leaves it there for good: repair puts it aside, and
// the next pull fetches what it held.
func TestLogOfNothing(t *testing.T) {
	w := newWreck(t, true)
	log, err := os.ReadFile(w.file(".wal"))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, at := range []int{10, 300, 453} {
		if err := w.kept.Restore(); err != nil {
			t.Fatal(err)
		}
		for i := at; i < len(log); i++ {
			log[i] = byte(r.Uint32())
		}
		if err := os.WriteFile(w.file(".wal"), log, 0o600); err != nil {
			t.Fatal(err)
		}
		if code, said := w.exec(nil, "repair"); code != exitStore {
			t.Errorf("torn from byte %d: exit %d\n%s", at, code, said)
		}
		if code, said := w.exec(nil, "repair", "--yes"); code != exitOK {
			t.Errorf("torn from byte %d: exit %d\n%s", at, code, said)
		}
		w.pull(0)
		for _, name := range left(t, w.store, atRest...) {
			if name == "keyramp.duckdb.wal" {
				t.Errorf("torn from byte %d: the log is still there", at)
			}
		}
		if w.tables() != w.want {
			t.Errorf("torn from byte %d: another store than one that was never harmed", at)
		}
		for _, name := range left(t, w.store, atRest...) {
			os.RemoveAll(w.store + "/" + name)
		}
	}
	// A log that holds commits is none of these.
	if err := w.kept.Restore(); err != nil {
		t.Fatal(err)
	}
	if code, said := w.exec(nil, "repair"); code != exitOK {
		t.Errorf("a whole log: exit %d\n%s", code, said)
	}
}
