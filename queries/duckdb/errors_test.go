package duckdb

import (
	"errors"
	"testing"

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
