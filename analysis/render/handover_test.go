package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"keyramp/analysis"
	"keyramp/queries/store"
)

// handedOver is the handover of a decision on an experiment with a name that tries to be more than a name.
func handedOver(t *testing.T, via analysis.Option, change func(*analysis.Decision, *store.Observation)) *analysis.Handover {
	t.Helper()
	target := 0.25
	v := analysis.Verdict{Treatment: analysis.Variation{ID: "var_t", Name: "it's"}, Action: analysis.Ramp, Reasons: []string{"criteria_met"}, TargetShare: &target}
	o := store.Observation{Experiment: "exp_1", Seen: 1_794_000_000_000_000, Name: "a'b \"c\" ${d} %{e} $(f) `g`\n# h-10", Status: "active", Strategy: "percentage", Level: -1,
		Flag: "flg_1", Flow: "authentication", Arms: []store.Arm{{Variation: "var_c", Name: "control", Weight: 90, Control: true}, {Variation: "var_t", Name: "it's", Weight: 10}}}
	d := analysis.Decision{Version: "1.0", Experiment: "exp_1", Name: o.Name, AsOf: analysis.Time(1_794_000_000_000_000), Verdict: v, Treatments: []analysis.Verdict{v}}
	if change != nil {
		change(&d, &o)
	}
	h, err := analysis.HandOver(d, []store.Observation{o}, via)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Golden files are read in the diff: they are what a person runs against a tenant.
func TestHandoverGolden(t *testing.T) {
	back := func(d *analysis.Decision, _ *store.Observation) {
		d.Verdict.Action, d.Treatments[0].Action = analysis.RollBack, analysis.RollBack
	}
	level := func(d *analysis.Decision, o *store.Observation) {
		o.Level, o.Levels = 10, []int{10, 25}
		d.TargetLevel = &o.Levels[1]
	}
	hold := func(d *analysis.Decision, _ *store.Observation) { d.Action = analysis.Hold }
	for name, h := range map[string]*analysis.Handover{
		"same":    handedOver(t, "", nil),
		"new":     handedOver(t, analysis.NewExperiment, nil),
		"back":    handedOver(t, "", back),
		"level":   handedOver(t, "", level),
		"nothing": handedOver(t, "", hold),
	} {
		for _, f := range []Format{Curl, JSON, Terraform} {
			var b bytes.Buffer
			err := Handover(&b, h, "https://acme.example", f)
			if name == "level" && f == Terraform {
				if !errors.Is(err, analysis.ErrHandover) {
					t.Error(err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			compare(t, "handover-"+name+"."+map[Format]string{Curl: "sh", JSON: "json", Terraform: "tf"}[f], b.Bytes())
		}
	}
}

// Names stay names, whatever is in them: in a shell, in JSON and in Terraform.
func TestHandoverQuotes(t *testing.T) {
	h := handedOver(t, analysis.NewExperiment, nil)
	var b bytes.Buffer
	if err := Handover(&b, h, "", Curl); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(b.String(), "\n") {
		if strings.HasPrefix(line, "#") && i > 0 && !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "#  ") {
			t.Errorf("a comment broke: %q", line)
		}
	}
	if !strings.Contains(b.String(), "tenant=https://${AUTH0_DOMAIN:?") {
		t.Error("without a host the script does not ask for one")
	}
	for in, want := range map[string]string{"a'b": `'a'\''b'`, "$(x)": "'$(x)'", "": "''"} {
		if got := quoteSh(in); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
	for in, want := range map[string]string{`a"b`: `"a\"b"`, "${x}": `"$${x}"`, "%{x}": `"%%{x}"`, "a\nb": `"a\nb"`} {
		if got := quoteHCL(in); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
	var doc struct {
		Calls []struct {
			Body struct{ Name string }
		}
	}
	b.Reset()
	if err := Handover(&b, h, "", JSON); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil || !strings.HasPrefix(doc.Calls[0].Body.Name, "a'b \"c\"") {
		t.Errorf("%v: %+v", err, doc)
	}
}
