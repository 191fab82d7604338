package duckdb

import (
	"context"
	"database/sql"
	"os"
	"strconv"
	"testing"
	"time"
)

// The words that madeup/shapes.sql names by their ids, from 1 on.
var madeUpWords = []string{"s", "fp", "fu", "gd_enrollment_complete", "passkey", "exp_1", "var_c", "var_t", "percentage", "app"}

// madeUp fills a store with so many million events, or a small part of a million, made by SQL.
func madeUp(t testing.TB, db *DB, millions int, from time.Time) {
	t.Helper()
	text := func(name string) string {
		t.Helper()
		text, err := os.ReadFile("madeup/" + name + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	ctx := context.Background()
	write := func(fn func(ctx context.Context, conn *sql.Conn) error) {
		t.Helper()
		if err := db.write(ctx, fn, nil); err != nil {
			t.Fatal(err)
		}
	}
	write(func(ctx context.Context, conn *sql.Conn) error {
		for i, word := range madeUpWords {
			if _, err := conn.ExecContext(ctx, "insert into words values (?, ?)", i+1, word); err != nil {
				return err
			}
		}
		_, err := conn.ExecContext(ctx, text("shapes"))
		return err
	})
	for part := range millions {
		write(func(ctx context.Context, conn *sql.Conn) error {
			_, err := conn.ExecContext(ctx, text("events"), sql.Named("part", part), sql.Named("parts", millions), sql.Named("from_us", from.UnixMicro()))
			return err
		})
	}
}

// TestMadeUpStore makes the store that `make bench` asks for a report of, and nothing otherwise.
func TestMadeUpStore(t *testing.T) {
	dir := os.Getenv("KEYRAMP_MADE_UP")
	if dir == "" {
		t.Skip("no store is wanted")
	}
	millions, err := strconv.Atoi(os.Getenv("KEYRAMP_MILLIONS"))
	if err != nil {
		t.Fatal(err)
	}
	from, err := time.Parse(time.RFC3339, os.Getenv("KEYRAMP_FROM"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	madeUp(t, db, millions, from)
}
