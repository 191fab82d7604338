package inflate

import "encoding/binary"

const (
	// What a round of fast reads of the input at most, and what it writes: three
	// pairs of literals, and a match with what is copied beyond its end.
	fastIn  = 2 * 8
	fastOut = 3*2 + 8 + 272

	// A match is copied between two of these, which is more than it may be long.
	stretch = 512 + 16
)

// fast decodes symbols while there is so much of both input and room that
// neither needs to be looked at, and leaves the rest to careful.
//
// What one symbol takes decides where the next one is, so what counts is how
// soon the next entry is known, and how seldom a branch is foreseen wrongly. The
// processor does the rest beside that.
func (z *Reader) fast() {
	const lengthMask, distanceMask = 1<<lengthBits - 1, 1<<distanceBits - 1
	if z.pos > z.end-fastIn {
		return
	}
	pos, last := uint(z.pos), uint(z.end-fastIn)
	w, begin := uint(z.w), uint(z.begin)
	// Only the lower six bits of nb count here, so an entry can be taken from it
	// as it is. And above these bits b may hold those that come next.
	b, nb, pos := z.refill(z.b, z.nb, pos)
	e := z.tables.lengths[b&lengthMask]
	ended, bad := false, false
	for pos <= last && w < fullAt {
		// Now there are 56 bits, enough for two entries of literals (of 10 bits) and
		// a length (20), or three of literals.
		b, nb, pos = z.refill(b, nb, pos)
		if e&literal != 0 {
			w = z.put(e, w)
			b, nb = b>>(e%64), nb-uint(e)
			e = z.tables.lengths[b&lengthMask]
			if e&literal != 0 {
				w = z.put(e, w)
				b, nb = b>>(e%64), nb-uint(e)
				e = z.tables.lengths[b&lengthMask]
				if e&literal != 0 {
					w = z.put(e, w)
					b, nb = b>>(e%64), nb-uint(e)
					e = z.tables.lengths[b&lengthMask]
					continue
				}
			}
		}
		if e&special != 0 {
			if e&link != 0 {
				b, nb = b>>lengthBits, nb-lengthBits
				e = z.tables.lengths[e.behind(b)%lengthSize]
				if e&literal != 0 {
					w = z.put(e, w)
					b, nb = b>>(e%64), nb-uint(e)
					e = z.tables.lengths[b&lengthMask]
					continue
				}
			}
			if e&special != 0 {
				b, nb = b>>(e%64), nb-uint(e)
				ended = e&end != 0
				bad = !ended
				break
			}
		}
		length := e.value(b)
		b, nb = b>>(e%64), nb-uint(e)

		// A distance takes 28 bits at most, so the next entry can be found without another refill.
		b, nb, pos = z.refill(b, nb, pos)
		e = z.tables.distances[b&distanceMask]
		if e&special != 0 {
			if e&link != 0 {
				b, nb = b>>distanceBits, nb-distanceBits
				e = z.tables.distances[e.behind(b)%distanceSize]
			}
			if e&special != 0 {
				bad = true
				break
			}
		}
		distance := e.value(b)
		b, nb = b>>(e%64), nb-uint(e)
		e = z.tables.lengths[b&lengthMask]
		if distance > w-begin {
			bad = true
			break
		}
		z.match(w, distance, length)
		w += length
	}
	nb %= 64
	z.b, z.nb, z.pos, z.w = b&(1<<nb-1), nb, int(pos), int(w)
	if ended {
		z.ended()
	}
	if bad {
		z.corrupt()
	}
}

// refill brings b to 56 bits or more, whatever it has.
func (z *Reader) refill(b uint64, nb, pos uint) (uint64, uint, uint) {
	b |= binary.LittleEndian.Uint64(z.in[pos%inSize:][:8]) << (nb % 64)
	return b, nb | 56, pos + 7 - nb/8%8
}

// put writes the literal of e, or both, at w, and says where they end. It writes two bytes always.
func (z *Reader) put(e entry, w uint) uint {
	binary.LittleEndian.PutUint16(z.out[w%outSize:][:2], uint16(e>>valueShift))
	return w + 1 + uint(e/second%2)
}

// match copies what stands distance before w to w, and up to 15 bytes more.
func (z *Reader) match(w, distance, length uint) {
	to, from := z.stretch(w), z.stretch(w-distance)
	if distance < 8 {
		// What is copied repeats itself, so a multiple of the distance is as good. One
		// that is no shorter than a word can be had after eight bytes.
		for i := range 8 {
			to[i] = from[i]
		}
		to, from = z.stretch(w+8), z.stretch(w+8-(7+distance)/distance*distance)
		length = max(length, 8) - 8
	}
	// Most are no longer than this. To ask for each whether it is would cost more.
	word(to[0:8], from[0:8])
	word(to[8:16], from[8:16])
	word(to[16:24], from[16:24])
	word(to[24:32], from[24:32])
	for i := uint(32); i < length; i += 16 {
		t, f := to[i%512:][:16], from[i%512:][:16]
		word(t[:8], f[:8])
		word(t[8:], f[8:])
	}
}

// stretch is the output from at on.
func (z *Reader) stretch(at uint) *[stretch]byte {
	return (*[stretch]byte)(z.out[at%outSize:])
}

// word copies eight bytes.
func word(to, from []byte) {
	binary.LittleEndian.PutUint64(to, binary.LittleEndian.Uint64(from))
}
