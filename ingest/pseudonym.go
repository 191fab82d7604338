package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"

	"github.com/dchest/siphash"
)

// Pseudonyms turn ids into keyed 64-bit numbers at the door, so that the store
// can join and count people without being able to name them. They are
// SipHash-2-4 under a key of 16 random bytes; each kind of id has a sub-key of
// its own, so that equal texts of two kinds do not meet. The same key gives
// the same numbers for ever: who loses the key file can no longer join new
// events with stored ones.
//
// A key that was rotated is a chain of keys. The numbers of the first one then
// go through a permutation for each later one, which is keyed by that key and
// all before it: nobody can get from an id, or from an older number, to the
// current one without the whole chain, and whoever has it can go on joining.
//
// Every method returns 0 for an empty id, User also for one that was masked, and
// never 0 for any other. They are safe for concurrent use. Printing or encoding the type gives "[redacted]".
type Pseudonyms struct {
	user, session, transaction, logID, record, page, forgotten subkey

	turns []turn // one for each rotation, oldest first
	id    string
}

type subkey struct{ k0, k1 uint64 }

// NewPseudonyms derives the sub-keys from a chain of master keys, the oldest
// first; there is one unless the key was rotated.
func NewPseudonyms(chain ...[16]byte) *Pseudonyms {
	first := master(chain[0])
	p := &Pseudonyms{
		user: first.derive("user"), session: first.derive("session"), transaction: first.derive("transaction"),
		logID: first.derive("log_id"), record: first.derive("record"), page: first.derive("page event"),
		forgotten: first.derive("forgotten"),
	}
	all := first
	for _, key := range chain[1:] {
		// Of this key and all before it: neither alone tells the permutation.
		all = master(key).derive(fmt.Sprintf("rotation %016x%016x", all.k0, all.k1))
		p.turns = append(p.turns, newTurn(all))
	}
	a, b := siphash.Hash128(all.k0, all.k1, []byte("keyramp key id"))
	p.id = fmt.Sprintf("%016x%016x", a, b)
	return p
}

func master(key [16]byte) subkey {
	return subkey{binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])}
}

func (k subkey) derive(kind string) subkey {
	a, b := siphash.Hash128(k.k0, k.k1, []byte("keyramp "+kind))
	return subkey{a, b}
}

func (p *Pseudonyms) of(k subkey, b []byte) uint64 {
	if len(b) == 0 {
		return 0
	}
	// 0 means "absent" in the store; the one id in 2⁶⁴ that hashes to it moves aside.
	return p.turned(max(siphash.Hash(k.k0, k.k1, b), 1))
}

func (p *Pseudonyms) turned(v uint64) uint64 {
	for i := range p.turns {
		v = p.turns[i].of(v)
	}
	return v
}

// ID names the key without telling it: stores keep the id, so that they are
// not opened with another key.
func (p *Pseudonyms) ID() string { return p.id }

// User returns the pseudonym of a user_id. One that something on the way has
// replaced by stars, alone or behind its connection (auth0|****), is no id: all
// people would be one, and two variations would meet in them.
func (p *Pseudonyms) User(id string) uint64 { return p.userOf([]byte(id)) }

func (p *Pseudonyms) userOf(id []byte) uint64 {
	if own := id[bytes.LastIndexByte(id, '|')+1:]; len(bytes.Trim(own, "*")) == 0 && len(own) > 0 {
		return 0
	}
	return p.of(p.user, id)
}

// Session returns the pseudonym of a session id.
func (p *Pseudonyms) Session(id string) uint64 { return p.of(p.session, []byte(id)) }

// Transaction returns the pseudonym of a login transaction's id.
func (p *Pseudonyms) Transaction(id string) uint64 { return p.of(p.transaction, []byte(id)) }

// LogID returns the identity of a tenant log event.
func (p *Pseudonyms) LogID(id string) uint64 { return p.of(p.logID, []byte(id)) }

// Record returns the identity of a record that was put aside.
func (p *Pseudonyms) Record(raw []byte) uint64 { return p.of(p.record, raw) }

// Tombstone returns what a store keeps in place of a forgotten pseudonym, to
// know it again when it comes back. Without the key the two cannot be joined.
// A key that is rotated turns tombstones as it turns pseudonyms.
func (p *Pseudonyms) Tombstone(pseudonym uint64) uint64 {
	if pseudonym == 0 {
		return 0
	}
	for i := len(p.turns) - 1; i >= 0; i-- {
		pseudonym = p.turns[i].back(pseudonym)
	}
	return p.of(p.forgotten, binary.LittleEndian.AppendUint64(nil, pseudonym))
}

// PageID returns the identity of a page event: its source and its id there.
func (p *Pseudonyms) PageID(source, id string) uint64 {
	if source == "" && id == "" {
		return 0
	}
	var buf [256]byte
	b := binary.AppendUvarint(buf[:0], uint64(len(source))) // so that ("ab","c") is not ("a","bc")
	b = append(append(b, source...), id...)
	return p.of(p.page, b)
}

func (Pseudonyms) String() string               { return redacted }
func (Pseudonyms) GoString() string             { return redacted }
func (Pseudonyms) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) }
func (Pseudonyms) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Pseudonyms) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
func (Pseudonyms) LogValue() slog.Value         { return slog.StringValue(redacted) }
