package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"keyramp/fixtures/tenant"
)

var (
	metricLine = regexp.MustCompile(`^([a-z_:][a-z0-9_:]*)(\{(.*)\})? (\S+)$`)
	labelPair  = regexp.MustCompile(`^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)`)
)

// parseMetrics reads OpenMetrics text strictly: TYPE, then HELP, then the samples of a family, each family and each
// series once, EOF last.
func parseMetrics(text string) (map[string]float64, error) {
	body, ok := strings.CutSuffix(text, "# EOF\n")
	if !ok {
		return nil, fmt.Errorf("it does not end with EOF")
	}
	series, kinds, current := map[string]float64{}, map[string]string{}, ""
	for i, line := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
		bad := func(why string) error { return fmt.Errorf("line %d: %s: %q", i+1, why, line) }
		if f := strings.SplitN(line, " ", 4); f[0] == "#" {
			switch {
			case len(f) < 4 || f[3] == "":
				return nil, bad("a comment that says nothing")
			case f[1] == "TYPE":
				if kinds[f[2]] != "" || f[3] != "gauge" && f[3] != "counter" {
					return nil, bad("a second or unknown type")
				}
				kinds[f[2]], current = f[3], f[2]
			case f[1] != "HELP" || f[2] != current:
				return nil, bad("not the help of the family above")
			}
			continue
		}
		m := metricLine.FindStringSubmatch(line)
		if m == nil {
			return nil, bad("no sample")
		}
		want := current
		if kinds[current] == "counter" {
			want += "_total"
		}
		if m[1] != want {
			return nil, bad("not of the family above")
		}
		for rest := m[3]; rest != ""; {
			pair := labelPair.FindStringSubmatch(rest)
			if pair == nil {
				return nil, bad("labels")
			}
			rest = rest[len(pair[0]):]
		}
		if _, twice := series[m[1]+m[2]]; twice {
			return nil, bad("a second time")
		}
		v, err := strconv.ParseFloat(m[4], 64)
		if err != nil {
			return nil, bad("no number")
		}
		series[m[1]+m[2]] = v
	}
	return series, nil
}

// What is written parses, agrees with the truth, and is what the page of docs says.
func TestMetrics(t *testing.T) {
	s := tell(t, tenant.Config{Seed: 4, Users: 500, Days: 9})
	s.server.SetNow(s.world.End().Add(3 * time.Hour))
	dir := t.TempDir()
	read := func(name string) map[string]float64 {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		series, err := parseMetrics(string(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return series
	}
	pull := []string{"pull", "--rate", "0", "--since", s.world.Start().Add(-time.Hour).Format(time.RFC3339), "--metrics-file", filepath.Join(dir, "pull.prom")}
	s.keyramp(0, pull...)
	pulled := read("pull.prom")
	host := strings.TrimPrefix(s.server.URL(), "http://")
	sum := 0.0
	for _, outcome := range []string{"stored", "duplicate", "filtered", "rejected"} {
		sum += pulled[`keyramp_events{source="auth0:`+host+`",outcome="`+outcome+`"}`]
	}
	if sum < float64(s.world.Len()) || pulled[`keyramp_exit_status{command="pull"}`] != 0 || pulled[`keyramp_last_success_timestamp_seconds{command="pull"}`] == 0 ||
		pulled[`keyramp_gap_seconds_total{source="auth0:`+host+`"}`] != 0 || pulled["keyramp_store_bytes"] < 1e5 {
		t.Errorf("%v", pulled)
	}
	s.keyramp(0, "decide", "--metrics-file", filepath.Join(dir, "decide.prom"), "--as-of", s.world.End().Format(time.RFC3339), "-f", "json")
	decided := read("decide.prom")
	verdicts := 0.0
	for name, v := range decided {
		if strings.HasPrefix(name, "keyramp_decision{") {
			verdicts += v
		}
	}
	control, treatment := s.world.VariationIDs()
	experiment := s.world.ExperimentIDs()[0]
	rate := decided[fmt.Sprintf(`keyramp_variation_rate{experiment=%q,variation=%q,metric="login_success"}`, experiment, control)]
	if verdicts != 1 || rate < 0.9 || rate > 1 || decided[fmt.Sprintf(`keyramp_treatment_share{experiment=%q,variation=%q}`, experiment, treatment)] != 0.1 {
		t.Errorf("%v", decided)
	}

	// A run that fails says so, and keeps the time of the last one that did not.
	s.env = append(s.env, "AUTH0_CLIENT_SECRET=wrong")
	os.Remove(filepath.Join(s.store, "auth0.token"))
	os.RemoveAll(filepath.Join(s.store, "auth0.token"))
	s.keyramp(exitAuth, pull...)
	failed := read("pull.prom")
	if failed[`keyramp_exit_status{command="pull"}`] != exitAuth ||
		failed[`keyramp_last_success_timestamp_seconds{command="pull"}`] != pulled[`keyramp_last_success_timestamp_seconds{command="pull"}`] {
		t.Errorf("%v", failed)
	}

	// Help, a wrong flag and commands that read no settings leave the file; another command does not take over the time.
	before, _ := os.ReadFile(filepath.Join(dir, "pull.prom"))
	for status, args := range map[int][]string{0: {"pull", "--help"}, exitUsage: {"pull", "--no-such-flag"}} {
		s.keyramp(status, append(args, "--metrics-file", filepath.Join(dir, "pull.prom"))...)
	}
	s.keyramp(0, "version", "--metrics-file", filepath.Join(dir, "pull.prom"))
	if after, _ := os.ReadFile(filepath.Join(dir, "pull.prom")); !bytes.Equal(before, after) {
		t.Errorf("the file was replaced:\n%s", after)
	}
	s.keyramp(exitUsage, "status", "--format", "html", "--metrics-file", filepath.Join(dir, "pull.prom"))
	if other := read("pull.prom"); other[`keyramp_last_success_timestamp_seconds{command="status"}`] != 0 || other[`keyramp_exit_status{command="status"}`] != exitUsage {
		t.Errorf("%v", other)
	}
	if info, err := os.Stat(filepath.Join(dir, "pull.prom")); err != nil || info.Mode().Perm()&0o444 != 0o444 {
		t.Errorf("%v, %v", info.Mode(), err)
	}

	// The report prints the experiment's families alone, as a file would have them.
	printed, err := parseMetrics(s.keyramp(0, "report", "-f", "openmetrics", "--as-of", s.world.End().Format(time.RFC3339)))
	if err != nil || len(printed) == 0 {
		t.Errorf("%v: %v", err, printed)
	}
	for name, v := range printed {
		if decided[name] != v {
			t.Errorf("%s is %v, in the file %v", name, v, decided[name])
		}
	}

	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	met := map[string]bool{}
	for _, all := range []map[string]float64{pulled, decided} {
		for name := range all {
			name, _, _ = strings.Cut(name, "{")
			met[name] = true
		}
	}
	for _, m := range metrics {
		name := m.name
		if m.kind == "counter" {
			name += "_total"
		}
		if !met[name] {
			t.Errorf("%s was never written", name)
		}
		if !strings.Contains(string(page), "| `"+name+"` |") || !strings.Contains(string(page), "| "+m.help+" |") {
			t.Errorf("docs/metrics.md has no row of %s: %s", name, m.help)
		}
	}
}

// Whatever stands in a label, the file can be read.
func TestExposition(t *testing.T) {
	odd := "a\"b\\c\nd{e}=,é"
	text := exposition([]sample{{mRate, []string{"experiment", odd, "variation", ""}, 0.25}, {mEvents, []string{"source", "x"}, 1e15}, {mBytes, nil, 3}})
	series, err := parseMetrics(string(text))
	if err != nil || len(series) != 3 || series[`keyramp_variation_rate{experiment="a\"b\\c\nd{e}=,é",variation=""}`] != 0.25 {
		t.Errorf("%v: %v\n%s", err, series, text)
	}
	if series, err := parseMetrics(string(exposition(nil))); err == nil && len(series) != 0 {
		t.Errorf("%v", series)
	}
}

func TestParseExitMap(t *testing.T) {
	for in, want := range map[string]string{"": "map[]", "6=0": "map[6:0]", "6=0,12=99": "map[6:0 12:99]", "0=0": "map[0:0]", "143=255": "map[143:255]"} {
		if m, err := parseExitMap(in); err != nil || fmt.Sprint(map[int]int(m)) != want {
			t.Errorf("%q: %v, %v", in, m, err)
		}
	}
	for _, in := range []string{"6", "6=", "=0", "6=256", "-6=0", "6=0,6=1", "1=0", "2=0", "13=0", "6=0,", "6:0", "six=0", "99=0"} {
		if m, err := parseExitMap(in); err == nil || !strings.Contains(err.Error(), "--map-exit") {
			t.Errorf("%q: %v, %v", in, m, err)
		}
	}
}
