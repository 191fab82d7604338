package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rivo/uniseg"
	"github.com/rogpeppe/go-internal/testscript"

	"keyramp/fixtures/tenant"
	"keyramp/queries/duckdb"
)

// A stage holds the world that a script made and the server that speaks for it.
type stage struct {
	world  *tenant.World
	server *tenant.Server
}

type stageKey struct{}

// The scripts' own commands.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"exits":   cmdExits,
	"world":   cmdWorld,
	"tenant":  cmdTenant,
	"now":     cmdNow,
	"logs":    cmdLogs,
	"page":    cmdPage,
	"expand":  cmdExpand,
	"lock":    cmdLock,
	"narrow":  cmdNarrow,
	"nopii":   cmdNoPII,
	"awkward": cmdAwkward,
	"asked":   cmdAsked,
	"person":  cmdPerson,
	"keyof":   cmdKeyOf,
}

// exits N command … runs a command and wants this exit status.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits N command …")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := err.(*exec.ExitError)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if (got == want) == neg {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// settingsOf reads name=value arguments.
func settingsOf(ts *testscript.TestScript, args []string) map[string]string {
	out := map[string]string{}
	for _, a := range args {
		k, v, ok := strings.Cut(a, "=")
		if !ok {
			ts.Fatalf("%q is not name=value", a)
		}
		out[k] = v
	}
	return out
}

func number(ts *testscript.TestScript, text string, otherwise int) int {
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}

// world [users=N] [days=N] [seed=N] [retention=DAYS] [ramp=1] makes people and
// their log, and sets EXPERIMENT, CONTROL and TREATMENT.
func cmdWorld(ts *testscript.TestScript, _ bool, args []string) {
	opt := settingsOf(ts, args)
	c := tenant.Config{Seed: uint64(number(ts, opt["seed"], 1)), Users: number(ts, opt["users"], 800), Days: number(ts, opt["days"], 10),
		Retention: time.Duration(number(ts, opt["retention"], 30)) * 24 * time.Hour}
	if opt["ramp"] != "" {
		start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		c.Phases = []tenant.Phase{{At: start, Weight: 10}, {At: start.AddDate(0, 0, c.Days/2), Weight: 25}}
	}
	w := tenant.New(c)
	ts.Value(stageKey{}).(*stage).world = w
	control, treatment := w.VariationIDs()
	ids := w.ExperimentIDs()
	ts.Setenv("EXPERIMENT", ids[len(ids)-1])
	ts.Setenv("CONTROL", control)
	ts.Setenv("TREATMENT", treatment)
}

func worldOf(ts *testscript.TestScript) *tenant.World {
	w := ts.Value(stageKey{}).(*stage).world
	if w == nil {
		ts.Fatalf("no world: say `world` first")
	}
	return w
}

// tenant [at=TIME] [clock=DURATION] [scopes=a,b] [rate=N] [trouble=wait] serves
// the world on loopback until the script ends, and sets the environment that pull
// reads. With clock the present is the machine's, so far ahead of it.
func cmdTenant(ts *testscript.TestScript, _ bool, args []string) {
	opt := settingsOf(ts, args)
	w := worldOf(ts)
	o := tenant.ServerOptions{Now: w.End().Add(3 * time.Hour)}
	if v := opt["at"]; v != "" {
		t, err := time.Parse(time.RFC3339, v)
		ts.Check(err)
		o.Now = t
	}
	if v := opt["scopes"]; v != "" {
		o.Scopes = strings.Split(v, ",")
	}
	if v := opt["rate"]; v != "" {
		o.RatePerSecond, o.Burst = float64(number(ts, v, 0)), 2
	}
	switch opt["trouble"] {
	case "wait": // far longer than anybody's patience
		o.Before = func(rw http.ResponseWriter, _ *http.Request) bool {
			rw.Header().Set("Retry-After", "86400")
			rw.WriteHeader(http.StatusTooManyRequests)
			return true
		}
	}
	var s *tenant.Server
	if v := opt["clock"]; v != "" {
		ahead, err := time.ParseDuration(v)
		ts.Check(err)
		o.Before = func(rw http.ResponseWriter, _ *http.Request) bool {
			now := time.Now().Add(ahead)
			s.SetNow(now)
			rw.Header().Set("Date", now.UTC().Format(http.TimeFormat))
			return false
		}
	}
	s = tenant.NewServer(w, o)
	ts.Check(s.Start("127.0.0.1:0"))
	ts.Defer(func() { s.Close() })
	ts.Value(stageKey{}).(*stage).server = s
	ts.Setenv("AUTH0_DOMAIN", s.URL())
	ts.Setenv("AUTH0_CLIENT_ID", s.ClientID)
	ts.Setenv("AUTH0_CLIENT_SECRET", s.ClientSecret)
	ts.Setenv("KEYRAMP_PAGE_URL", s.PageURL())
	ts.Setenv("KEYRAMP_PAGE_TOKEN", s.PageToken)
}

// asked METHOD-AND-PATH … wants these requests of the tenant since it began, and no others.
func cmdAsked(ts *testscript.TestScript, _ bool, args []string) {
	var got []string
	for _, r := range ts.Value(stageKey{}).(*stage).server.Requests() {
		got = append(got, r.Method+" "+r.Path)
	}
	if !slices.Equal(got, args) {
		ts.Fatalf("the tenant was asked for %q", got)
	}
}

// now TIME moves the tenant's present.
func cmdNow(ts *testscript.TestScript, _ bool, args []string) {
	t, err := time.Parse(time.RFC3339, args[0])
	ts.Check(err)
	ts.Value(stageKey{}).(*stage).server.SetNow(t)
}

var forms = map[string]tenant.Form{"ndjson": tenant.NDJSON, "array": tenant.Array, "stream": tenant.StreamLines,
	"object": tenant.StreamObject, "eventbridge": tenant.EventBridge, "flat": tenant.Flat}

// logs FILE [from=%] [to=%] [form=…] writes a part of the world's log; a name
// that ends in .gz is compressed.
func cmdLogs(ts *testscript.TestScript, _ bool, args []string) {
	opt := settingsOf(ts, args[1:])
	w := worldOf(ts)
	var b bytes.Buffer
	from, to := number(ts, opt["from"], 0)*w.Len()/100, number(ts, opt["to"], 100)*w.Len()/100
	ts.Check(w.WriteLogs(&b, from, to, forms[first(opt["form"], "ndjson")]))
	data := b.Bytes()
	if strings.HasSuffix(args[0], ".gz") {
		var z bytes.Buffer
		zw := gzip.NewWriter(&z)
		_, err := zw.Write(data)
		ts.Check(err)
		ts.Check(zw.Close())
		data = z.Bytes()
	}
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o755))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

// page FILE [form=…] writes the page's events.
func cmdPage(ts *testscript.TestScript, _ bool, args []string) {
	opt := settingsOf(ts, args[1:])
	var b bytes.Buffer
	ts.Check(worldOf(ts).WritePage(&b, forms[first(opt["form"], "ndjson")]))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}

// expand FILE replaces ${NAME} in a file by the script's environment.
func cmdExpand(ts *testscript.TestScript, _ bool, args []string) {
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// lock STORE holds the run lock of a store until the script ends.
func cmdLock(ts *testscript.TestScript, _ bool, args []string) {
	unlock, err := duckdb.Lock(context.Background(), ts.MkAbs(args[0]), 0)
	ts.Check(err)
	ts.Defer(unlock)
}

// narrow FILE [CELLS] wants no line wider than 80 cells, or as many as said.
func cmdNarrow(ts *testscript.TestScript, _ bool, args []string) {
	limit := 80
	if len(args) > 1 {
		limit = number(ts, args[1], 80)
	}
	for i, line := range strings.Split(ts.ReadFile(args[0]), "\n") {
		line = strings.TrimRight(ansi.ReplaceAllString(line, ""), "\r")
		if n := uniseg.StringWidth(line); n > limit {
			ts.Fatalf("%s:%d is %d cells wide:\n%s", args[0], i+1, n, line)
		}
	}
}

// nopii PATH … wants nothing of the world's people in files and folders.
func cmdNoPII(ts *testscript.TestScript, _ bool, args []string) {
	pii := worldOf(ts).PII()
	for _, arg := range args {
		if arg == "stdout" || arg == "stderr" {
			findPII(ts, arg, []byte(ts.ReadFile(arg)), pii)
			continue
		}
		ts.Check(filepath.WalkDir(ts.MkAbs(arg), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err == nil {
				findPII(ts, path, data, pii)
			}
			return err
		}))
	}
}

// findPII looks for every text of pii that is long enough not to occur by
// chance: a short address is found inside other numbers.
func findPII(ts *testscript.TestScript, where string, data []byte, pii []string) {
	for _, p := range pii {
		if len(p) >= 8 && bytes.Contains(data, []byte(p)) {
			ts.Fatalf("%s holds personal data of the fixture: %q", where, p)
		}
	}
}

// awkward NAME FILE writes an input that breaks a rule.
func cmdAwkward(ts *testscript.TestScript, _ bool, args []string) {
	good := `{"log_id":"90020261103091412418207000000000000001223372055510042117","date":"2026-11-03T09:14:11.902Z","type":"s"}`
	var data []byte
	switch args[0] {
	case "empty":
	case "long-line": // one byte over the limit of a record, between two good ones
		data = fmt.Appendf(nil, "%s\n{\"log_id\":\"%s\"}\n%s\n", good, strings.Repeat("7", 1<<20), strings.Replace(good, "2117", "2118", 1))
	case "utf8":
		data = fmt.Appendf(nil, "%s\n{\"log_id\":\"9\",\"date\":\"2026-11-03T09:14:11Z\",\"type\":\"\xff\xfe\"}\n", good)
	case "brackets":
		data = fmt.Appendf(nil, "%s\n{\"log_id\":\"9\",\"details\":%s%s}\n", good, strings.Repeat("[", 10_000), strings.Repeat("]", 10_000))
	case "cut-gzip":
		var z bytes.Buffer
		zw := gzip.NewWriter(&z)
		for i := range 2000 {
			fmt.Fprintln(zw, strings.Replace(good, "042117", fmt.Sprintf("%06d", i), 1))
		}
		zw.Close()
		data = z.Bytes()[:z.Len()*2/3]
	default:
		ts.Fatalf("no awkward input is called %q", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o600))
}

// person FILE N … writes the user ids of people of the world who logged in, one a line.
func cmdPerson(ts *testscript.TestScript, _ bool, args []string) {
	var ids []string
	w := worldOf(ts)
	for i := range w.Len() {
		var e struct {
			Type   string `json:"type"`
			UserID any    `json:"user_id"` // some events have it in another form
		}
		ts.Check(json.Unmarshal(w.AppendEvent(nil, i), &e))
		if id, ok := e.UserID.(string); ok && e.Type == "s" && id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	var text string
	for _, arg := range args[1:] {
		text += ids[number(ts, arg, 0)] + "\n"
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// keyof FILE sets KEY to the second line of a CSV.
func cmdKeyOf(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv("KEY", strings.TrimSpace(strings.Split(ts.ReadFile(args[0]), "\n")[1]))
}
