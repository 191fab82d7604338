package duckdb

import (
	"context"
	"testing"
	"time"

	"keyramp/queries/store"
	"keyramp/queries/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t testing.TB, dir string) store.Store {
		db, err := Open(context.Background(), Options{Dir: dir, LockWait: 20 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	})
}

// A new store has its key from the first moment on, and an old one keeps the one it has.
func TestNewStoreHasItsKey(t *testing.T) {
	dir := t.TempDir()
	for _, key := range []string{"the first", "another"} {
		db, err := Open(t.Context(), Options{Dir: dir, NewKey: key})
		if err != nil {
			t.Fatal(err)
		}
		if id, err := db.KeyID(t.Context()); err != nil || id != "the first" {
			t.Errorf("opened with %s: the key is %q, %v", key, id, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
