package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"keyramp/queries/store"
)

// What a failing disk makes DuckDB say is a lack of ours and no damage of the store,
// whatever else it says.
func TestDiskErrorsAreNoDamage(t *testing.T) {
	for _, text := range []string{
		`TransactionContext Error: Failed to commit: Checkpoint failed for database "store". The database has been invalidated. Original error: fsync failed!`,
		`TransactionContext Error: Failed to commit: Could not fsync file "/x/keyramp.duckdb.wal": Input/output error`,
		`FATAL Error: Failed to create checkpoint because of error: Could not write file "/x/keyramp.duckdb": No space left on device`,
	} {
		if got := kindOf(&duck.Error{Msg: text}); !errors.Is(got, store.ErrResources) {
			t.Errorf("%v: %s", got, text)
		}
	}
}

// A statement that was interrupted was cancelled: no caller may take it for a fault of ours or of the store.
func TestInterruptedIsCancelled(t *testing.T) {
	db := scratch(t)
	err := db.read(t.Context(), func(ctx context.Context, conn *sql.Conn) error {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(20*time.Millisecond, cancel)
		_, err := conn.ExecContext(ctx, "select count(*) from range(1000000) a, range(1000000) b")
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	var e *duck.Error
	if !errors.As(err, &e) || e.Type != duck.ErrorTypeInterrupt {
		t.Errorf("not by DuckDB: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err = db.read(ctx, func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, "select count(*) from range(1000000) a, range(1000000) b")
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &e) {
		t.Errorf("a time limit: %v", err)
	}
}
