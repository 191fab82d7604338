package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyramp/analysis"
	"keyramp/ingest"
)

// TestConfigFaults: each fault names file, line and rule, and never a value,
// since a secret may stand where it does not belong.
func TestConfigFaults(t *testing.T) {
	for _, c := range []struct{ name, yaml, want string }{
		{"unknown key", "store: x\nstoer: y\n", `:2: unknown key "stoer"`},
		{"nested unknown key", "auth0:\n  domain: x\n  client_secret: hunter2\n", `:3: unknown key "client_secret"`},
		{"wrong type", "auth0:\n  rate: hunter2\n", `:2: a number is expected, found str`},
		{"a list for a section", "plan: [1, 2]\n", `:1: a section with keys is expected, found seq`},
		{"twice", "store: x\nstore: y\n", `:2: key "store" stands here a second time`},
		{"a part for a whole", "plan:\n  min_dwell_days: 1.5\n", `:2: plan.min_dwell_days: a whole number is expected`},
		{"a part in a list", "plan:\n  rungs: [10,\n    25.7]\n", `:3: plan.rungs[1]: a whole number is expected`},
		{"a part in a section", "plan: {limits: {stale_hours: 1.9}}\n", `:1: plan.limits.stale_hours: a whole number is expected`},
		{"a part of a weight", "experiments: {e: {phases: [{weights: {a: 10.9, b: 90.9}}]}}\n", `:1: experiments.e.phases[0].weights.b: a whole number is expected`},
		{"a part behind an alias", "experiments: {e: {phases: [&p {weights: {a: 10.9}}, {<<: *p}]}}\n", `weights.a: a whole number`},
		{"a word for a number", "plan: {min_dwell_days: hunter2}\n", `:1: plan.min_dwell_days: a whole number is expected`},
		{"a number for a list", "plan:\n  rungs: 10\n", `:2: plan.rungs: a list is expected`},
		{"a word for a time", "plan:\n  mode: fixed\n  horizon: hunter2\n", `:3: plan.horizon: a time is expected: 2026-11-01`},
		{"a time without its zone", "experiments: {e: {phases: [{from: 2026-11-01T00:00:00}]}}\n", `:1: experiments.e.phases[0].from: a time is expected`},
		{"two faults", "plan: {rungs: 10}\nstoer: x\n", `:2: unknown key "stoer"`},
		{"a tab", "plan:\n\talpha: 1\n", `hint: indent with spaces`},
		{"a tab in the first line", "\tstore: x\n", `:1: found character`},
		{"a second document", "store: x\n---\nstore: hunter2\n", `:3: a second document`},
		{"not YAML", "store: [hunter2\n", `:`},
		{"a rate below 0", "auth0: {rate: -1}\n", `auth0.rate: give 0 or a number above it`},
		{"a rate that is no number", "auth0: {rate: .nan}\n", `auth0.rate: give 0 or`},
		{"its own past", "experiments: {e: {continues: [d, e]}}\n", `experiments.e.continues names the experiment itself`},
		{"a role that is none", "event_types: {f: hunter}\n", `event_types.f: "hunter" is no role`},
		{"an address that is none", "test_traffic: {addresses: [hunter2]}\n", `test_traffic.addresses`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keyramp.yaml")
			if err := os.WriteFile(path, []byte(c.yaml), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errw bytes.Buffer
			code := run(context.Background(), nil, []string{"status", "-c", path}, strings.NewReader(""), &out, &errw)
			if code != exitConfig || !strings.Contains(errw.String(), c.want) {
				t.Errorf("exit %d, want %d, with %q:\n%s", code, exitConfig, c.want, errw.String())
			}
			if strings.Contains(errw.String(), "hunter2") || out.Len() > 0 {
				t.Errorf("a value was printed:\n%s%s", out.String(), errw.String())
			}
		})
	}
}

// TestSettingsOrder: flag, then environment, then file, then default.
func TestSettingsOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyramp.yaml")
	if err := os.WriteFile(path, []byte("store: from-file\nauth0: {domain: file.example, rate: 5}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(env []string, flags globalFlags) settings {
		a := newApp(env, nil, os.Stdout, os.Stderr)
		a.flags = flags
		s, err := a.loadSettings(nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	none := load([]string{"XDG_CONFIG_HOME=" + t.TempDir()}, globalFlags{})
	if none.Store != "keyramp-data" || none.rate != defaultRate {
		t.Errorf("defaults: store %q, rate %v", none.Store, none.rate)
	}
	file := load(nil, globalFlags{config: path})
	if file.Store != "from-file" || file.Auth0.Domain != "file.example" || file.rate != 5 {
		t.Errorf("file: store %q, domain %q, rate %v", file.Store, file.Auth0.Domain, file.rate)
	}
	env := []string{"KEYRAMP_CONFIG=" + path, "KEYRAMP_STORE=from-env", "AUTH0_DOMAIN=https://env.example/"}
	if s := load(env, globalFlags{}); s.Store != "from-env" || s.Auth0.Domain != "env.example" {
		t.Errorf("environment: store %q, domain %q", s.Store, s.Auth0.Domain)
	}
	if s := load(env, globalFlags{store: "from-flag"}); s.Store != "from-flag" {
		t.Errorf("flag: store %q", s.Store)
	}
}

// A line break would end the header that a secret stands in, so every try of the request would fail.
func TestSecretInOneLine(t *testing.T) {
	for _, name := range []string{"AUTH0_API_TOKEN", "AUTH0_ACCESS_TOKEN", "AUTH0_CLIENT_SECRET", "KEYRAMP_PAGE_TOKEN"} {
		for _, text := range []string{"hunter2\n", "hunter2\r\nx: y", "hunter2\x00", "hunter2\x7f"} {
			var out, errw bytes.Buffer
			env := []string{"AUTH0_DOMAIN=acme.example", "AUTH0_CLIENT_ID=x", name + "=" + text}
			code := run(context.Background(), env, []string{"pull", "--since", "1d", "--store", t.TempDir()}, strings.NewReader(""), &out, &errw)
			if code != exitConfig || !strings.Contains(errw.String(), "config: "+name+": a line break") || strings.Contains(errw.String(), "hunter2") {
				t.Errorf("%s=%q: exit %d, want %d:\n%s", name, text, code, exitConfig, errw.String())
			}
		}
	}
}

func TestSecretsPrintAsStars(t *testing.T) {
	s := settings{clientSecret: ingest.NewSecret("hunter2"), auth0Token: ingest.NewSecret("hunter2"), pageToken: ingest.NewSecret("hunter2")}
	if text := fmt.Sprintf("%v %+v %#v %s", s, s, s, s.clientSecret); strings.Contains(text, "hunter2") {
		t.Error("a secret was printed")
	}
}

func TestConfigPhases(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	ninety := map[string]int{"c": 90, "t": 10}
	good := experimentConfig{Control: "c", Phases: []analysis.PhaseSpec{{From: day(1), Weights: ninety}}}
	if err := good.check("exp_1"); err != nil {
		t.Error(err)
	}
	if got := good.phases()[0].Control; got != "c" {
		t.Errorf("control %q, want the experiment's", got)
	}
	for name, bad := range map[string]analysis.PhaseSpec{
		"sum":     {From: day(1), Weights: map[string]int{"c": 90, "t": 11}},
		"share":   {From: day(1), Weights: map[string]int{"c": 110, "t": -10}},
		"control": {From: day(1), Weights: ninety, Control: "x"},
		"from":    {Weights: ninety},
		"order":   {From: day(2), Until: day(1), Weights: ninety},
	} {
		e := experimentConfig{Control: "c", Phases: []analysis.PhaseSpec{bad}}
		if e.check("exp_1") == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// FuzzConfig: any settings file is read, or refused with the status of settings and a line for each fault, never with
// a panic. What is read passes every check that no data could make right, or fails there likewise.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		"", "store: x\nauth0: {domain: acme.eu.auth0.com, rate: 2}\n", "a: &a [*a]\n", "a: &a {<<: *a}\n", "plan: {peeking: 3}\n", "store: !!binary aGk=\n",
		"experiments:\n  exp_1:\n    control: var_c\n    phases:\n      - from: 2026-11-01T00:00:00Z\n        weights: {var_c: 90, var_t: 10}\n",
		"experiments: {e: {phases: [{weights: {a: 9223372036854775807, b: 9223372036854775807}}]}}\n", "test_traffic: {addresses: [::1], users: [1]}\n",
		"event_types: {f: failure}\n", "? [a]\n: b\n", "--- {}\n--- {}\n", "a: 2026-11-01\nstore: [\n", "\ufeffstore: x\n", "store: \"\\x00\"\n",
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(dir, "keyramp.yaml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		var errw bytes.Buffer
		a := newApp([]string{"KEYRAMP_CONFIG=" + path}, nil, io.Discard, &errw)
		if _, err := a.loadSettings(nil); err != nil {
			if code, _ := exitCode(context.Background(), err); code != exitConfig {
				t.Errorf("status %d: %v", code, err)
			}
		}
	})
}
