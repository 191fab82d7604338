package duckdb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"keyramp/queries/store"
)

// A full disk is told as such; what was acknowledged stays, and with room
// again the store goes on by itself.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=3m"); err != nil {
		t.Skip("needs the right to mount a small disk: ", err)
	}
	defer syscall.Unmount(disk, syscall.MNT_DETACH)
	ctx := context.Background()
	db, err := Open(ctx, Options{Dir: filepath.Join(disk, "store")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	stored := int64(0)
	load := func(i int) error {
		l, err := db.Load(ctx, traffic(2000, uint64(1+i*2000), dayOne), store.Cursor{Source: "x", Position: fmt.Sprint(i)})
		stored += l.Stored
		return err
	}
	refused, tried := 0, 0
	for i := 0; refused < 3 && i < 100; i++ {
		tried++
		if err := load(i); err != nil {
			refused++
			if !errors.Is(err, store.ErrResources) {
				t.Fatalf("batch %d: %v", i, err)
			}
		}
	}
	if refused == 0 {
		t.Fatal("the disk was never full")
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=60m"); err != nil {
		t.Fatal(err)
	}
	for i := range tried + 5 { // the refused ones among them
		if err := load(i); err != nil {
			t.Fatalf("with room again, batch %d: %v", i, err)
		}
	}
	if s, err := db.Status(ctx); err != nil || s.Events != stored || stored != int64(tried+5)*2000 {
		t.Fatalf("%+v, %v; %d acknowledged", s, err, stored)
	}
}
