package inflate

import (
	"compress/flate"
	"encoding/binary"
)

// corrupt says that the input is no deflate data. The offset is that in the stream.
func (z *Reader) corrupt() {
	z.err = flate.CorruptInputError(z.passed + int64(z.pos) - int64(z.nb/8))
}

// load adds one byte of input or more to the bits.
func (z *Reader) load() {
	if z.pos == z.end {
		if z.more(); z.err != nil {
			return
		}
	}
	if z.end-z.pos < 8 {
		z.b |= uint64(z.in[z.pos]) << z.nb
		z.pos++
		z.nb += 8
		return
	}
	n := (63 - z.nb) / 8
	z.b |= binary.LittleEndian.Uint64(z.in[z.pos:]) << z.nb
	z.pos += int(n)
	z.nb += 8 * n
	z.b &= 1<<z.nb - 1
}

// bits takes n bits of input, 32 at most. After an error they are 0.
func (z *Reader) bits(n uint) uint {
	for z.err == nil && z.nb < n {
		z.load()
	}
	if z.err != nil {
		return 0
	}
	v := uint(z.b & (1<<n - 1))
	z.b >>= n
	z.nb -= n
	return v
}

// block reads the header of a block (RFC 1951, 3.2.3).
func (z *Reader) block() {
	z.final = z.bits(1) == 1
	switch kind := z.bits(2); {
	case z.err != nil:
	case kind == 0:
		z.bits(z.nb % 8)
		n, not := z.bits(16), z.bits(16)
		if z.err == nil && n != not^0xffff {
			z.corrupt()
		}
		z.stored, z.state = int(n), inStored
	case kind == 1:
		if !z.static {
			z.tables, z.static = *static(), true
		}
		z.state = inCodes
	case kind == 2:
		z.static = false
		z.dynamic()
		z.state = inCodes
	default:
		z.corrupt()
	}
}

// ended goes on to what comes after a block.
func (z *Reader) ended() {
	z.state = inBlock
	if z.final {
		z.state = inTrailer
	}
}

// The order in which the lengths of the codes of code lengths are written.
var order = [19]byte{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic reads the codes of a block (3.2.7).
func (z *Reader) dynamic() {
	nl, nd, no := int(z.bits(5))+257, int(z.bits(5))+1, int(z.bits(4))+4
	if z.err == nil && (nl > 286 || nd > 30) {
		z.corrupt()
		return
	}
	var first [len(order)]byte
	for _, s := range order[:no] {
		first[s] = byte(z.bits(3))
	}
	if z.err != nil {
		return
	}
	if !new(codes).build(z.order[:], orderBits, first[:], orderEntries[:]) {
		z.corrupt()
		return
	}
	var lengths [286 + 30]byte
	for i := 0; i < nl+nd; {
		n, length := 1, z.codeLength()
		switch length {
		case 16: // the one before again
			n = 3 + int(z.bits(2))
			if i > 0 {
				length = lengths[i-1]
			} else {
				n = len(lengths) + 1 // there is none
			}
		case 17:
			n, length = 3+int(z.bits(3)), 0
		case 18:
			n, length = 11+int(z.bits(7)), 0
		}
		if z.err == nil && i+n > nl+nd {
			z.corrupt()
		}
		if z.err != nil {
			return
		}
		for range n {
			lengths[i] = length
			i++
		}
	}
	if !z.tables.build(lengths[:nl], lengths[nl:nl+nd]) {
		z.corrupt()
	}
}

// codeLength decodes the length of a code, or 16 to 18.
func (z *Reader) codeLength() byte {
	for z.err == nil {
		e := z.order[z.b%orderSize]
		n := uint(e & takes)
		if n > z.nb {
			z.load()
			continue
		}
		if e&special != 0 {
			z.corrupt()
			break
		}
		z.b >>= n
		z.nb -= n
		return byte(e >> valueShift)
	}
	return 0
}

// copyStored copies what is here of a block that is not compressed (3.2.4).
func (z *Reader) copyStored() {
	for z.stored > 0 && z.nb > 0 && z.w < fullAt {
		z.out[z.w] = byte(z.bits(8))
		z.w++
		z.stored--
	}
	if z.stored > 0 && z.pos == z.end && z.w == z.given {
		if z.more(); z.err != nil {
			return
		}
	}
	n := min(z.stored, z.end-z.pos, fullAt-z.w)
	copy(z.out[z.w:], z.in[z.pos:z.pos+n])
	z.w += n
	z.pos += n
	if z.stored -= n; z.stored == 0 {
		z.ended()
	}
}

// careful decodes symbols of a block, each only when all of it is here. It
// leaves everything as it is where that is not so, and reads more input if
// there is no output to give before.
func (z *Reader) careful() {
	for z.w < fullAt {
		for z.nb < 56 && z.pos < z.end {
			z.load()
		}
		// Bits that are not here read as zeros: left says afterwards whether there were any.
		b, left := z.b, int(z.nb)
		e := z.tables.lengths[b%(1<<lengthBits)]
		if e&link != 0 {
			b >>= lengthBits
			left -= lengthBits
			e = z.tables.lengths[e.behind(b)]
		}
		n := e & takes
		if e&literal != 0 {
			n = e >> codeShift & codeMask // the first of two may be all there is
		}
		left -= int(n)
		switch {
		case left < 0:
			z.starve()
			return
		case e&literal != 0:
			z.out[z.w] = byte(e >> valueShift)
			z.w++
			z.b, z.nb = b>>n, uint(left)
			continue
		case e&end != 0:
			z.b, z.nb = b>>n, uint(left)
			z.ended()
			return
		case e&special != 0:
			z.corrupt()
			return
		}
		length := e.value(b)
		b >>= n
		e = z.tables.distances[b%(1<<distanceBits)]
		if e&link != 0 {
			b >>= distanceBits
			left -= distanceBits
			e = z.tables.distances[e.behind(b)]
		}
		left -= int(e & takes)
		if left < 0 {
			z.starve()
			return
		}
		distance := int(e.value(b))
		if e&special != 0 || distance > z.w-z.begin {
			z.corrupt()
			return
		}
		z.b, z.nb = b>>(e&takes), uint(left)
		for range length {
			z.out[z.w] = z.out[z.w-distance]
			z.w++
		}
	}
}

// starve is for a symbol that is not here as a whole.
func (z *Reader) starve() {
	if z.w == z.given {
		z.more()
	}
}
