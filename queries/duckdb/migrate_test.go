package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"keyramp/fixtures/tier"
	"keyramp/queries"
)

// shaping is the step that writes the events of a store anew.
const shaping = 7

func schema(t *testing.T) []queries.Step {
	t.Helper()
	steps, err := queries.Schema("duckdb")
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// wide makes a store of the schema before that step, with n events in several row groups.
func wide(t *testing.T, dir string, n int) {
	t.Helper()
	ctx := context.Background()
	d, err := begin(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.create(ctx); err != nil {
		t.Fatal(err)
	}
	err = d.session(ctx, false, func(ctx context.Context, conn *sql.Conn) error {
		if err := take(ctx, conn, schema(t)[:shaping-1], ""); err != nil {
			return err
		}
		_, err := conn.ExecContext(ctx, fmt.Sprintf(`insert into words select i + 1, 'word ' || i from range(9) t(i);
			insert into events select hash(i), i, make_timestamp(i * 1000), make_timestamp(i * 900), case when i %% 3 > 0 then make_timestamp(i * 1100) end,
			i %% 2, i %% 3, i %% 2, 1, 2, i // 100000, i %% 4, 5, i %% 7, 6, hash(i + 1), hash(i + 2), hash(i + 3), i %% 3, 1, i %% 5 = 0, i %% 11 = 0
			from range(%d) t(i) order by i`, n))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// contentOf tells a store's schema step, and sums that differ where its events or their order do.
func contentOf(t *testing.T, dir string) (step int, content string) {
	t.Helper()
	d, err := begin(context.Background(), Options{Dir: dir, ReadOnly: true, LockWait: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	err = d.read(context.Background(), func(ctx context.Context, conn *sql.Conn) error {
		if step, err = stepOf(ctx, conn, len(schema(t))); err != nil {
			return err
		}
		return conn.QueryRowContext(ctx, `select (select bit_xor(hash(e)) from ev_full e) || ' ' ||
			(select bit_xor(hash(rowid, log_id, at_utc)) from events) || ' ' || (select count(*) from events)`).Scan(&content)
	})
	if err != nil {
		t.Fatal(err)
	}
	return step, content
}

// TestMigrateChild is the process that gets killed; it only runs when asked to.
func TestMigrateChild(t *testing.T) {
	dir := os.Getenv("KEYRAMP_MIGRATE_DIR")
	if dir == "" {
		t.Skip("the child of TestKilledWhileMigrating")
	}
	if _, err := Open(context.Background(), Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
}

// A store whose events are written anew has the same ones in the same order; a process that is killed meanwhile leaves
// the store of some step, and the next one goes on from there.
func TestKilledWhileMigrating(t *testing.T) {
	row := tier.Begin(t, "K4", tier.Size{Test: 2, Chaos: 40, Soak: 400})
	dir := t.TempDir()
	newest := len(schema(t))
	begun := time.Now()
	wide(t, dir, 400_000)
	_, want := contentOf(t, dir)
	made := time.Since(begun) // about as long as the step takes
	before := 0
	for round := range row.Rounds() {
		if round > 0 {
			wide(t, dir, 400_000)
		}
		child := exec.Command(os.Args[0], "-test.run=^TestMigrateChild$")
		child.Env = append(os.Environ(), "KEYRAMP_MIGRATE_DIR="+dir)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(rand.N(made), func() { child.Process.Kill() })
		child.Wait()
		step, got := contentOf(t, dir)
		if got != want {
			row.Violation("killed while migrating: step %d has %s, want %s", step, got, want)
		}
		if step < shaping {
			before++
		}
		told := 0
		for range 2 {
			db, err := Open(t.Context(), Options{Dir: dir, Older: func() { told++ }})
			if err != nil {
				t.Fatalf("killed while migrating: %v", err)
			}
			db.Close()
		}
		if want := min(newest-step, 1); told != want {
			row.Violation("a store of step %d was called older %d times", step, told)
		}
		if step, got := contentOf(t, dir); step != newest || got != want {
			row.Violation("migrated: step %d has %s, want %s", step, got, want)
		}
		for _, name := range Files { // a log, too: who finds the store up to date only reads, and leaves one where it is
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		row.Done()
	}
	row.Note("killed before the step was committed", fmt.Sprint(before))
}
