package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"keyramp/analysis"
	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
)

// long says whether the tests that take minutes run too.
func long() bool { return os.Getenv("KEYRAMP_LONG") != "" }

// tables is everything that a store holds of a world, in one order: equal
// stores give equal texts.
func (s *story) tables() string {
	s.t.Helper()
	var all strings.Builder
	out := s.t.TempDir()
	for _, name := range exportNames() {
		s.keyramp(0, "export", name, "--out", out, "--as", "csv", "--as-of", s.world.End().AddDate(0, 0, 1).Format(time.RFC3339))
		files, err := filepath.Glob(filepath.Join(out, name, "*.csv"))
		if err != nil || len(files) == 0 {
			s.t.Fatalf("export %s left no CSV: %v", name, err)
		}
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				s.t.Fatal(err)
			}
			lines := strings.Split(string(raw), "\n")
			slices.Sort(lines)
			fmt.Fprintf(&all, "%s %d lines\n%s\n", name, len(lines), strings.Join(lines, "\n"))
		}
	}
	return all.String()
}

// with is the same tenant seen by another store, which knows people by the same pseudonyms.
func (s *story) with(store string) *story {
	s.t.Helper()
	other := *s
	other.store, other.begun = filepath.Join(s.t.TempDir(), store), false
	if err := os.Mkdir(other.store, 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other.store, "pseudonym.key"), []byte("sixteen byte key"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return &other
}

// files writes the world's log as n files, the page's events as one, and settings that state the phases.
func (s *story) files(n int) (logs []string, page string) {
	s.t.Helper()
	dir := s.t.TempDir()
	write := func(name string, fill func(io.Writer) error) string {
		path := filepath.Join(dir, name)
		f, err := os.Create(path)
		if err == nil {
			err = fill(f)
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			s.t.Fatal(err)
		}
		return path
	}
	for i := range n {
		logs = append(logs, write(fmt.Sprintf("logs-%d.ndjson", i), func(w io.Writer) error {
			return s.world.WriteLogs(w, s.world.Len()*i/n, s.world.Len()*(i+1)/n, tenant.NDJSON)
		}))
	}
	page = write("page.ndjson", func(w io.Writer) error { return s.world.WritePage(w, tenant.NDJSON) })
	control, treatment := s.world.VariationIDs()
	settings := write("keyramp.yaml", func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "experiments:\n  %s:\n    control: %s\n    phases:\n      - from: %s\n        weights: {%s: 90, %s: 10}\n",
			s.server.ExperimentIDs[0], control, s.world.Start().Format(time.RFC3339), control, treatment)
		return err
	})
	s.env = append(s.env, "KEYRAMP_CONFIG="+settings)
	return logs, page
}

// Importing twice and overlapping leave what one import leaves.
func TestImportTwiceAndOverlapping(t *testing.T) {
	s := tell(t, tenant.Config{Seed: 4, Users: 600, Days: 14})
	logs, page := s.files(3)
	whole := s.with("whole")
	whole.keyramp(0, append([]string{"import", "logs"}, logs...)...)
	whole.keyramp(0, "import", "page", page)
	want := whole.tables()

	again := s.with("again")
	for range 2 {
		again.keyramp(0, append([]string{"import", "logs"}, logs...)...)
		again.keyramp(0, "import", "page", page)
	}
	if again.tables() != want {
		t.Error("a second import of the same files changed the store")
	}

	overlap := s.with("overlap")
	path := filepath.Join(t.TempDir(), "all.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.world.WriteLogs(f, 0, s.world.Len(), tenant.StreamObject); err != nil {
		t.Fatal(err)
	}
	f.Close()
	overlap.keyramp(0, "import", "logs", logs[1])
	overlap.keyramp(0, "import", "page", page)
	overlap.keyramp(0, "import", "logs", path)
	if overlap.tables() != want {
		t.Error("overlapping files in another form and order left another store")
	}
}

// The same question gets the same bytes, whatever comes later and in whatever order.
func TestAsOfDoesNotMove(t *testing.T) {
	row := tier.Begin(t, "R3", tier.Size{Test: 2, Chaos: 12, Soak: 120})
	for round := range row.Rounds() {
		r := rand.New(rand.NewPCG(uint64(round), 8))
		s := tell(t, tenant.Config{Seed: 5 + uint64(round), Users: 500 + r.IntN(1000), Days: 10 + r.IntN(5), PageUserIDs: r.IntN(2) == 0})
		// The events of one day are logged after the day's end when they are late: the first
		// of the files holds everything dated before asOf, as a complete import does.
		files := 2 + r.IntN(3)
		logs, page := s.files(files)
		first := 1 + r.IntN(files-1)
		asOf := s.world.Logged(s.world.Len()*first/files - 1).Add(-time.Hour).Format(time.RFC3339)
		formats := []string{"json", "csv"}
		if round == 0 {
			formats = append(formats, "table", "markdown")
		}
		ask := func(s *story) string {
			var all string
			for _, format := range formats {
				all += s.keyramp(0, "report", "--as-of", asOf, "--format", format)
				all += s.keyramp(0, "decide", "--as-of", asOf, "--format", format)
			}
			return all
		}
		early := s.with("early")
		early.keyramp(0, append([]string{"import", "logs"}, logs[:first]...)...)
		early.keyramp(0, "import", "page", page)
		before := ask(early)
		for _, later := range logs[first:] {
			early.keyramp(0, "import", "logs", later)
			early.keyramp(0, "report", "--format", "json")
		}
		if ask(early) != before {
			row.Violation("round %d: a later import changed an earlier report", round)
		}
		backwards := s.with("backwards")
		backwards.keyramp(0, "import", "page", page)
		for _, part := range slices.Backward(logs) {
			backwards.keyramp(0, "import", "logs", part)
		}
		if ask(backwards) != before {
			row.Violation("round %d: another order of imports changed the report", round)
		}
		row.Done()
	}
}

// No person of a tenant can be found in anything that keyramp writes. Row P1.
func TestNobodyIsWrittenDown(t *testing.T) {
	row := tier.Begin(t, "P1", tier.Size{Test: 1, Chaos: 2, Soak: 10})
	for round := range row.Rounds() {
		s := tell(t, tenant.Config{Seed: 6 + uint64(round), Users: 300, Days: 7, PageUserIDs: true, ForcedUsers: 2, TestClient: true})
		dir := t.TempDir()
		s.store = filepath.Join(dir, "store")
		summary := filepath.Join(dir, "summary.json")
		s.server.SetNow(s.world.End().Add(time.Hour))
		since := s.world.Start().Add(-time.Hour).Format(time.RFC3339)
		var said bytes.Buffer
		say := func(in io.Reader, args ...string) {
			cmd := exec.Command("keyramp", append(args, "--store", s.store, "--log-level", "debug", "-v")...)
			cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, s.env...)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &said, &said
			if err := cmd.Run(); err != nil {
				t.Fatalf("keyramp %v: %v\n%s", args, err, &said)
			}
		}
		say(nil, "pull", "--rate", "0", "--since", since, "--summary-file", summary)
		broken := filepath.Join(t.TempDir(), "broken.ndjson") // outside of dir: it holds people
		var lines bytes.Buffer
		for i := range 200 { // records that are put aside: cut short, or without a date
			line := s.world.AppendEvent(nil, i)
			lines.Write(line[:len(line)*2/3])
			lines.WriteByte('\n')
			lines.Write(bytes.Replace(line, []byte(`"date"`), []byte(`"dated"`), 1))
			lines.WriteByte('\n')
		}
		if err := os.WriteFile(broken, lines.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		say(nil, "import", "logs", broken, "--max-reject-ratio", "1")
		for _, format := range []string{"table", "json", "csv", "markdown", "html"} {
			say(nil, "report", "-f", format)
		}
		say(nil, "decide")
		say(nil, "rejects")
		say(nil, "status")
		say(nil, "experiments", "list")
		export := func(into string) {
			for _, name := range exportNames() {
				say(nil, "export", name, "--out", filepath.Join(dir, into, "csv"), "--as", "csv")
				say(nil, "export", name, "--out", filepath.Join(dir, into, "parquet"), "--as", "parquet")
			}
		}
		export("before")
		people := s.people()
		var some []string // those whom the log names
		for _, p := range people {
			if strings.HasPrefix(p, "auth0|") && len(some) < 3 {
				some = append(some, p)
			}
		}
		say(strings.NewReader(strings.Join(some, "\n")), "forget", "--users-from", "-", "--dry-run")
		say(strings.NewReader(strings.Join(some, "\n")), "forget", "--users-from", "-", "--yes", "--summary-file", filepath.Join(dir, "forget.json"))
		say(nil, "purge", "--older-than", s.world.Start().AddDate(0, 0, 2).Format(time.DateOnly), "--yes")
		say(nil, "key", "rotate", "--yes")
		say(nil, "pull", "--rate", "0")
		say(nil, "report")
		say(nil, "doctor")

		written := search{}
		written.add("what was said", said.Bytes())
		written.tree(t, dir)
		written.add("the tables", []byte(s.everyTable()))
		people = append(people, s.server.ClientSecret, s.server.PageToken)
		if len(people) < 1000 || len(written) < 20 || len(some) < 3 {
			t.Fatalf("%d names and %d files: nothing to search", len(people), len(written))
		}
		for path, raw := range written {
			for _, person := range people {
				if len(person) >= 6 && bytes.Contains(raw, []byte(person)) {
					row.Violation("%s holds %q", path, person)
				}
			}
		}
		row.Note("names, places searched", fmt.Sprintf("%d, %d", len(people), len(written)))
		row.Done()
	}
}

// people is every text of the world's log that is about a person, and what the fixture knows of its people.
func (s *story) people() []string {
	s.t.Helper()
	all := map[string]bool{}
	for _, p := range s.world.PII() {
		all[p] = true
	}
	for i := range s.world.Len() {
		var e map[string]any
		if err := json.Unmarshal(s.world.AppendEvent(nil, i), &e); err != nil {
			s.t.Fatal(err)
		}
		for _, name := range []string{"user_id", "user_name", "ip", "client_ip", "user_agent", "description"} {
			if text, ok := e[name].(string); ok && len(text) >= 8 {
				all[text] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// A report that starts while a long import runs answers for what is committed.
func TestReportDuringImport(t *testing.T) {
	users, copies := 8000, 1
	if long() {
		copies = 10 // more than a million events
	}
	s := tell(t, tenant.Config{Seed: 8, Users: users, Days: 21})
	logs, page := s.files(4)
	paths := slices.Clone(logs)
	for i := 1; i < copies; i++ { // more people, so that nothing is a duplicate
		other := tell(t, tenant.Config{Seed: 8 + uint64(i), Users: users, Days: 21})
		more, _ := other.files(1)
		paths = append(paths, more...)
	}
	s.keyramp(0, "import", "page", page)
	s.keyramp(0, "import", "logs", logs[0])
	cmd := exec.Command("keyramp", append(append([]string{"import", "logs"}, paths...), "--store", s.store)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, s.env...)
	var errw bytes.Buffer
	cmd.Stderr = &errw
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	experiment := s.server.ExperimentIDs[0]
	asOf := s.world.Logged(s.world.Len()/4 - 1).Add(-time.Hour).Format(time.RFC3339)
	reports, slowest, want := 0, time.Duration(0), ""
	for running := true; running; reports++ {
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("import: %v\n%s", err, &errw)
			}
			running = false
		default:
		}
		began := time.Now()
		var whole struct{ Report analysis.Report }
		if err := json.Unmarshal([]byte(s.keyramp(0, "report", experiment, "--as-of", asOf, "--format", "json")), &whole); err != nil {
			t.Fatal(err)
		}
		r := whole.Report
		slowest = max(slowest, time.Since(began))
		// Everything that it asks about is committed since before the import began.
		if got := fmt.Sprint(r.Recipe.Logins, len(r.Recipe.Variations), r.Recipe.Variations[0].Logins, r.Recipe.Variations[1].Enrollments); want == "" {
			want = got
		} else if got != want {
			t.Errorf("a report during the import counts %s, the first one counted %s", got, want)
		}
	}
	t.Logf("%d reports while the import ran, the slowest took %v", reports, slowest)
	if reports < 2 {
		t.Error("the import was over before a report could start")
	}
}
