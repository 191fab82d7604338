package inflate

import (
	"math/bits"
	"sync"
)

// What a Huffman code stands for is an entry of a table, found by the next
// bits of the input. All that decoding wants to know is in it, as in libdeflate:
//
//	bits 0–5    how many bits it takes: the code and its extra bits
//	bit  6      set for literals
//	bit  7      set for two literals
//	bits 8–11   the bits of the code alone, of the first when there are two;
//	            of a link, how many more bits find an entry behind it
//	bits 13–15  set for what is rare, see below
//	bits 16–31  literals, the first one lower; or the base of a length or of a
//	            distance; or the place of the entries behind a link
type entry uint32

const (
	takes   = 1<<6 - 1
	literal = 1 << 6
	second  = 1 << 7
	special = 1 << 15 // one of the next two, or no code at all
	link    = 1 << 14
	end     = 1 << 13 // of the block

	codeShift  = 8
	codeMask   = 15
	valueShift = 16
)

// value is that of a length or distance: the base, and the extra bits that stand behind the code in b.
func (e entry) value(b uint64) uint {
	return uint(e>>valueShift) + uint(b&^(^uint64(0)<<(e%64))>>(e>>codeShift%16))
}

// behind is where the entry behind a link is, when b begins behind the link's bits.
func (e entry) behind(b uint64) uint {
	return uint(e>>valueShift) + uint(b&(1<<(e>>codeShift%16)-1))
}

// A table is found by so many bits; entries of longer codes are behind links.
// With more bits there are fewer links and more pairs, but a block of a log is
// no more than 4096 symbols, and 11 bits took longer to fill than they saved. The
// sizes are powers of two above the 1334 and 402 entries that it can come to
// (examples/enough.c of zlib, for 288 and 32 symbols of up to 15 bits).
const (
	lengthBits   = 10
	distanceBits = 8
	orderBits    = 7 // what codes of code lengths have at most: no links

	lengthSize   = 2048
	distanceSize = 512
	orderSize    = 1 << orderBits
)

// tables are those of one block.
type tables struct {
	lengths   [lengthSize]entry // and literals
	distances [distanceSize]entry
}

const (
	maxBits   = 15 // of a code
	symbols   = 288
	endSymbol = 256
)

// What the symbols stand for (RFC 1951, 3.2.5), in entries that lack the code.
// The last two lengths and distances must not occur.
var lengthEntries, distanceEntries, orderEntries = func() (l [symbols]entry, d [32]entry, o [19]entry) {
	for i := range endSymbol {
		l[i] = literal | entry(i)<<valueShift
	}
	l[endSymbol] = special | end
	base := entry(3)
	for i := range entry(28) {
		extra := max(i/4, 1) - 1
		l[endSymbol+1+i] = base<<valueShift | extra
		base += 1 << extra
	}
	l[285], l[286], l[287] = 258<<valueShift, special, special
	base = 1
	for i := range entry(30) {
		extra := max(i/2, 1) - 1
		d[i] = base<<valueShift | extra
		base += 1 << extra
	}
	d[30], d[31] = special, special
	for i := range o {
		o[i] = entry(i) << valueShift
	}
	return
}()

// static are the tables of blocks that bring none (3.2.6).
var static = sync.OnceValue(func() *tables {
	var l [symbols]byte
	for i := range l {
		switch {
		case i < 144:
			l[i] = 8
		case i < 256:
			l[i] = 9
		case i < 280:
			l[i] = 7
		default:
			l[i] = 8
		}
	}
	t := new(tables)
	d := [32]byte{}
	for i := range d {
		d[i] = 5
	}
	t.build(l[:], d[:])
	return t
})

// build makes the tables of the code lengths of each symbol. It reports
// whether they make up a code.
func (t *tables) build(lengths, distances []byte) bool {
	var c codes
	if !c.build(t.lengths[:], lengthBits, lengths, lengthEntries[:]) {
		return false
	}
	c.pair(&t.lengths, lengths)
	return c.build(t.distances[:], distanceBits, distances, distanceEntries[:])
}

// codes are the symbols that have one, in the order of their codes, and the
// codes, with the bit that comes first lowest.
type codes struct {
	n       int
	symbols [symbols]uint16
	bits    [symbols]uint16
}

// pair puts two literals in an entry where the bits are enough for both. Log
// lines are full of digits, whose codes are short.
func (c *codes) pair(t *[lengthSize]entry, lengths []byte) {
	for i, a := range c.symbols[:c.n] {
		n := int(lengths[a])
		if n+int(lengths[c.symbols[0]]) > lengthBits {
			return
		}
		if a >= endSymbol {
			continue
		}
		for j, b := range c.symbols[:c.n] {
			m := n + int(lengths[b])
			if m > lengthBits {
				break // as it is for those behind
			}
			if b >= endSymbol {
				continue
			}
			e := literal | second | entry(n<<codeShift|m) | entry(a)<<valueShift | entry(b)<<(valueShift+8)
			for k := int(c.bits[i]) | int(c.bits[j])<<n; k < 1<<lengthBits; k += 1 << m {
				t[k] = e
			}
		}
	}
}

// build makes a table that is found by so many bits from the length of each
// symbol's code, 0 for those that have none (3.2.2). It reports whether these
// make up a code: a complete one, or, as zlib has it, none at all or one of a single bit.
func (c *codes) build(table []entry, width int, lengths []byte, entries []entry) bool {
	var count, place [maxBits + 1]int
	for _, n := range lengths {
		count[n]++
	}
	space := 0
	c.n = 0
	for n := 1; n <= maxBits; n++ {
		space += count[n] << (maxBits - n)
		place[n] = c.n
		c.n += count[n]
	}
	if space != 1<<maxBits && (c.n > 1 || c.n != count[1]) {
		return false
	}
	// By length, then by symbol, which is the order of the codes. Symbols that
	// have none come last: to leave them out would cost a branch that is hard to foresee.
	place[0] = c.n
	for s, n := range lengths {
		c.symbols[place[n]] = uint16(s)
		place[n]++
	}

	table[0] = entry(special | c.n<<codeShift | c.n) // stays where there is no code
	size := 1
	code, last := 0, 0 // the next code, of last bits
	next := 1 << width // where the entries behind the next link go
	prefix, behind := -1, []entry(nil)
	for i, s := range c.symbols[:c.n] {
		n := int(lengths[s])
		code <<= n - last
		last = n
		// Codes come with their highest bit first, everything else with its lowest.
		at := int(bits.Reverse16(uint16(code)) >> (16 - n))
		c.bits[i] = uint16(at)
		size = double(table, size, 1<<min(n, width))
		if n <= width {
			table[at] = entries[s] + entry(n<<codeShift|n)
		} else {
			n -= width
			if p := at & (1<<width - 1); p != prefix {
				// As many more bits as the longest code with this prefix has. Those
				// that come next have it, until there is no room for more.
				prefix = p
				more := n
				for room := count[width+n]; room < 1<<more; {
					more++
					room = room<<1 + count[width+more]
				}
				table[p] = entry(special|link|more<<codeShift|width) | entry(next)<<valueShift
				behind = table[next : next+1<<more]
				next += 1 << more
			}
			for k := at >> width; k < len(behind); k += 1 << n {
				behind[k] = entries[s] + entry(n<<codeShift|n)
			}
		}
		count[last]--
		code++
	}
	double(table, size, 1<<width)
	return true
}

// double repeats a table of one size, whatever the bits that follow are, until it has the other.
func double(table []entry, size, to int) int {
	for size < to {
		copy(table[size:], table[:size])
		size *= 2
	}
	return size
}
