package queries

import (
	"strings"
	"testing"
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
