package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"keyramp/queries"
)

// run executes a named statement and returns how many rows it touched.
func run(ctx context.Context, conn *sql.Conn, name string, params ...any) (int64, error) {
	q, err := queries.Get(name)
	if err != nil {
		return 0, err
	}
	res, err := conn.ExecContext(ctx, q.SQL, params...)
	if err != nil {
		return 0, fmt.Errorf("statement %s: %w", name, err)
	}
	return res.RowsAffected()
}

// one reads the single row of a named query; sql.ErrNoRows when there is none.
func one(ctx context.Context, conn *sql.Conn, name string, params []any, into ...any) error {
	q, err := queries.Get(name)
	if err != nil {
		return err
	}
	if err := conn.QueryRowContext(ctx, q.SQL, params...).Scan(into...); err != nil {
		return fmt.Errorf("query %s: %w", name, err)
	}
	return nil
}

// each reads the rows of a named query into the pointers, calling row after each.
func each(ctx context.Context, conn *sql.Conn, name string, params []any, row func() error, into ...any) error {
	q, err := queries.Get(name)
	if err != nil {
		return err
	}
	rows, err := conn.QueryContext(ctx, q.SQL, params...)
	if err != nil {
		return fmt.Errorf("query %s: %w", name, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("query %s: %w", name, err)
		}
		if err := row(); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("query %s: %w", name, err)
	}
	return nil
}

// ddl makes the tables of the named session file.
func ddl(ctx context.Context, conn *sql.Conn, name string) error {
	text, err := queries.Text("duckdb/session/" + name + ".sql")
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, text); err != nil {
		return fmt.Errorf("session tables %s: %w", name, err)
	}
	return nil
}

// insertRows fills a table of a schema, both of whose names come from our own code. All rows have the same length.
func insertRows(ctx context.Context, conn *sql.Conn, schema, table string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	var values []any
	for _, row := range rows {
		for _, v := range row {
			if key, ok := v.(uint64); ok { // database/sql takes no integer over 63 bits
				v = strconv.FormatUint(key, 10)
			}
			values = append(values, v)
		}
	}
	marks := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(rows[0])), ", ") + "), "
	text := "insert into " + schema + "." + table + " values " + strings.TrimSuffix(strings.Repeat(marks, len(rows)), ", ")
	if _, err := conn.ExecContext(ctx, text, values...); err != nil {
		return fmt.Errorf("session table %s: %w", table, err)
	}
	return nil
}
