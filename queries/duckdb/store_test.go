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
