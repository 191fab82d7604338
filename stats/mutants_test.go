package stats

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A mutant is one wrong edit of a formula: a bound swapped, a factor or a square dropped, a sign turned.
type mutant struct{ file, from, to string }

// mutants reads testdata/mutants.txt: a file, and after it pairs of lines, - what stands there and + what takes its place.
func mutants(t *testing.T) (out []mutant) {
	raw, err := os.ReadFile("testdata/mutants.txt")
	if err != nil {
		t.Fatal(err)
	}
	var file string
	for i, l := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		switch {
		case strings.HasPrefix(l, "- "):
			out = append(out, mutant{file: file, from: l[2:]})
		case strings.HasPrefix(l, "+ ") && len(out) > 0 && out[len(out)-1].to == "":
			out[len(out)-1].to = l[2:]
		case l != "" && !strings.HasPrefix(l, "#"):
			file = l
		case l == "" || strings.HasPrefix(l, "#"):
		default:
			t.Fatalf("testdata/mutants.txt:%d: neither a file nor an edit", i+1)
		}
	}
	return out
}

// TestMutants applies each edit to the sources as a test sees them and runs the tests of the package, which must fail. That
// takes some minutes, so it is `make mutants`; without it only the edits themselves are checked.
func TestMutants(t *testing.T) {
	all := mutants(t)
	if len(all) < 20 {
		t.Fatalf("%d edits", len(all))
	}
	long := os.Getenv("KEYRAMP_MUTANTS") != ""
	if long { // else a package that is broken anyway would catch everything
		if out, survived := mutated(t, nil); !survived {
			t.Fatalf("without any edit the tests fail:\n%s", out)
		}
	}
	caught := 0
	for _, m := range all {
		raw, err := os.ReadFile(m.file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(raw), m.from); n != 1 || m.to == "" {
			t.Errorf("%s has %q %d times", m.file, m.from, n)
			continue
		}
		if !long {
			continue
		}
		path := filepath.Join(t.TempDir(), m.file)
		if err := os.WriteFile(path, []byte(strings.Replace(string(raw), m.from, m.to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		abs, err := filepath.Abs(m.file)
		if err != nil {
			t.Fatal(err)
		}
		out, survived := mutated(t, map[string]string{abs: path})
		first := "by running too long"
		for _, l := range strings.Split(out, "\n") {
			if strings.Contains(l, "--- FAIL") || strings.Contains(l, "panic:") {
				first = strings.TrimSpace(l)
				break
			}
		}
		switch {
		case strings.Contains(out, "[build failed]"):
			t.Errorf("%s: %q for %q does not compile:\n%s", m.file, m.to, m.from, out)
		case survived:
			t.Errorf("%s: nobody minds %q for %q", m.file, m.to, m.from)
		default:
			caught++
			t.Logf("caught  %-14s %s  ->  %s  (%s)", m.file, m.from, m.to, first)
		}
	}
	if long {
		t.Logf("%d of %d edits caught", caught, len(all))
	}
}

// mutated runs the package's tests with some files replaced.
func mutated(t *testing.T, replace map[string]string) (out string, survived bool) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(overlay, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "test", "-vet=off", "-overlay", overlay, "-timeout", "2m", ".")
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "KEYRAMP_MUTANTS=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	b, err := cmd.CombinedOutput()
	return string(b), err == nil
}
