package render

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"

	"keyramp/analysis"
)

var update = flag.Bool("update", false, "write the golden reports anew")

var extension = map[Format]string{Table: "txt", JSON: "json", CSV: "csv", Markdown: "md", HTML: "html"}

// TestGolden compares every tenant's report in every format with the one that was read and kept.
func TestGolden(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(tenants)) {
		r := analysis.Build(tenants[name]())
		d := analysis.Decide(r.Plan, r)
		for _, f := range Formats() {
			if f == HTML && name != "phases" {
				continue // one page shows every part; the others would only be long
			}
			var report, decision bytes.Buffer
			if err := Report(&report, r, d, Options{Format: f}); err != nil {
				t.Fatalf("%s %s: %v", name, f, err)
			}
			if err := Decision(&decision, d, Options{Format: f}); err != nil {
				t.Fatalf("%s %s: %v", name, f, err)
			}
			compare(t, name+".report."+extension[f], report.Bytes())
			if f != HTML {
				compare(t, name+".decision."+extension[f], decision.Bytes())
			}
		}
	}
}

func compare(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs; read the difference, then renew it with go test -update\n%s", name, firstDifference(want, got))
	}
}

func firstDifference(want, got []byte) string {
	w, g := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range g {
		if i >= len(w) || w[i] != g[i] {
			if i >= len(w) {
				return "got more: " + g[i]
			}
			return "want " + w[i] + "\ngot  " + g[i]
		}
	}
	return "got less"
}

// TestVerdictStaysInEveryFormat: a format changes the clothes and never the answer.
func TestVerdictStaysInEveryFormat(t *testing.T) {
	for name, in := range tenants {
		r := analysis.Build(in())
		d := analysis.Decide(r.Plan, r)
		for _, f := range Formats() {
			for _, color := range []bool{false, true} {
				var b bytes.Buffer
				if err := Report(&b, r, d, Options{Format: f, Color: color}); err != nil {
					t.Fatal(err)
				}
				if f == JSON { // its trace names every rule's action
					var back whole
					if err := json.Unmarshal(b.Bytes(), &back); err != nil || back.Decision.Action != d.Action {
						t.Errorf("%s as JSON says %s, decided %s", name, back.Decision.Action, d.Action)
					}
					continue
				}
				said := 0
				for _, a := range []analysis.Action{analysis.Ramp, analysis.Hold, analysis.RollBack, analysis.Investigate} {
					want := string(a)
					if f == Markdown {
						want = inMarkdown(want)
					}
					if strings.Contains(b.String(), want) {
						said++
						if a != d.Action && len(d.Treatments) < 2 {
							t.Errorf("%s as %s says %s, decided %s", name, f, a, d.Action)
						}
					}
				}
				if said == 0 {
					t.Errorf("%s as %s does not tell its verdict", name, f)
				}
			}
		}
	}
}

// TestTableFits: 80 columns, no colour unless asked for, no character that moves the cursor, no spaces at line ends.
func TestTableFits(t *testing.T) {
	long := func(name string, in analysis.Input) analysis.Input {
		in.Name = name
		for _, p := range in.Scope.Phases {
			for i := range p.Arms {
				p.Arms[i].Name = name
			}
		}
		return in
	}
	inputs := map[string]analysis.Input{
		"long names": long(strings.Repeat("onboarding", 20), tenants["phases"]()),
		"many words": long(strings.Repeat("ask for a passkey ", 20), tenants["phases"]()),
		"wide names": long(strings.Repeat("通行密钥", 20), tenants["three"]()),
	}
	for name, in := range tenants {
		inputs[name] = in()
	}
	for name, in := range inputs {
		r := analysis.Build(in)
		d := analysis.Decide(r.Plan, r)
		for _, width := range []int{64, 80, 120} {
			var b bytes.Buffer
			if err := Report(&b, r, d, Options{Width: width}); err != nil {
				t.Fatal(err)
			}
			if err := Decision(&b, d, Options{Width: width}); err != nil {
				t.Fatal(err)
			}
			for _, l := range strings.Split(b.String(), "\n") {
				if n := text.StringWidth(l); n > width {
					t.Errorf("%s: %d columns: %s", name, n, l)
				}
				if strings.ContainsAny(l, "\x1b\t\r\u202e") || strings.TrimRight(l, " ") != l {
					t.Errorf("%s: %q", name, l)
				}
			}
		}
	}
}

// TestColorOnlyAdds: without its colours a coloured report is the plain one.
func TestColorOnlyAdds(t *testing.T) {
	r := analysis.Build(tenants["phases"]())
	d := analysis.Decide(r.Plan, r)
	var with, without bytes.Buffer
	if err := Report(&with, r, d, Options{Color: true}); err != nil {
		t.Fatal(err)
	}
	if err := Report(&without, r, d, Options{}); err != nil {
		t.Fatal(err)
	}
	s := with.String()
	for _, code := range []string{"\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"} {
		s = strings.ReplaceAll(s, code, "")
	}
	if s != without.String() {
		t.Error("colour changes the text")
	}
}

// TestJSONReadsBack: one document, no token that JSON does not have, and the same report when read again.
func TestJSONReadsBack(t *testing.T) {
	for name, in := range tenants {
		r := analysis.Build(in())
		d := analysis.Decide(r.Plan, r)
		var b bytes.Buffer
		if err := Report(&b, r, d, Options{Format: JSON}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, token := range []string{"NaN", "Inf", "null,null"} {
			if strings.Contains(b.String(), token) {
				t.Errorf("%s has %s", name, token)
			}
		}
		var back whole
		dec := json.NewDecoder(bytes.NewReader(b.Bytes()))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&back); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var again bytes.Buffer
		if err := Report(&again, back.Report, back.Decision, Options{Format: JSON}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Errorf("%s does not read back as it was written", name)
		}
	}
}
