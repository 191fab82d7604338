package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"keyramp/analysis"
)

// fence finds the first block of a language in a Markdown file.
func fence(t *testing.T, path, language string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(text)
	if m == nil {
		t.Fatalf("%s has no %s block", path, language)
	}
	return string(m[1])
}

// TestReadme runs the first screen of the README, line by line as it stands,
// and wants every line of the shown report in what the demo prints.
func TestReadme(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is missing")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	// The Makefile in place of the checkout's, and this test binary, which is
	// keyramp under that name, in place of a second link of DuckDB.
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Makefile"), makefile, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "bin", "keyramp")); err != nil {
		t.Fatal(err)
	}
	var demo string
	for i, line := range strings.Split(strings.TrimSpace(fence(t, filepath.Join(root, "README.md"), "sh")), "\n") {
		if line == "make demo" {
			line = "make -s -o build demo"
		}
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir, "COLUMNS=80", "NO_COLOR=1")
		var errw bytes.Buffer
		cmd.Stderr = &errw
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s%s", line, err, out, errw.Bytes())
		}
		if len(out) == 0 {
			t.Errorf("%s printed nothing", line)
		}
		if i == 0 {
			demo = string(out)
		}
	}
	rest := demo
	for _, line := range strings.Split(strings.TrimSpace(fence(t, filepath.Join(root, "README.md"), "text")), "\n") {
		line = strings.TrimRight(line, " ")
		if line == "" || line == "…" {
			continue
		}
		_, after, ok := strings.Cut(rest, line)
		if !ok {
			t.Fatalf("the README shows %q, which the demo does not print there:\n%s", line, demo)
		}
		rest = after
	}
}

// TestDocumentedConfig reads the settings file of the documentation, which
// shows the plan's defaults.
func TestDocumentedConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyramp.yaml")
	if err := os.WriteFile(path, []byte(fence(t, "../../docs/configuration.md", "yaml")), 0o600); err != nil {
		t.Fatal(err)
	}
	a := newApp([]string{"KEYRAMP_CONFIG=" + path, "AUTH0_CLIENT_SECRET=x", "KEYRAMP_PAGE_TOKEN=x"}, nil, os.Stdout, os.Stderr)
	s, err := a.loadSettings(nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := analysis.DefaultPlan(); !reflect.DeepEqual(s.Plan, want) {
		t.Errorf("the documented plan is not the default:\n%+v\n%+v", s.Plan, want)
	}
	if len(s.Experiments) != 1 || len(s.TestTraffic.Users) != 1 || s.EventTypes["fc"] != "ignore" {
		t.Errorf("read %+v", s.configFile)
	}
}
