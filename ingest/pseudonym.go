package ingest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"crypto/rand"

	"github.com/dchest/siphash"
	"github.com/google/renameio/v2"

	"keyramp/queries/store/durable"
)

// Pseudonyms turn ids into keyed 64-bit numbers at the door, so that the store
// can join and count people without being able to name them. They are
// SipHash-2-4 under a key of 16 random bytes; each kind of id has a sub-key of
// its own, so that equal texts of two kinds do not meet. The same key gives
// the same numbers for ever: who loses the key file can no longer join new
// events with stored ones.
//
// Every method returns 0 for an empty id, User also for one that was masked, and
// never 0 for any other. They are safe for concurrent use. Printing or encoding the type gives "[redacted]".
type Pseudonyms struct {
	user, session, transaction, logID, record, page subkey
}

type subkey struct{ k0, k1 uint64 }

// NewPseudonyms derives the sub-keys from a master key.
func NewPseudonyms(key [16]byte) *Pseudonyms {
	k0, k1 := binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])
	derive := func(kind string) subkey {
		a, b := siphash.Hash128(k0, k1, []byte("keyramp "+kind))
		return subkey{a, b}
	}
	return &Pseudonyms{
		user: derive("user"), session: derive("session"), transaction: derive("transaction"),
		logID: derive("log_id"), record: derive("record"), page: derive("page event"),
	}
}

func (k subkey) of(b []byte) uint64 {
	if len(b) == 0 {
		return 0
	}
	// 0 means "absent" in the store; the one id in 2⁶⁴ that hashes to it moves aside.
	return max(siphash.Hash(k.k0, k.k1, b), 1)
}

// User returns the pseudonym of a user_id. One that something on the way has
// replaced by stars, alone or behind its connection (auth0|****), is no id: all
// people would be one, and two variations would meet in them.
func (p *Pseudonyms) User(id string) uint64 { return p.userOf([]byte(id)) }

func (p *Pseudonyms) userOf(id []byte) uint64 {
	if own := id[bytes.LastIndexByte(id, '|')+1:]; len(bytes.Trim(own, "*")) == 0 && len(own) > 0 {
		return 0
	}
	return p.user.of(id)
}

// Session returns the pseudonym of a session id.
func (p *Pseudonyms) Session(id string) uint64 { return p.session.of([]byte(id)) }

// Transaction returns the pseudonym of a login transaction's id.
func (p *Pseudonyms) Transaction(id string) uint64 { return p.transaction.of([]byte(id)) }

// LogID returns the identity of a tenant log event.
func (p *Pseudonyms) LogID(id string) uint64 { return p.logID.of([]byte(id)) }

// Record returns the identity of a record that was put aside.
func (p *Pseudonyms) Record(raw []byte) uint64 { return p.record.of(raw) }

// PageID returns the identity of a page event: its source and its id there.
func (p *Pseudonyms) PageID(source, id string) uint64 {
	if source == "" && id == "" {
		return 0
	}
	var buf [256]byte
	b := binary.AppendUvarint(buf[:0], uint64(len(source))) // so that ("ab","c") is not ("a","bc")
	b = append(append(b, source...), id...)
	return p.page.of(b)
}

func (Pseudonyms) String() string               { return redacted }
func (Pseudonyms) GoString() string             { return redacted }
func (Pseudonyms) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) }
func (Pseudonyms) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Pseudonyms) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (Pseudonyms) LogValue() slog.Value         { return slog.StringValue(redacted) }

// LoadPseudonyms reads the key file at path, or makes one with a fresh random
// key when there is none. The file holds 16 bytes, raw or as 32 hexadecimal
// digits. A file that others may read is refused, because whoever has the key
// can undo the pseudonyms by trying ids.
//
// A new key must never stand beside rows of an old one: callers check that
// the file exists when the store does.
func LoadPseudonyms(path string) (*Pseudonyms, error) {
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKey(path); err != nil {
			return nil, fmt.Errorf("key file %s: cannot be made: %w", path, err)
		}
		key, err = readKey(path)
	}
	if err != nil {
		return nil, err
	}
	return NewPseudonyms(key), nil
}

func readKey(path string) (key [16]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return key, fmt.Errorf("key file: %w", err) // os names the path
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return key, fmt.Errorf("key file: %w", err)
	case !info.Mode().IsRegular():
		return key, fmt.Errorf("key file %s: is not a regular file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return key, fmt.Errorf("key file %s: mode %04o lets others read it: run chmod 600, and make a new key if others had access",
			path, info.Mode().Perm())
	}
	b, err := io.ReadAll(io.LimitReader(f, 256))
	if err != nil {
		return key, fmt.Errorf("key file %s: %w", path, err)
	}
	if len(b) == len(key) {
		return [16]byte(b), nil
	}
	if n, err := hex.Decode(make([]byte, 128), []byte(strings.TrimSpace(string(b)))); err != nil || n != len(key) {
		return key, fmt.Errorf("key file %s: does not hold 16 bytes or 32 hexadecimal digits: restore it from a backup; a new key cannot join the users already stored", path)
	}
	hex.Decode(key[:], b[:2*len(key)])
	return key, nil
}

// createKey writes a new key beside path and links it into place whole. Of
// two processes that do so at once, both then read the key of the first.
func createKey(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	t, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithPermissions(0o600))
	if err != nil {
		return err
	}
	defer t.Cleanup()
	var key [16]byte
	rand.Read(key[:]) // never fails: it ends the program instead
	if _, err := t.WriteString(hex.EncodeToString(key[:]) + "\n"); err != nil {
		return err
	}
	if err := t.Sync(); err != nil {
		return err
	}
	switch err := os.Link(t.Name(), path); {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil: // a file system without links
		err = t.CloseAtomicallyReplace()
		if err != nil {
			return err
		}
	}
	// The name must survive a power loss too: a second key would part users from their past.
	return durable.Folder(dir)
}
