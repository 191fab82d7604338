package inflate

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// A writer writes deflate data as it is told, sense or not. It keeps what a reader should make of it.
type writer struct {
	out  []byte
	bits uint64
	n    uint

	want          []byte
	lengths       []byte // of the codes, set by static and dynamic
	distances     []byte
	lengthCodes   []uint16
	distanceCodes []uint16
}

func (w *writer) put(v uint64, n int) *writer {
	w.bits |= v << w.n
	for w.n += uint(n); w.n >= 8; w.n -= 8 {
		w.out = append(w.out, byte(w.bits))
		w.bits >>= 8
	}
	return w
}

func (w *writer) align() *writer {
	return w.put(0, int(8-w.n)%8)
}

// header writes the simplest.
func (w *writer) header() *writer {
	w.out = append(w.out, 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)
	return w
}

// trailer ends a member that began with want[from:].
func (w *writer) trailer(from int) []byte {
	w.align()
	w.out = binary.LittleEndian.AppendUint32(w.out, crc32.ChecksumIEEE(w.want[from:]))
	w.out = binary.LittleEndian.AppendUint32(w.out, uint32(len(w.want)-from))
	return w.out
}

func (w *writer) block(final bool, kind uint64) *writer {
	if final {
		w.put(1, 1)
	} else {
		w.put(0, 1)
	}
	return w.put(kind, 2)
}

func (w *writer) stored(final bool, b []byte) *writer {
	w.block(final, 0).align().put(uint64(len(b)), 16).put(uint64(^uint16(len(b))), 16)
	w.out = append(w.out, b...)
	w.want = append(w.want, b...)
	return w
}

// canonical gives codes to lengths (RFC 1951, 3.2.2), as they are written.
func canonical(lengths []byte) []uint16 {
	codes := make([]uint16, len(lengths))
	code := 0
	for n := 1; n <= 15; n++ {
		code <<= 1
		for s, l := range lengths {
			if int(l) == n {
				codes[s] = bits.Reverse16(uint16(code)) >> (16 - n)
				code++
			}
		}
	}
	return codes
}

func (w *writer) codes(lengths, distances []byte) *writer {
	w.lengths, w.distances = lengths, distances
	w.lengthCodes, w.distanceCodes = canonical(lengths), canonical(distances)
	return w
}

func (w *writer) static(final bool) *writer {
	lengths, distances := make([]byte, 288), make([]byte, 32)
	for i := range lengths {
		lengths[i] = 8
		if i >= 144 && i < 256 {
			lengths[i] = 9
		} else if i >= 256 && i < 280 {
			lengths[i] = 7
		}
	}
	for i := range distances {
		distances[i] = 5
	}
	return w.block(final, 1).codes(lengths, distances)
}

// dynamic writes the lengths of codes plainly: 4 bits each, none repeated.
func (w *writer) dynamic(final bool, lengths, distances []byte) *writer {
	w.block(final, 2).put(uint64(len(lengths)-257), 5).put(uint64(len(distances)-1), 5).put(15, 4)
	order := [...]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	for _, s := range order {
		if s < 16 {
			w.put(4, 3)
		} else {
			w.put(0, 3)
		}
	}
	for _, l := range append(append([]byte{}, lengths...), distances...) {
		w.put(uint64(bits.Reverse8(l)>>4), 4)
	}
	return w.codes(lengths, distances)
}

func (w *writer) symbol(s int) *writer {
	return w.put(uint64(w.lengthCodes[s]), int(w.lengths[s]))
}

func (w *writer) literals(b ...byte) *writer {
	for _, c := range b {
		w.symbol(int(c))
	}
	w.want = append(w.want, b...)
	return w
}

// The tables of RFC 1951, 3.2.5, as they stand there.
var (
	lengthBases = []int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra = []int{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBases   = []int{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distExtra   = []int{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

func last(bases []int, v int) int {
	for i := len(bases) - 1; ; i-- {
		if bases[i] <= v {
			return i
		}
	}
}

func (w *writer) match(length, distance int) *writer {
	l, d := last(lengthBases, length), last(distBases, distance)
	w.symbol(257+l).put(uint64(length-lengthBases[l]), lengthExtra[l])
	w.put(uint64(w.distanceCodes[d]), int(w.distances[d])).put(uint64(distance-distBases[d]), distExtra[d])
	for range length {
		if distance > len(w.want) {
			break // a reader will complain
		}
		w.want = append(w.want, w.want[len(w.want)-distance])
	}
	return w
}

func (w *writer) end() *writer { return w.symbol(256) }
