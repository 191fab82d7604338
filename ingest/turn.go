package ingest

import (
	"encoding/binary"

	"github.com/dchest/siphash"
)

// A turn is a keyed permutation of the numbers from 1 on. It leaves 0, which
// means "absent", where it is.
//
// It is a Feistel network of four rounds with SipHash as their function, which
// cannot be told from a random permutation (Luby and Rackoff 1988). A second
// hash would do nearly as well, but two pseudonyms could become one, and
// tombstones could not be made from turned pseudonyms.
type turn [4]subkey

func newTurn(k subkey) turn {
	var t turn
	for i := range t {
		t[i] = k.derive("round " + string(rune('1'+i)))
	}
	return t
}

func (k subkey) round(half uint32) uint32 {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], half)
	return uint32(siphash.Hash(k.k0, k.k1, b[:]))
}

func (t *turn) of(v uint64) uint64 {
	if v == 0 {
		return 0
	}
	for {
		l, r := uint32(v>>32), uint32(v)
		for _, k := range t {
			l, r = r, l^k.round(r)
		}
		if v = uint64(l)<<32 | uint64(r); v != 0 { // the one number that is turned to 0 goes on to where 0 is turned
			return v
		}
	}
}

func (t *turn) back(v uint64) uint64 {
	if v == 0 {
		return 0
	}
	for {
		l, r := uint32(v>>32), uint32(v)
		for i := len(t) - 1; i >= 0; i-- {
			l, r = r^t[i].round(l), l
		}
		if v = uint64(l)<<32 | uint64(r); v != 0 {
			return v
		}
	}
}
