package duckdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"keyramp/fixtures/tier"
	"keyramp/queries/store"
)

// commits fills a store with so many small commits.
func commits(t *testing.T, db *DB, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		if _, err := db.Load(context.Background(), traffic(200, uint64(1+200*i), dayOne), store.Cursor{Source: "x", Position: "1"}); err != nil {
			t.Fatal(err)
		}
	}
}

// The layout of DuckDB's file is as the undo file takes it to be.
func TestEveryMetadataBlockHasItsChecksum(t *testing.T) {
	db := scratch(t)
	commits(t, db, 0, 3)
	undo := mustRead(t, db.path+undoSuffix)
	before := mustRead(t, db.path)
	if err := os.WriteFile(db.path+undoSuffix, undo, 0o600); err != nil {
		t.Fatal(err)
	}
	header, size, err := activeHeader(bytes.NewReader(before))
	if err != nil || size != 65536 {
		t.Fatal(size, err)
	}
	if blocks := int64(binary.LittleEndian.Uint64(header[32:])); headersEnd+blocks*size != int64(len(before)) {
		t.Errorf("%d blocks in %d bytes", blocks, len(before))
	}
	n := int64(binary.LittleEndian.Uint64(undo[len(undoMagic)+headerBytes:]))
	blocks := undo[int64(len(undoMagic)+headerBytes+8)+8*n:]
	if n == 0 {
		t.Fatal("no block of metadata")
	}
	for i := range n {
		if !whole(blocks[i*size : (i+1)*size]) {
			t.Errorf("block %d has another checksum", i)
		}
	}
}

// A process that is killed within a write of metadata leaves a block of which a part is of the
// commit and the rest of the state before: the next one to open the store puts it back.
func TestTornMetadataIsPutBack(t *testing.T) {
	row := tier.Begin(t, "K1-torn", tier.Size{Test: 12, Chaos: 200})
	r := rand.New(rand.NewPCG(3, 3))
	refused := 0
	db := scratch(t)
	commits(t, db, 0, 2)
	for round := range row.Rounds() {
		before := mustRead(t, db.path)
		commits(t, db, 2+round, 1)
		after, undo := mustRead(t, db.path), mustRead(t, db.path+undoSuffix)
		// All that the commit wrote is there but for the header, and each block of metadata up to some byte.
		torn := bytes.Clone(after)
		if len(before) > len(after) { // the file becomes shorter when the header has moved
			torn = append(torn, before[len(after):]...)
		}
		copy(torn[:headersEnd], before[:headersEnd])
		n := int(binary.LittleEndian.Uint64(undo[len(undoMagic)+headerBytes:]))
		for i := range n {
			id := int(binary.LittleEndian.Uint64(undo[len(undoMagic)+headerBytes+8+8*i:]))
			at := headersEnd + id<<16
			cut := at + 4096*(1+r.IntN(15))
			copy(torn[cut:at+1<<16], before[cut:at+1<<16])
		}
		open := func(withUndo bool) (events int64, err error) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, file), torn, 0o600); err != nil {
				t.Fatal(err)
			}
			if withUndo {
				if err := os.WriteFile(filepath.Join(dir, file+undoSuffix), undo, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			// Twice: what a reader has put back, a writer must find.
			for _, readOnly := range []bool{round%2 == 0, false} {
				db, err := Open(context.Background(), Options{Dir: dir, ReadOnly: readOnly})
				if err != nil {
					return 0, err
				}
				s, err := db.Status(context.Background())
				db.Close()
				if err != nil {
					return 0, err
				}
				events = s.Events
			}
			return events, nil
		}
		if _, err := open(false); err != nil {
			refused++
		}
		if events, err := open(true); err != nil || events != int64(200*(2+round)) {
			row.Violation("round %d: %d events, want %d: %v", round, events, 200*(2+round), err)
		}
		row.Done()
	}
	if refused < row.Rounds()/2 {
		t.Errorf("only %d of %d torn files were refused without the undo file: the test has lost its teeth", refused, row.Rounds())
	}
}

// An undo file is used for nothing but the state that it was made of.
func TestUndoOfAnotherState(t *testing.T) {
	db := scratch(t)
	commits(t, db, 0, 2)
	old := mustRead(t, db.path+undoSuffix)
	commits(t, db, 2, 1)
	undo, want := mustRead(t, db.path+undoSuffix), mustRead(t, db.path)
	cut := undo[:len(undo)-100]
	flipped := bytes.Clone(undo)
	flipped[len(undo)/2] ^= 1
	for name, undo := range map[string][]byte{"older": old, "ended": undo, "cut": cut, "flipped": flipped, "empty": {}} {
		dir := t.TempDir()
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+undoSuffix, undo, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := Open(context.Background(), Options{Dir: dir, ReadOnly: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		db.Close()
		if !bytes.Equal(mustRead(t, path), want) {
			t.Errorf("%s: the store was changed", name)
		}
	}
}

// With a damaged header the other one may be that of the undo file, though the commit had ended: nothing is written into
// what repair puts aside.
func TestUndoLeavesADamagedHeader(t *testing.T) {
	db := scratch(t)
	commits(t, db, 0, 3)
	undo, whole := mustRead(t, db.path+undoSuffix), mustRead(t, db.path)
	for _, from := range []int{headerBytes + 100, 2*headerBytes + 100} {
		dir := t.TempDir()
		path := filepath.Join(dir, file)
		harmed := bytes.Clone(whole)
		for i := range harmed[headersEnd:] {
			harmed[headersEnd+i] ^= 0xa5 // every block, those of the undo file too
		}
		harmed[from] ^= 1
		if err := os.WriteFile(path, harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+undoSuffix, undo, 0o600); err != nil {
			t.Fatal(err)
		}
		if db, err := Open(context.Background(), Options{Dir: dir}); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("byte %d: a store with a damaged header: %v", from, err)
			if err == nil {
				db.Close()
			}
		}
		if !bytes.Equal(mustRead(t, path), harmed) {
			t.Errorf("byte %d: the store was changed", from)
		}
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
