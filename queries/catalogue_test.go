package queries

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"keyramp/fixtures/tier"
)

func TestCatalogueHasNoFaults(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range all {
		if strings.Contains(q.SQL, ";") && q.Folder != "duckdb/load" {
			for line := range strings.Lines(q.SQL) {
				code, _, _ := strings.Cut(line, "--")
				if strings.Contains(code, ";") {
					t.Errorf("%s/%s.sql holds more than one statement", q.Folder, q.Name)
				}
			}
		}
	}
	steps, err := Schema("duckdb")
	if err != nil || len(steps) == 0 {
		t.Fatalf("schema steps: %d, %v", len(steps), err)
	}
}

// What a question of a report reads is said in its header, since questions are asked at the same time.
func TestReadsAreTold(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range all {
		if q.Folder != "report" && q.Folder != "duckdb/update" {
			continue
		}
		var code strings.Builder
		for line := range strings.Lines(q.SQL) {
			text, _, _ := strings.Cut(line, "--")
			code.WriteString(text + "\n")
		}
		var own, reads []string
		for _, m := range regexp.MustCompile(`(?:with|,) (\w+) as (?:materialized )?\(`).FindAllStringSubmatch(code.String(), -1) {
			own = append(own, m[1])
		}
		for _, m := range regexp.MustCompile(`\b(?:from|join)\s+(\w+)`).FindAllStringSubmatch(code.String(), -1) {
			if !slices.Contains(own, m[1]) && !slices.Contains(reads, m[1]) {
				reads = append(reads, m[1])
			}
		}
		told := slices.Clone(q.Reads)
		slices.Sort(reads)
		slices.Sort(told)
		if !slices.Equal(reads, told) {
			t.Errorf("%s/%s.sql reads %v, its header says %v", q.Folder, q.Name, reads, told)
		}
	}
}

// A table that counts people by what they have in common would show small groups. There is none: who adds one hides
// its small cells. Row P5.
func TestNoTableOfSmallGroups(t *testing.T) {
	row := tier.Begin(t, "P5", tier.Size{Test: 1})
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, q := range all {
		if q.Folder != "report" && q.Folder != "export" || slices.ContainsFunc(q.Grain, func(g string) bool { return strings.HasSuffix(g, "_key") }) {
			continue // the latter have a row an event or a person, under pseudonyms
		}
		looked++
		for _, c := range q.Columns {
			if slices.Contains([]string{"client", "client_id", "connection", "strategy", "device", "segment_id", "country", "authenticator"}, c.Name) {
				row.Violation("%s/%s.sql counts by %s", q.Folder, q.Name, c.Name)
			}
		}
	}
	if looked < 8 {
		t.Errorf("only %d questions count", looked)
	}
	row.Done()
}

func TestGetKnowsAll(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range all {
		for range 2 { // read, then known
			if q, err := Get(want.Name); err != nil || !reflect.DeepEqual(q, want) {
				t.Errorf("%s is %+v, %v", want.Name, q, err)
			}
		}
		names, err := Names(want.Folder)
		if err != nil || !slices.Contains(names, want.Name) {
			t.Errorf("%s lacks %s: %v, %v", want.Folder, want.Name, names, err)
		}
	}
	for _, name := range []string{"", "..", "../report/sums", "sums.sql"} {
		if _, err := Get(name); err == nil {
			t.Errorf("there is a query %q", name)
		}
	}
}

func TestGetNamesWhatIsMissing(t *testing.T) {
	if _, err := Get("no_such_question"); err == nil || !strings.Contains(err.Error(), "no_such_question") {
		t.Fatalf("got %v", err)
	}
}

func TestHeaderFaultsAreTold(t *testing.T) {
	const good = "-- name:    x\n-- asks:    why?\n-- grain:   a\n-- params:  $p DECIMAL(38,0) (half-open, UTC), $q VARCHAR[]\n" +
		"-- columns: a BIGINT (one, two),\n--          b VARCHAR\n-- free text: not a part\nselect 1;\n"
	q, err := parse("report", "x", good)
	if err != nil {
		t.Fatal(err)
	}
	if len(q.Params) != 2 || q.Params[0] != (Column{"p", "DECIMAL(38,0)", "half-open, UTC"}) ||
		len(q.Columns) != 2 || q.Columns[0].Doc != "one, two" || q.Grain[0] != "a" || strings.HasSuffix(q.SQL, ";") {
		t.Fatalf("misread: %+v", q)
	}
	for _, c := range []struct{ from, to string }{
		{"name:    x", "name:    y"},
		{"asks:    why?", "asked:   why?"},
		{"grain:   a", "grain:   c"},
		{"$p DECIMAL", "p DECIMAL"},
		{"b VARCHAR", "b varchar"},
		{"-- params:", "-- grain:"},
	} {
		if _, err := parse("report", "x", strings.Replace(good, c.from, c.to, 1)); err == nil {
			t.Errorf("%q → %q passed", c.from, c.to)
		}
	}
	if _, err := parse("report", "x", strings.Replace(good, "-- grain:   a\n", "", 1)); err == nil {
		t.Error("a question without grain passed")
	}
}
