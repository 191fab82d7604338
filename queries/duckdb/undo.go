package duckdb

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"keyramp/queries/store/durable"
)

// DuckDB writes a checkpoint into blocks that are free and then moves the header: a process that
// is killed before that leaves the state before. Blocks of metadata alone are written where they
// are, with more in what was free of them; one that is torn then takes the old state with it. So
// the blocks of metadata are kept in a file beside the store before every commit. As long as the
// header has not moved, a torn one can be put back: for that header nothing else was ever in it.
const undoSuffix = ".undo"

// How DuckDB lays out its file: three headers, each with its checksum first, then blocks, likewise.
const (
	headerBytes = 4096
	headersEnd  = 3 * headerBytes
)

// undoMagic is the first of an undo file; then the active header, the number of blocks, their ids, the blocks, and a CRC-32C of it all.
var undoMagic = []byte("keyramp undo 1\n\x00")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is DuckDB's, of a header or block without the checksum itself.
func checksum(b []byte) uint64 {
	sum := uint64(5381)
	for ; len(b) >= 8; b = b[8:] {
		sum ^= binary.LittleEndian.Uint64(b) * 0xbf58476d1ce4e5b9
	}
	return sum
}

// whole tells whether a header or block has the checksum that it begins with.
func whole(b []byte) bool {
	return len(b) > 8 && binary.LittleEndian.Uint64(b) == checksum(b[8:])
}

// activeHeader reads the header in force: the one of the two with the higher iteration. DuckDB opens no file in which one
// of them is damaged. That file is for repair, as it is: the other one may be of a state before a commit that had ended.
func activeHeader(f io.ReaderAt) (header []byte, blockSize int64, err error) {
	both := make([]byte, 2*headerBytes)
	if _, err := f.ReadAt(both, headerBytes); err != nil {
		return nil, 0, err
	}
	iteration := func(h []byte) uint64 { return binary.LittleEndian.Uint64(h[8:]) }
	for _, h := range [][]byte{both[:headerBytes], both[headerBytes:]} {
		if !whole(h) {
			return nil, 0, errors.New("a header is damaged")
		}
		if header == nil || iteration(h) > iteration(header) {
			header = h
		}
	}
	// iteration, first block of metadata, free list, number of blocks, size of a block
	blockSize = int64(binary.LittleEndian.Uint64(header[40:]))
	if blockSize < headerBytes || blockSize > 1<<20 {
		return nil, 0, errors.New("the header tells of no size of blocks")
	}
	return header, blockSize, nil
}

// backUp keeps the blocks of metadata of the attached file before a commit writes into them.
func backUp(ctx context.Context, conn *sql.Conn, path string, f io.ReaderAt) error {
	if f == nil {
		return nil
	}
	header, size, err := activeHeader(f)
	if err != nil {
		return err
	}
	var ids []int64
	var id int64
	if err := each(ctx, conn, "metadata_blocks", nil, func() error {
		ids = append(ids, id)
		return nil
	}, &id); err != nil {
		return err
	}
	b := make([]byte, 0, int64(len(undoMagic))+headerBytes+8+int64(len(ids))*(8+size)+4)
	b = append(append(b, undoMagic...), header...)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(ids)))
	for _, id := range ids {
		b = binary.LittleEndian.AppendUint64(b, uint64(id))
	}
	for _, id := range ids {
		at := len(b)
		b = b[:int64(at)+size]
		if _, err := f.ReadAt(b[at:], headersEnd+id*size); err != nil {
			return err
		}
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	_, err = os.Stat(path + undoSuffix)
	first := errors.Is(err, fs.ErrNotExist)
	undo, err := os.OpenFile(path+undoSuffix, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = undo.WriteAt(b, 0)
	err = errors.Join(err, undo.Truncate(int64(len(b))), undo.Sync(), undo.Close())
	if err == nil && first {
		err = errors.Join(os.Chmod(path+undoSuffix, 0o600), durable.Folder(filepath.Dir(path)))
	}
	return err
}

// unfinished tells whether the header is still the one before the last commit: none was made since, or it did not end.
func unfinished(path string, f io.ReaderAt) bool {
	undo, err := os.Open(path + undoSuffix)
	if err != nil {
		return false
	}
	defer undo.Close()
	begin := make([]byte, len(undoMagic)+headerBytes)
	if _, err := io.ReadFull(undo, begin); err != nil {
		return false
	}
	header, _, err := activeHeader(f)
	return err == nil && bytes.Equal(begin, append(bytes.Clone(undoMagic), header...))
}

// putBack writes the blocks of an undo file over those that are torn. Nobody else may have the file open.
func putBack(path string, f interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
}) (restored int, err error) {
	b, err := os.ReadFile(path + undoSuffix)
	head := len(undoMagic) + headerBytes
	if err != nil || len(b) < head+8+4 ||
		binary.LittleEndian.Uint32(b[len(b)-4:]) != crc32.Checksum(b[:len(b)-4], castagnoli) {
		return 0, err // one that was not written to its end was followed by no commit
	}
	header, size, err := activeHeader(f)
	if err != nil || !bytes.Equal(b[:head], append(bytes.Clone(undoMagic), header...)) {
		return 0, err
	}
	n := int64(binary.LittleEndian.Uint64(b[head:]))
	if b = b[head+8 : len(b)-4]; n < 0 || n > int64(len(b)) || int64(len(b)) != n*(8+size) {
		return 0, nil
	}
	ids, blocks := b[:8*n], b[8*n:]
	found := make([]byte, size)
	for i := range n {
		kept := blocks[i*size : (i+1)*size]
		at := headersEnd + int64(binary.LittleEndian.Uint64(ids[8*i:]))*size
		if _, err := f.ReadAt(found, at); err != nil && err != io.EOF {
			return restored, err
		}
		if whole(found) || !whole(kept) {
			continue
		}
		if _, err := f.WriteAt(kept, at); err != nil {
			return restored, err
		}
		restored++
	}
	if restored > 0 {
		err = f.Sync()
	}
	return restored, err
}
