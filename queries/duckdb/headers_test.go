package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"keyramp/queries"
	"keyramp/queries/store"
)

var param = regexp.MustCompile(`\$[a-z][a-z0-9_]*`)

// Every header says what its text does: each question is asked on a small
// store, and what comes back is compared with what was promised.
func TestHeaders(t *testing.T) {
	all, err := queries.All()
	if err != nil {
		t.Fatal(err)
	}
	events, page := world(11)
	for seed := range uint64(8) { // more of the same, under other ids
		more, pages := world(seed)
		for i := range more {
			more[i].LogID += 1000 * (seed + 1)
		}
		for i := range pages {
			pages[i].ID += 1000 * (seed + 1)
		}
		events, page = append(events, more...), append(page, pages...)
	}
	events = append(events, store.Event{ // all the others meet treatment, too
		LogID: 1 << 40, At: dayOne + hour, User: 1 << 40,
		Shape: store.Shape{Type: store.WordOf("s"), Experiment: store.WordOf("exp_a"), Variation: store.WordOf("var_c")}})
	db := scratch(t)
	fill(t, db, events, page)
	scope := ramp()
	err = db.read(context.Background(), func(ctx context.Context, conn *sql.Conn) error {
		k, err := db.newDesk(ctx, conn, scope)
		if err != nil {
			return err
		}
		defer k.close()
		if _, err := k.answers(ctx); err != nil { // it leaves the tables that report questions read
			return err
		}
		for _, q := range all {
			var used []string
			for line := range strings.Lines(q.SQL) {
				code, _, _ := strings.Cut(line, "--")
				used = append(used, param.FindAllString(code, -1)...)
			}
			for _, p := range q.Params {
				if !slices.Contains(used, "$"+p.Name) {
					t.Errorf("%s/%s.sql does not use $%s", q.Folder, q.Name, p.Name)
				}
			}
			for _, p := range used {
				if !slices.ContainsFunc(q.Params, func(c queries.Column) bool { return "$"+c.Name == p }) {
					t.Errorf("%s/%s.sql: params does not list %s", q.Folder, q.Name, p)
				}
			}
			if q.Folder == "report" || q.Folder == "export" || q.Folder == "duckdb/state" {
				if err := compare(ctx, conn, q, paramsFor(q)); err != nil {
					t.Errorf("%s/%s.sql: %v", q.Folder, q.Name, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// paramsFor gives parameters that find something.
func paramsFor(q queries.Query) []any {
	if q.Folder == "export" {
		s := ramp()
		return paramsOf(q, s, s.Experiment)
	}
	values := map[string]any{"VARCHAR": "", "VARCHAR[]": []string{"s"}, "BIGINT": int64(1 << 50)}
	if q.Name == "experiment_events" {
		values["BIGINT"] = int64(0)
	}
	var params []any
	for _, p := range q.Params {
		params = append(params, sql.Named(p.Name, values[p.Type]))
	}
	return params
}

// compare asks a question and holds its answer against its header.
func compare(ctx context.Context, conn *sql.Conn, q queries.Query, params []any) error {
	rows, err := conn.QueryContext(ctx, q.SQL, params...)
	if err != nil {
		return err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	var got, want []string
	for _, c := range types {
		got = append(got, c.Name()+" "+c.DatabaseTypeName())
	}
	for _, c := range q.Columns {
		want = append(want, c.Name+" "+c.Type)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("columns are\n%v, the header says\n%v", got, want)
	}
	values, into := make([]any, len(types)), make([]any, len(types))
	for i := range into {
		into[i] = &values[i]
	}
	seen := map[string]bool{}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		var key []any
		for i, c := range types {
			if slices.Contains(q.Grain, c.Name()) {
				key = append(key, values[i])
			}
		}
		if len(q.Grain) > 0 && seen[fmt.Sprintf("%#v", key)] {
			return fmt.Errorf("two rows of grain %v", q.Grain)
		}
		seen[fmt.Sprintf("%#v", key)] = true
	}
	if len(seen) == 0 && (q.Folder == "report" || q.Folder == "export") {
		return fmt.Errorf("no rows: the fixture is too poor for the question")
	}
	return rows.Err()
}

// A text that nothing runs goes stale. Exports are run by the name that a user gives.
func TestEveryTextIsUsed(t *testing.T) {
	all, err := queries.All()
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(text)
	}
	for _, q := range all {
		if q.Folder != "export" && !strings.Contains(code.String(), `"`+q.Name+`"`) {
			t.Errorf("nothing runs %s/%s.sql", q.Folder, q.Name)
		}
	}
}
