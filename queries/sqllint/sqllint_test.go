package sqllint

import "testing"

func TestIn(t *testing.T) {
	for text, want := range map[string]int{
		"select a, b\nfrom events":            1,
		"SELECT count(*) FROM ev":             1,
		"insert into words values (1)":        1,
		"create temp table x as select 1":     1,
		"with x as (select 1) table x":        1,
		"delete from words where id = 1":      1,
		"select the format with --format":     0,
		"choose what to export from a store":  0,
		"create a table of results":           0,
		"update the plan, then set the level": 0,
	} {
		got, err := In("x.go", []byte("package x\n\nvar s = `"+text+"`\n"))
		if err != nil || len(got) != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
