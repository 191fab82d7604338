package ingest

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/renameio/v2"

	"keyramp/queries/store/durable"
)

// maxChain is how many keys a chain may have, so that a file which is something
// else is not read for long.
const maxChain = 100

// LoadPseudonyms reads the key file at path, or makes one with a fresh random
// key when there is none. The file holds 16 bytes, raw or as 32 hexadecimal
// digits; after rotations one line of digits for each key, the oldest first. A
// file that others may read is refused, because whoever has the key can undo
// the pseudonyms by trying ids.
//
// A new key must never stand beside rows of an old one: callers check that
// the file exists when the store does.
func LoadPseudonyms(path string) (*Pseudonyms, error) {
	chain, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKey(path); err != nil {
			return nil, fmt.Errorf("key file %s: cannot be made: %w", path, err)
		}
		chain, err = readKey(path)
	}
	if err != nil {
		return nil, err
	}
	return NewPseudonyms(chain...), nil
}

// A Rotation is a key file that has got one more key, beside the one in use.
type Rotation struct {
	Next *Pseudonyms // by the longer chain
	path string
}

// nextKey is where the key of a rotation lies until its store is turned.
func nextKey(path string) string { return path + ".next" }

// BeginRotation writes beside the key file one with a fresh key at its end. The
// caller turns the store and then calls Finish.
func BeginRotation(path string) (*Rotation, error) {
	chain, err := readKey(path)
	if err != nil {
		return nil, err
	}
	var fresh [16]byte
	rand.Read(fresh[:]) // never fails: it ends the program instead
	chain = append(chain, fresh)
	if len(chain) > maxChain {
		return nil, fmt.Errorf("key file %s: holds %d keys already: start a new store", path, len(chain)-1)
	}
	if err := writeKey(nextKey(path), chain, false); err != nil {
		return nil, fmt.Errorf("key file %s: cannot be made: %w", nextKey(path), err)
	}
	return &Rotation{Next: NewPseudonyms(chain...), path: path}, nil
}

// PendingRotation is a rotation that was begun and not finished; nil when there is none.
func PendingRotation(path string) (*Rotation, error) {
	chain, err := readKey(nextKey(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &Rotation{Next: NewPseudonyms(chain...), path: path}, nil
}

// Turn gives the number that a pseudonym or a tombstone has after the rotation.
func (r *Rotation) Turn(v uint64) uint64 { return r.Next.turns[len(r.Next.turns)-1].of(v) }

// Finish puts the longer chain in the place of the key file, once the store is turned.
func (r *Rotation) Finish() error {
	if err := os.Rename(nextKey(r.path), r.path); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	return durable.Folder(filepath.Dir(r.path))
}

// Drop ends a rotation whose store was not turned.
func (r *Rotation) Drop() error { return os.Remove(nextKey(r.path)) }

func readKey(path string) (chain [][16]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err) // os names the path
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("key file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("key file %s: is not a regular file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("key file %s: mode %04o lets others read it: run chmod 600, and keyramp key rotate if others had access",
			path, info.Mode().Perm())
	}
	const line = 2*16 + 1
	b, err := io.ReadAll(io.LimitReader(f, maxChain*(line+1)+1))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	if len(b) == 16 {
		return [][16]byte{[16]byte(b)}, nil
	}
	for _, text := range strings.Fields(string(b)) {
		var key [16]byte
		if len(text) != hex.EncodedLen(len(key)) {
			chain = nil
			break
		}
		if _, err := hex.Decode(key[:], []byte(text)); err != nil {
			chain = nil
			break
		}
		chain = append(chain, key)
	}
	if len(chain) == 0 || len(chain) > maxChain {
		return nil, fmt.Errorf("key file %s: does not hold 16 bytes or 32 hexadecimal digits a line: restore it from a backup; a new key cannot join the users already stored", path)
	}
	return chain, nil
}

// createKey writes a new key beside path and links it into place whole. Of
// two processes that do so at once, both then read the key of the first.
func createKey(path string) error {
	var key [16]byte
	rand.Read(key[:]) // never fails: it ends the program instead
	return writeKey(path, [][16]byte{key}, true)
}

// writeKey writes a chain of keys to a file of its own. An older one stays when
// keep says so, else it is replaced.
func writeKey(path string, chain [][16]byte, keep bool) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	t, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer t.Cleanup()
	var text bytes.Buffer
	for _, key := range chain {
		text.WriteString(hex.EncodeToString(key[:]) + "\n")
	}
	if _, err := t.Write(text.Bytes()); err != nil {
		return err
	}
	if err := t.Sync(); err != nil {
		return err
	}
	linked := false
	if keep {
		err := os.Link(t.Name(), path)
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		linked = err == nil // a file system may have no links
	}
	if !linked {
		if err := t.CloseAtomicallyReplace(); err != nil {
			return err
		}
	}
	// The name must survive a power loss too: a second key would part users from their past.
	return durable.Folder(dir)
}
