package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"keyramp/fixtures/tier"
)

// A hostile runs commands in this process against a store of its own.
type hostile struct {
	t   *testing.T
	env []string
}

func newHostile(t *testing.T) *hostile {
	return &hostile{t, []string{"KEYRAMP_STORE=" + filepath.Join(t.TempDir(), "store"), "HOME=" + t.TempDir(), "COLUMNS=80"}}
}

// run returns the exit status and what was printed.
func (h *hostile) run(args ...string) (code int, out, errw string) {
	var o, e bytes.Buffer
	code = run(context.Background(), h.env, args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// must wants one of these exit statuses.
func (h *hostile) must(want int, args ...string) string {
	h.t.Helper()
	code, out, errw := h.run(args...)
	if code != want {
		h.t.Fatalf("keyramp %q: exit %d, want %d\n%s", args, code, want, errw)
	}
	return out
}

func (h *hostile) write(name string, lines ...any) string {
	h.t.Helper()
	var b bytes.Buffer
	for _, l := range lines {
		raw, err := json.Marshal(l)
		if err != nil {
			h.t.Fatal(err)
		}
		b.Write(append(raw, '\n'))
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(h.t.TempDir(), name)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return path
}

// object is a JSON object.
type object = map[string]any

// login is an event whose every kept text is one and the same.
func login(n int, text string) object {
	at := time.Date(2026, 11, 3, 9, 0, n, 0, time.UTC)
	return object{"log_id": fmt.Sprintf("%s %d", text, n), "date": at.Format(time.RFC3339), "type": "s", "client_id": text,
		"connection": text, "strategy": text, "user_id": text,
		"details": object{"session_id": text, "experiment": object{"experiment_id": text, "variation_id": text, "is_control": n%2 == 0, "allocation_strategy": text}}}
}

// payloads are texts that a statement made of strings would run.
func payloads(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("testdata/injection.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
}

// counted is what a store holds, as its own status tells it.
func (h *hostile) counted() (events, pages, rejects, filtered int64, sources int) {
	h.t.Helper()
	var s statusDoc
	if err := json.Unmarshal([]byte(h.must(0, "status", "-f", "json")), &s); err != nil {
		h.t.Fatal(err)
	}
	for _, r := range s.Rejects {
		rejects += r.Count
	}
	for _, f := range s.Filtered {
		filtered += f.Count
	}
	return s.Events, s.PageEvents, rejects, filtered, len(s.Sources)
}

// Text that would be SQL, in every id, name, file name, setting and argument, stays text: no row changes, and every
// text comes back as it went in.
func TestInjection(t *testing.T) {
	all := payloads(t)
	row := tier.Begin(t, "S3", tier.Size{Test: 24, Chaos: 2 * len(all), Soak: 12 * len(all)})
	h := newHostile(t)
	var logs, pages []any
	experiments, codes := object{}, object{}
	for i, p := range all {
		logs = append(logs, login(2*i, p), login(2*i+1, p), object{"log_id": p, "date": "2026-11-03T10:00:00Z", "type": p})
		pages = append(pages, object{"id": p, "time": "2026-11-03T09:00:00Z", "event": "completed", "experiment_id": p, "variation_id": "v", "user_id": p})
		experiments[p] = object{"control": p, "continues": []string{p + "?"}, "phases": []object{{"from": "2026-11-01T00:00:00Z", "weights": map[string]int{p: 50, p + "2": 50}}}}
		codes[p] = "guard"
	}
	settings := h.write("keyramp.yaml", object{"experiments": experiments, "event_types": codes,
		"test_traffic": object{"clients": []string{"'; --"}, "users": all}}) // JSON is YAML
	h.env = append(h.env, "KEYRAMP_CONFIG="+settings)
	h.must(0, "import", "logs", h.write("logs.ndjson", logs...))
	h.must(0, "import", "page", "--max-reject-ratio", "1", h.write("page.ndjson", pages...))
	dir, files := t.TempDir(), 0
	for i, p := range all {
		if name := p + ".ndjson"; files < row.Rounds()/4 && !strings.ContainsAny(name, "/\x00") && name[0] != '-' {
			h.write(filepath.Join(dir, name), login(2*i, p))
			h.must(0, "import", "logs", filepath.Join(dir, name))
			files++
		}
	}
	wantPages := int64(0) // the contract lets in ids of a harmless form alone
	check := func(after string) {
		t.Helper()
		events, stored, rejects, _, sources := h.counted()
		if events != int64(3*len(all)) || stored != wantPages || rejects != int64(len(all))-wantPages || sources != 2+files {
			row.Violation("after %s: %d events, %d page events, %d rejects, %d sources; want %d, %d, %d, %d", after,
				events, stored, rejects, sources, 3*len(all), wantPages, int64(len(all))-wantPages, 2+files)
		}
	}
	_, wantPages, _, _, _ = h.counted()
	check("the imports")
	var listed struct{ Experiments []experimentDoc }
	if err := json.Unmarshal([]byte(h.must(0, "experiments", "list", "-f", "json")), &listed); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range listed.Experiments {
		got = append(got, e.Experiment)
	}
	want := slices.Clone(all)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		row.Violation("%d experiments went in, these came back: %q", len(want), got)
	}

	out := t.TempDir()
	const asOf = "--as-of=2026-11-04T00:00:00Z"
	commands := []func(p string) []string{
		func(p string) []string { return []string{"report", asOf, "-f", "json", "--", p} },
		func(p string) []string { return []string{"decide", asOf, "-f", "csv", "--", p} },
		func(p string) []string { return []string{"experiments", "show", "-f", "json", "--", p} },
		func(p string) []string {
			return []string{"export", "events", "--out", out, "--overwrite", asOf, "--", p}
		},
		func(p string) []string {
			return []string{"export", "daily", "--out", out, "--overwrite", "--as", "parquet", asOf, "--", p}
		},
		func(p string) []string { return []string{"report", "--as-of", p} },
		func(p string) []string { return []string{"report", "--since", p} },
		func(p string) []string { return []string{"export", p, "--out", out} },
		func(p string) []string {
			return []string{"export", "logins", "--until", p, "--out", filepath.Join(out, "x")}
		},
		func(p string) []string { return []string{"report", asOf, "--", p + "?"} }, // not in the store
		func(p string) []string { return []string{"status", "--store", filepath.Join(out, "nosuch", p)} },
		func(p string) []string { return []string{"rejects", "retry", "--map", p} },
	}
	db := filepath.Join(strings.TrimPrefix(h.env[0], "KEYRAMP_STORE="), "keyramp.duckdb")
	before := hashOf(t, db)
	decided := map[string]bool{}
	for i := range row.Rounds() {
		args := commands[i%len(commands)](all[i*7%len(all)])
		code, _, errw := h.run(args...)
		mayFail := i%len(commands) > 4
		if code != 0 && !mayFail || code == exitInternal || code == exitStore || mayFail && code != exitUsage && code != exitConfig {
			row.Violation("keyramp %q: exit %d\n%s", args, code, errw)
		}
		if i%len(commands) == 3 && code == 0 {
			raw, err := os.ReadFile(filepath.Join(out, "events", "part-0.csv"))
			if err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
			if err != nil || len(rows) != 3 {
				row.Violation("%q exports %d rows, %v; want a head and 2", args, len(rows), err)
			}
		}
		after := hashOf(t, db)
		if args[0] == "decide" { // it appends its record
			decided[args[len(args)-1]] = true
		} else if after != before {
			row.Violation("keyramp %q changed the store", args)
		}
		before = after
		row.Done()
	}
	check("all commands")
	var recorded struct{ Decisions []decisionLine }
	if err := json.Unmarshal([]byte(h.must(0, "decisions", "list", "-f", "json")), &recorded); err != nil {
		t.Fatal(err)
	}
	for _, d := range recorded.Decisions {
		if !decided[d.Experiment] {
			row.Violation("a decision about %q was recorded twice, or nobody asked for it", d.Experiment)
		}
		delete(decided, d.Experiment)
	}
	if len(decided) > 0 {
		row.Violation("decisions about %d experiments are not recorded", len(decided))
	}
}

func hashOf(t *testing.T, path string) string {
	t.Helper()
	_, sum, err := digest(path)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// orders are texts that a terminal obeys, or that turn what is read around.
var orders = []string{"\x1b[31mred", "\x1b]0;title\x07", "\x1b[2J\x1b[H", "a\rb", "a\bb\b\b", "\x9b31m", "\u202egnp.exe", "\u2066x\u2069", "a\tb",
	"\u200bzero", "\ufeffbom", "\x7f", "a\x00b", "\u0085", "\u2028line", "a\nkeyramp: all is well", "\U000e0041tag", "\u00adsoft", "\x1bPq#0\x1b\\", "\x07bell"}

// Names in tables, accounts, warnings and errors are shown, never obeyed.
func TestTerminalOrders(t *testing.T) {
	row := tier.Begin(t, "S7", tier.Size{Test: 4, Chaos: len(orders)})
	h := newHostile(t)
	var logs []any
	for i, o := range orders {
		logs = append(logs, login(i, "exp "+o))
	}
	logs = append(logs, object{"log_id": "x"})
	dir := t.TempDir()
	plain := func(where, s string) {
		t.Helper()
		for _, r := range s {
			if r != '\n' && hidden(r) {
				row.Violation("%s prints %q as it is:\n%q", where, r, s)
				return
			}
		}
	}
	say := func(args ...string) {
		t.Helper()
		code, out, errw := h.run(args...)
		if code == exitInternal {
			row.Violation("keyramp %q: exit %d\n%s", args, code, errw)
		}
		plain(fmt.Sprintf("keyramp %q", args), out)
		plain(fmt.Sprintf("keyramp %q, stderr", args), errw)
	}
	h.must(0, "import", "logs", "--max-reject-ratio", "1", h.write("a.ndjson", logs...))
	for i, o := range orders[:row.Rounds()] {
		name := strings.NewReplacer("\x00", "", "/", "").Replace(o)
		path := h.write(filepath.Join(dir, name+".ndjson"), login(i, "exp "+o), object{"log_id": name + "?"})
		say("import", "logs", path, "--log-level", "debug")
		say("import", "logs", path+".nosuch")
		id := "exp " + o
		say("report", "-f", "table", "--as-of", "2026-11-04", "--", id)
		say("report", "-f", "markdown", "--as-of", "2026-11-04", "--", id)
		say("decide", "-f", "table", "--as-of", "2026-11-04", "--", id)
		say("experiments", "show", "-f", "table", "--", id)
		say("export", "daily", "--out", filepath.Join(dir, name+"x"), "--as-of", "2026-11-04", "--", id)
		say("report", "--as-of", o)
		say("report", "--", "no "+o)
		say("status", "--color", o)
		say("status", "-f", "table", "--store", filepath.Join(dir, name+"nosuch"))
		say(o)
		say("--" + name)
		row.Done()
	}
	for _, args := range [][]string{{"status"}, {"rejects"}, {"experiments", "list"}} {
		say(append(args, "-f", "table")...)
	}
	say("experiments", "list", "-f", "markdown")
	say("report", "-f", "table") // which one? it lists them
}

// Names lead nowhere: not an id that looks like a path, not a link in the place of what is written.
func TestPathTricks(t *testing.T) {
	h := newHostile(t)
	ids := []string{"../../x", "/etc/x", "..\\x", "a/b", "x=y", "C:\\x", "%2e%2e", ".", "..", "con", "a\x00b", "~"}
	const links = 6
	row := tier.Begin(t, "S8", tier.Size{Test: 3 + links, Chaos: len(ids) + links})
	ids = ids[:row.Rounds()-links]
	var logs []any
	for i, id := range ids {
		logs = append(logs, login(2*i, id), login(2*i+1, id))
	}
	root := t.TempDir()
	outside, inside := filepath.Join(root, "outside"), filepath.Join(root, "inside")
	for _, dir := range []string{outside, inside, filepath.Join(outside, "daily")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"kept.txt", "daily/_manifest.json", "daily/kept.txt", "z.ndjson"} {
		h.write(filepath.Join(outside, name), login(99, "outside"))
	}
	h.must(0, "import", "logs", h.write("a.ndjson", logs...))
	before := tree(t, root, "inside")
	same := func(what string) {
		t.Helper()
		if after := tree(t, root, "inside"); !slices.Equal(after, before) {
			row.Violation("%s changed what is outside:\n%q\n%q", what, before, after)
		}
		row.Done()
	}
	link := func(target, name string) string {
		path := filepath.Join(inside, name)
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const asOf = "--as-of=2026-11-04"
	for _, id := range ids {
		h.must(0, "export", "events", "--out", inside, "--overwrite", asOf, "--", id)
		h.must(0, "report", "-f", "html", "-o", filepath.Join(inside, "report.html"), asOf, "--", id)
		same(id)
	}
	// A link in the place of a file or of an export is replaced, and what it points to stays.
	h.must(0, "report", "-f", "html", "-o", link("../outside/kept.txt", "report.html2"), asOf, "--", ids[0])
	same("a report in the place of a link")
	h.must(0, "status", "--summary-file", link("../outside/kept.txt", "summary.json"))
	same("a summary in the place of a link")
	link("../outside/daily", "daily")
	h.must(0, "export", "daily", "--out", inside, "--overwrite", asOf)
	same("an export in the place of a link")
	link("../outside/none", "logins")
	h.must(exitUsage, "export", "logins", "--out", inside, "--overwrite", asOf)
	same("an export in the place of a link to nothing")
	// A folder is read without what its links to other folders hold; a pattern gives what it matches and no more.
	logsDir := filepath.Join(inside, "logs")
	if err := os.Mkdir(logsDir, 0o700); err != nil {
		t.Fatal(err)
	}
	h.write(filepath.Join(logsDir, "a.ndjson"), login(0, ids[0]))
	link("../../outside", "logs/more")
	for _, from := range []string{logsDir, filepath.Join(logsDir, "*.ndjson")} {
		if out := h.must(0, "import", "logs", from); !strings.Contains(out, "1 received = 0 stored + 1 duplicate") {
			row.Violation("%s: %s", from, out)
		}
		same(from)
	}
}

// tree is every path below root with its content or target, but those below the folder skip.
func tree(t *testing.T, root, skip string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == skip:
			return fs.SkipDir
		case d.Type().IsRegular():
			all = append(all, path+" "+hashOf(t, path))
		default:
			all = append(all, path+" "+d.Type().String())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
