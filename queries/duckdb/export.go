package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"keyramp/queries"
	"keyramp/queries/store"
)

// Query streams the rows of a named export question for the scope's
// experiments, oldest first, and its stretch of time. An empty Experiment asks
// for every one. The slice of values is the caller's until row returns.
func (d *DB) Query(ctx context.Context, name string, s store.Scope, row func(columns []store.Column, values []any) error) error {
	q, err := queries.Get(name)
	if err != nil {
		return err
	}
	if q.Folder != "export" {
		return fmt.Errorf("query %q: not an export", name)
	}
	columns := make([]store.Column, len(q.Columns))
	for i, c := range q.Columns {
		columns[i] = store.Column{Name: c.Name, Type: store.ColumnType(c.Type), Doc: c.Doc}
	}
	return d.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		for _, id := range append(slices.Clone(s.Continues), s.Experiment) {
			if err := export(ctx, conn, q, paramsOf(q, s, id), columns, row); err != nil {
				return fmt.Errorf("export %s: %w", name, err)
			}
		}
		return nil
	})
}

// latest is the last moment that DuckDB's calendar functions take.
var latest = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).UnixMicro()

// paramsOf gives the parameters that the question names.
func paramsOf(q queries.Query, s store.Scope, experiment string) []any {
	until := s.Until
	if until == 0 || until > latest {
		until = latest
	}
	inForce := roles(s.Roles)
	types := func(role store.Role) []string {
		of := []string{}
		for _, code := range slices.Sorted(maps.Keys(inForce)) {
			if inForce[code] == role {
				of = append(of, code)
			}
		}
		return of
	}
	controls := []string{}
	for _, phase := range s.Phases {
		for _, a := range phase.Arms {
			if a.Control {
				controls = append(controls, a.Variation)
			}
		}
	}
	values := map[string]any{
		"control_variations": controls,
		"experiment_id":      experiment, "since_us": s.Since, "until_us": until,
		"success_types": types(store.RoleSuccess), "failure_types": types(store.RoleFailure),
		"enrollment_types": types(store.RoleEnrollment),
	}
	var params []any
	for _, p := range q.Params {
		params = append(params, sql.Named(p.Name, values[p.Name]))
	}
	return params
}

func export(ctx context.Context, conn *sql.Conn, q queries.Query, params []any, columns []store.Column,
	row func([]store.Column, []any) error) error {
	rows, err := conn.QueryContext(ctx, q.SQL, params...)
	if err != nil {
		return err
	}
	defer rows.Close()
	values := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range into {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := row(columns, values); err != nil {
			return err
		}
	}
	return rows.Err()
}
