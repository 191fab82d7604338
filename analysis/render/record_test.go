package render

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"keyramp/analysis"
	"keyramp/fixtures/tier"
)

var origin = Origin{Identity: "a store", Events: 7, Sources: []Source{{"auth0:acme.example", analysis.Time(at(9))}}}

// moved is the record as another machine gets it: indented and read again.
func moved(t *testing.T, r *Record) *Record {
	t.Helper()
	raw, err := r.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ReadRecord([]byte(indented(raw) + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.Bytes()
	if err != nil || !bytes.Equal(raw, again) {
		t.Fatalf("%v: the record changes on its way", err)
	}
	return back
}

// Every recorded decision is computed again from its record alone, byte for byte, and is the one that was printed.
func TestReplay(t *testing.T) {
	row := tier.Begin(t, "R8", tier.Size{Test: 3 * len(tenants)})
	for _, name := range slices.Sorted(maps.Keys(tenants)) {
		for _, change := range []func(*analysis.Input){
			func(*analysis.Input) {},
			func(in *analysis.Input) {
				in.SignOff = &analysis.SignOff{Accepts: analysis.SmallDrop, By: "<A & B>", Note: "\u2028 \xff"}
				in.PlanChanges = []analysis.PlanChange{{At: analysis.Time(at(2)), Setting: "delta_min", Old: "0.01", New: "0.005"}}
			},
			func(in *analysis.Input) {
				in.Scope.TestUsers = []uint64{1<<63 + 12345}
				in.Scope.TestClients = []string{"probe"}
				in.Plan.Limits.Gap = 0.1 + 0.2
			},
		} {
			in := tenants[name]()
			change(&in)
			r, err := NewRecord(in, at(20), origin)
			if err != nil {
				t.Fatal(err)
			}
			back := moved(t, r)
			if d, err := back.Replay(); err != nil || len(d) > 0 {
				row.Violation("%s: %v %+v", name, err, d)
			}
			d := analysis.Decide(in.Plan, analysis.Build(in))
			for _, f := range []Format{JSON, Table} {
				var printed bytes.Buffer
				if err := Decision(&printed, d, Options{Format: f}); err != nil {
					t.Fatal(err)
				}
				want := printed.Bytes()
				if f == JSON { // a byte that is no text has one form on paper and another in print
					want = bytes.ReplaceAll(want, []byte(`\ufffd`), []byte("\uFFFD"))
				}
				if got, err := back.Document(f); err != nil || !bytes.Equal(got, want) {
					row.Violation("%s: %v: the record does not show what was printed:\n%s", name, err, firstDifference(want, got))
				}
			}
			if raw, _ := r.Bytes(); strings.Contains(string(raw), "9223372036854788153") {
				row.Violation("%s: the record has the pseudonym of a test user", name)
			}
			row.Done()
		}
	}
}

// Equal questions have one id; another plan, time, count, sign-off or version is another decision.
func TestRecordID(t *testing.T) {
	ids := map[string]string{}
	for _, c := range []struct {
		name   string
		change func(*analysis.Input)
	}{
		{"plan", func(in *analysis.Input) { in.Plan.DeltaMin = 0.004 }},
		{"as of", func(in *analysis.Input) { in.AsOf++ }},
		{"counts", func(in *analysis.Input) { in.Counts.Quality.Carried++ }},
		{"sign-off", func(in *analysis.Input) {
			in.SignOff = &analysis.SignOff{Accepts: analysis.SmallDrop, By: "A", Note: "b"}
		}},
		{"version", func(in *analysis.Input) { in.Version = "other" }},
		{"nothing", func(*analysis.Input) {}},
	} {
		in := tenants["ramp"]()
		c.change(&in)
		r, err := NewRecord(in, at(20), origin)
		if err != nil {
			t.Fatal(err)
		}
		if other := ids[r.ID]; other != "" {
			t.Errorf("%s and %s are one decision", c.name, other)
		}
		ids[r.ID] = c.name
		later, err := NewRecord(in, at(30), Origin{Identity: "another store"})
		if err != nil || later.ID != r.ID {
			t.Errorf("%s: asked again it is another decision, %v", c.name, err)
		}
	}
}

// A record that somebody edited does not replay.
func TestEditedRecord(t *testing.T) {
	r, err := NewRecord(tenants["phases"](), at(20), origin)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := r.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range [][2]string{
		{`"action":"` + string(r.Action) + `"`, `"action":"RAMP"`}, {`"Carried":`, `"Carried":1`}, {`"delta_min":0.005`, `"delta_min":0.006`},
		{r.ID, strings.Repeat("0", 16)}, {`"YY":`, `"YY":1`}, {`"made_at":"2026`, `"made_at":"2026`}, {`because`, `Because`},
	} {
		edited, err := ReadRecord(bytes.ReplaceAll(raw, []byte(edit[0]), []byte(edit[1])))
		if err != nil {
			t.Fatal(edit, err)
		}
		diff, err := edited.Replay()
		if same := edit[0] == edit[1]; err != nil || (len(diff) == 0) != same {
			t.Errorf("%q: %v %+v", edit, err, diff)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "no record": `{"schema_version":1}`, "two": string(raw) + string(raw), "an unknown member": strings.Replace(string(raw), `"phase"`, `"faze"`, 1),
		"a newer one": strings.Replace(string(raw), `"schema_version":1`, `"schema_version":2`, 1),
	} {
		if _, err := ReadRecord([]byte(text)); err == nil {
			t.Errorf("%s is taken for a record", name)
		}
	}
	for name, edit := range map[string][2]string{"no counts": {`"counts":{`, `"counts":null,"x":{`}, "no plan": {`"alpha":0.05`, `"alpha":5`}, "phases": {`"Number":1`, `"Number":9`}} {
		edited, err := ReadRecord([]byte(strings.Replace(string(raw), edit[0], edit[1], 1)))
		if err != nil {
			t.Fatal(name, err)
		}
		if _, err := edited.Replay(); err == nil {
			t.Errorf("%s: computed all the same", name)
		}
	}
}

// Records of earlier releases stay readable and come to the same verdict: a member that is renamed shows here.
func TestReleasedRecords(t *testing.T) {
	for _, name := range []string{"ramp", "phases"} {
		path := filepath.Join("testdata", "record-1."+name+".json")
		if *update {
			if _, err := os.Stat(path); err != nil { // a released one is never written anew
				r, err := NewRecord(tenants[name](), at(20), origin)
				if err != nil {
					t.Fatal(err)
				}
				raw, _ := r.Bytes()
				if err := os.WriteFile(path, append(raw, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ReadRecord(raw)
		if err != nil {
			t.Fatal(err)
		}
		diff, err := r.Replay()
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, d := range diff { // words may be chosen better later
			if !slices.Contains([]string{"decision", "decision_text", "decision_id"}, d.Part) {
				t.Errorf("%s: %+v", path, d)
			}
		}
	}
}

// A record holds nothing but sums: no list of people, no key.
func TestRecordHasNoKeys(t *testing.T) {
	in := tenants["phases"]()
	in.Counts.Gaps[0].Position = "90020261103091412418207000000000000001223372055510042117"
	in.Scope.TestUsers = []uint64{1 << 63}
	r, err := NewRecord(in, at(20), origin)
	if err != nil {
		t.Fatal(err)
	}
	var back analysis.Input
	if err := json.Unmarshal(r.Input, &back); err != nil {
		t.Fatal(err)
	}
	if back.Scope.TestUsers != nil || back.Counts.Gaps[0].Position != "" {
		t.Error("the record has a key of a person or of an event")
	}
	if in.Scope.TestUsers == nil || in.Counts.Gaps[0].Position == "" {
		t.Error("recording changed what it was given")
	}
}
