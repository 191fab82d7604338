package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
)

// A fault is what one call of the system gives a run instead of what it asks for.
type fault struct {
	call  string
	error string // EIO, …; "" kills the process at its entry into the call
	nth   int    // call of the thread that makes it
}

func (f fault) String() string {
	if f.error == "" {
		return fmt.Sprintf("killed at %s number %d", f.call, f.nth)
	}
	return fmt.Sprintf("%s number %d fails with %s", f.call, f.nth, f.error)
}

// Errors that a disk or a folder gives, by the calls that meet them.
var faults = map[string][]string{
	"fsync": {"EIO", "ENOSPC"}, "fdatasync": {"EIO", "ENOSPC"}, "ftruncate": {"EIO", "ENOSPC"},
	"write": {"EIO", "ENOSPC"}, "pwrite64": {"EIO", "ENOSPC"},
	"openat": {"EACCES", "ENOSPC", "EIO"}, "mkdirat": {"EACCES", "ENOSPC"},
	"rename": {"EIO", "EACCES"}, "renameat": {"EIO", "ENOSPC", "EACCES"}, "renameat2": {"EIO", "EACCES"},
	"linkat": {"EIO", "ENOSPC", "EACCES"}, "unlink": {"EIO", "EACCES"}, "unlinkat": {"EIO", "EACCES"},
}

// Calls that reach more than our files, and are watched on named ones only.
var common = []string{"openat", "write"}

func needStrace(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("strace", "-qq", "-e", "trace=none", "true").CombinedOutput(); err != nil {
		t.Skipf("needs strace, and the right to trace: %v %s", err, out)
	}
}

// traced is a command of the real binary under strace, which writes to log.
func (s *story) traced(log string, options []string, args ...string) *exec.Cmd {
	cmd := s.command(args...)
	words := append([]string{"strace", "-f", "-qq", "-e", "signal=none", "-o", log}, options...)
	path, err := exec.LookPath("strace")
	if err != nil {
		s.t.Fatal(err)
	}
	keyramp, err := exec.LookPath("keyramp")
	if err != nil {
		s.t.Fatal(err)
	}
	cmd.Path, cmd.Args = path, append(append(words, keyramp), cmd.Args[1:]...)
	return cmd
}

// storeFiles are the files of a store, whether they are there or not.
func (s *story) storeFiles() []string {
	var out []string
	for _, name := range append(atRest, "keyramp.duckdb.wal", "") {
		out = append(out, filepath.Join(s.store, name))
	}
	return out
}

// on restricts strace to these files.
func on(paths []string) (options []string) {
	for _, path := range paths {
		options = append(options, "-P", path)
	}
	return options
}

var callLine = regexp.MustCompile(`^(\d+) +(\w+)\(`)

// calls counts the calls of a command by their name: the most that one thread makes, which
// is how strace counts.
func (s *story) calls(paths []string, args ...string) map[string]int {
	s.t.Helper()
	log := filepath.Join(s.t.TempDir(), "calls")
	cmd := s.traced(log, []string{"--seccomp-bpf", "-y", "-e", "trace=" + strings.Join(slices.Sorted(maps.Keys(faults)), ",")}, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("keyramp %v under strace: %v\n%s", args, err, out)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		s.t.Fatal(err)
	}
	most, byThread := map[string]int{}, map[[2]string]int{}
	for line := range strings.Lines(string(text)) {
		m := callLine.FindStringSubmatch(line)
		if m == nil || slices.Contains(common, m[2]) && !slices.ContainsFunc(paths, func(path string) bool {
			return strings.Contains(line, `"`+path+`"`) || strings.Contains(line, "<"+path+">")
		}) {
			continue
		}
		key := [2]string{m[1], m[2]}
		byThread[key]++
		most[m[2]] = max(most[m[2]], byThread[key])
	}
	return most
}

// inject runs a command with one fault, and tells whether it met it.
func (s *story) inject(f fault, paths []string, args ...string) (met bool, code int, errw string) {
	s.t.Helper()
	log := filepath.Join(s.t.TempDir(), "injected")
	what, options := "error="+f.error, []string{"--seccomp-bpf"} // much faster
	if f.error == "" {
		what, options = "signal=SIGKILL", nil // not every signal arrives with it
	}
	if slices.Contains(common, f.call) {
		options = append(options, on(paths)...)
	}
	options = append(options, "-e", "trace="+f.call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", f.call, what, f.nth))
	cmd := s.traced(log, options, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	cmd.Run()
	if !stop() {
		s.t.Fatalf("keyramp %v did not end: %v\n%s", args, f, &said)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		s.t.Fatal(err)
	}
	met = bytes.Contains(text, []byte("(INJECTED)"))
	if f.error == "" {
		// strace ends as the run does, unless it was the run's probe that was killed
		met = cmd.ProcessState.ExitCode() < 0 || strings.Contains(said.String(), "the process that read it was killed")
	}
	return met, cmd.ProcessState.ExitCode(), said.String()
}

// A faulted row draws faults among the calls that a command makes.
type faulted struct {
	*killer
	kill  bool // at the call, instead of an error from it
	codes map[int]int
	byErr map[string]int
}

func (k *faulted) draw(most map[string]int) fault {
	names := slices.Sorted(maps.Keys(most))
	f := fault{call: names[k.rand.IntN(len(names))]}
	f.nth = 1 + k.rand.IntN(most[f.call])
	if !k.kill {
		f.error = faults[f.call][k.rand.IntN(len(faults[f.call]))]
	}
	return f
}

// round runs a command with a fault and holds its end: damage or a lack is told as such,
// and where the fault did no harm the run may end well.
func (k *faulted) round(s *story, f fault, paths []string, args ...string) (met bool) {
	k.t.Helper()
	k.tried++
	met, code, errw := s.inject(f, paths, args...)
	if met {
		k.killed++
		k.Done()
		k.codes[code]++
		k.byErr[strings.TrimSpace(f.call+" "+f.error)]++
	}
	switch code {
	case exitOK:
	case exitResources, exitStore:
		if !met {
			k.Violation("keyramp %v ends with %d, and nothing was injected (%v)\n%s", args, code, f, errw)
		}
	default:
		if !k.kill || !met {
			k.Violation("keyramp %v: %v: exit %d\n%s", args, f, code, errw)
		}
	}
	return met
}

func (k *faulted) close() {
	var met, codes []string
	for _, name := range slices.Sorted(maps.Keys(k.byErr)) {
		met = append(met, fmt.Sprintf("%s %d", name, k.byErr[name]))
	}
	for _, code := range slices.Sorted(maps.Keys(k.codes)) {
		codes = append(codes, fmt.Sprintf("%d: %d", code, k.codes[code]))
	}
	k.Note("injected", strings.Join(met, ", "))
	if !k.kill {
		k.Note("ended with", strings.Join(codes, ", "))
	}
	k.Note("never reached", fmt.Sprint(k.tried-k.killed))
	k.Note("torn", fmt.Sprint(k.torn))
}

// Calls on the store's and the outputs' files fail, or are where a run is killed. Nothing is
// lost or doubled, outputs are whole, and the next run goes on.
func TestCallsThatFail(t *testing.T) {
	needStrace(t)
	s, pull := pulls(t, tenant.Config{Seed: 21, Users: 250, Days: 10})
	_, page := s.files(1)
	whole := s.with("whole")
	whole.keyramp(0, pull...)
	want := whole.tables()
	few := append(pull, "--max-pages", "3")

	dir := t.TempDir()
	logs := []string{"import", "logs", s.pack(dir, "a.ndjson.gz", 0, 0.6, tenant.NDJSON), s.pack(dir, "b.json", 0.5, 1, tenant.Array)}
	imported := s.with("imported")
	imported.keyramp(0, logs...)
	imported.keyramp(0, "import", "page", page)
	wantImported := imported.tables()

	trial := s.with("trial")
	first := trial.calls(trial.storeFiles(), few...)
	later := trial.calls(trial.storeFiles(), few...)
	trial = s.with("trial import")
	importing := trial.calls(trial.storeFiles(), logs...)
	outputs := newOutputs(t, whole)

	faulty := func(t *testing.T, row *tier.Row, kill bool) {
		k := &faulted{newKiller(t, row), kill, map[int]int{}, map[string]int{}}
		defer k.close()
		outputs.faulted = k
		for life := 0; k.more(); life++ {
			switch life % 3 {
			case 0: // pulls into one store, from none on
				p := s.pulledAs(whole, fmt.Sprint("life-", life))
				ok := true
				for n := 0; n < 5 && k.more() && ok; n++ {
					most := later
					if n == 0 {
						most = first
					}
					f := k.draw(most)
					k.round(p.story, f, p.storeFiles(), few...)
					ok = k.sound(p, f)
				}
				if ok {
					k.finish(p.story, want, pull)
				}
			case 1: // imports
				p := s.with(fmt.Sprint("life-", life))
				ok := true
				for n := 0; n < 3 && k.more() && ok; n++ {
					f := k.draw(importing)
					k.round(p, f, p.storeFiles(), logs...)
					ok = k.sound(&pulled{story: p}, f)
				}
				if ok {
					k.finish(p, wantImported, logs, []string{"import", "page", page})
				}
			case 2:
				for range 4 {
					if k.more() {
						outputs.round()
					}
				}
			}
		}
	}
	// An error ends a run with a status that says so, or does no harm.
	t.Run("errors", func(t *testing.T) {
		faulty(t, tier.Begin(t, "C1", tier.Size{Test: 16, Chaos: 100, Soak: 2000}), false)
	})
	// Killed between two of its writes.
	t.Run("kills", func(t *testing.T) {
		faulty(t, tier.Begin(t, "K1", tier.Size{Test: 6, Chaos: 40, Soak: 1000}), true)
	})
}

// sound wants a store to hold what it says it holds.
func (k *faulted) sound(p *pulled, f fault) bool {
	k.t.Helper()
	st, err := p.seen()
	if err == nil && st != nil {
		if err = accounts(st); err == nil && p.index != nil {
			err = p.check(st, "")
		}
	}
	if err != nil && !(k.kill && k.damaged(p.story, deadRun{code: codeOf(err), errw: err.Error()})) {
		k.Violation("%v: %v", f, err)
	}
	return err == nil
}

// finish ends what faults cut short and compares it with what was never broken.
func (k *faulted) finish(s *story, want string, commands ...[]string) {
	k.t.Helper()
	for _, args := range commands {
		s.keyramp(0, args...)
	}
	if s.tables() != want {
		k.Violation("after %d faults the store differs from one that met none", k.killed)
	}
	if rest := left(k.t, s.store, atRest...); len(rest) > 0 {
		k.Violation("the last run left %q", rest)
	}
}

// outputs are files that commands replace while calls fail.
type outputs struct {
	*faulted
	s      *story
	places []*output
}

type output struct {
	args     []string
	path     string
	versions []map[string]string
	now      int
	most     map[string]int
}

func newOutputs(t *testing.T, s *story) *outputs {
	dir, reports := t.TempDir(), t.TempDir()
	o := &outputs{nil, s, []*output{
		{args: []string{"export", "daily", "--overwrite", "--out", dir}, path: filepath.Join(dir, "daily")},
		{args: []string{"report", "--format", "json", "--output", filepath.Join(reports, "report.json")}, path: filepath.Join(reports, "report.json")},
	}}
	for _, place := range o.places {
		for n := range 2 {
			s.keyramp(0, o.command(place, n)...)
			place.versions = append(place.versions, filesIn(t, place.path))
		}
		place.most = s.calls(append(s.storeFiles(), place.path), o.command(place, 1)...)
		place.now = 1
	}
	return o
}

func (o *outputs) command(place *output, version int) []string {
	return append(place.args, "--as-of", o.s.world.End().AddDate(0, 0, 5*version-4).Format(time.RFC3339))
}

// round fails a command and wants the old output or the new one, whole; then the new one of a
// command that does not fail.
func (o *outputs) round() {
	o.t.Helper()
	place := o.places[o.rand.IntN(len(o.places))]
	f := o.draw(place.most)
	o.faulted.round(o.s, f, append(o.s.storeFiles(), place.path), o.command(place, 1-place.now)...)
	switch got := filesIn(o.t, place.path); {
	case maps.Equal(got, place.versions[1-place.now]):
		place.now = 1 - place.now
	case !maps.Equal(got, place.versions[place.now]):
		o.Violation("%v: %s is neither the old one nor the new one: %d files", f, place.path, len(got))
	}
	place.now = 1 - place.now
	o.s.keyramp(0, o.command(place, place.now)...)
	if !maps.Equal(filesIn(o.t, place.path), place.versions[place.now]) {
		o.Violation("%v: the next run wrote something else", f)
	}
	if rest := left(o.t, filepath.Dir(place.path), filepath.Base(place.path)); len(rest) > 0 {
		o.Violation("%v: the next run left %q", f, rest)
	}
}
