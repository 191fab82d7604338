package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rivo/uniseg"

	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
)

// documents are the commands that print something for people.
func documents(asOf string) [][]string {
	return [][]string{{"report", "--as-of", asOf}, {"decide", "--as-of", asOf}, {"status"}, {"rejects"}, {"experiments", "list"}, {"experiments", "show"}, {"plan"},
		{"doctor"}, {"query", "from ev_full select at_utc, type limit 3"}, {"query", "--views"}, {"version"}, {"--help"}, {"pull", "--help"}}
}

// filled is a store with everything that a document may show.
func filled(t *testing.T) (s *story, asOf string) {
	s = tell(t, tenant.Config{Seed: 13, Users: 400, Days: 9})
	logs, page := s.files(1)
	s.keyramp(0, "import", "logs", logs[0])
	s.keyramp(0, "import", "page", page)
	bad := filepath.Join(t.TempDir(), strings.Repeat("a long name ", 9)+".ndjson")
	if err := os.WriteFile(bad, []byte("{\"log_id\":\"1\",\"date\":\"2026-11-03\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.keyramp(exitData, "import", "logs", bad)
	return s, s.world.End().Format(time.RFC3339)
}

// Output fits its width, has colour only where it is wanted, and a reader that goes away is no failure.
func TestOutputFits(t *testing.T) {
	s, asOf := filled(t)
	all := documents(asOf)
	row := tier.Begin(t, "U6", tier.Size{Test: 4 * len(all)})
	for _, args := range all {
		for _, with := range []struct {
			width int
			env   []string
			color bool
		}{
			{40, []string{"COLUMNS=40"}, false},
			{80, []string{"COLUMNS=80", "NO_COLOR=1", "CLICOLOR_FORCE=1"}, false},
			{200, []string{"COLUMNS=200", "CLICOLOR_FORCE=1"}, true},
			{80, []string{"TERM=dumb"}, false}, // no terminal at all
		} {
			words := slices.Clone(args)
			if words[0] != "--help" && words[len(words)-1] != "--help" && words[0] != "version" {
				words = append(words, "--store", s.store, "-f", "table")
			}
			var out, errw bytes.Buffer
			code := run(context.Background(), append(slices.Clone(s.env), with.env...), words, strings.NewReader(""), &out, &errw)
			if code != 0 && words[0] != "doctor" {
				row.Violation("%q with %q: exit %d\n%s", words, with.env, code, &errw)
			}
			if strings.Contains(out.String(), "\x1b") && !with.color {
				row.Violation("%q with %q is coloured", words, with.env)
			}
			if out.Len() == 0 {
				row.Violation("%q with %q prints nothing", words, with.env)
			}
			for l := range strings.Lines(ansi.ReplaceAllString(out.String(), "")) {
				l = strings.TrimSuffix(l, "\n")
				if n := uniseg.StringWidth(l); n > max(with.width, least(args)) {
					row.Violation("%q with %q: %d cells of %d:\n%s", words, with.env, n, with.width, l)
				}
				if strings.HasSuffix(l, " ") {
					row.Violation("%q with %q: spaces at a line's end: %q", words, with.env, l)
				}
			}
			row.Done()
		}
		// The reader goes after the first bytes.
		words := append(slices.Clone(args), "--store", s.store)
		var errw bytes.Buffer
		if code := run(context.Background(), s.env, words, strings.NewReader(""), &leaver{n: 1}, &errw); code != 0 && words[0] != "doctor" || strings.Contains(errw.String(), "pipe") {
			row.Violation("%q into a closed pipe: exit %d\n%s", words, code, &errw)
		}
	}
}

// least is the width that a document needs: help is written for 80 cells, numbers stand side by side in 64 or 80, and the
// rest folds itself into any width.
func least(args []string) int {
	switch args[0] {
	case "--help", "pull", "plan":
		return 80
	case "report", "decide", "query", "experiments":
		return 64
	}
	return 40
}

// A leaver is a reader that has seen enough after n writes.
type leaver struct{ n int }

func (l *leaver) Write(p []byte) (int, error) {
	if l.n--; l.n < 0 {
		return 0, &os.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}
	}
	return len(p), nil
}
