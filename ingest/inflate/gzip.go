// Package inflate reads gzip, about twice as fast as the readers there are for
// Go. One core unpacks a file, so it is what an import of gzip files waits for.
//
// It takes and refuses what compress/gzip does, member after member, and
// gives the same errors: gzip.ErrHeader, gzip.ErrChecksum,
// flate.CorruptInputError, io.ErrUnexpectedEOF. In two cases it gives an error
// where that has none: for reserved flags, as RFC 1952 asks, and for a file that
// ends inside the name or the comment of a member, which is cut.
//
// The ideas are those of libdeflate (https://github.com/ebiggers/libdeflate,
// lib/decompress_template.h), which decodes whole files in memory: input comes
// eight bytes at a time into a 64-bit word (fast.go), an entry of a table says
// everything about a symbol (table.go), and matches are copied by words, a
// little further than they reach. What it does once for a file happens here
// for each stretch of a stream: the loop runs where neither input nor room can
// end, and careful (block.go) decodes between those stretches.
package inflate

import (
	"compress/gzip"
	"hash/crc32"
	"io"
)

// Sizes of the buffers. Sizes that are powers of two cost no bounds checks: the
// compiler sees that i%size is inside.
const (
	inSize  = 64 << 10
	outSize = 128 << 10 // stays in a processor's second cache
	history = 32 << 10  // how far back a match may reach (RFC 1951, 2)

	// fullAt is where output ends for now: there is room for one more round of fast behind it.
	fullAt = outSize - fastOut
)

// A Reader gives what a gzip stream holds. Its memory is what it has here. It
// is read from one goroutine.
type Reader struct {
	r     io.Reader
	inErr error // of r, behind the input that is here
	err   error // of this reader, behind the output that is here
	state state

	// Input, as bytes and before them as bits. The bits of b above nb are zero.
	b        uint64
	nb       uint // 63 at most
	pos, end int  // of what is left of in
	passed   int64

	// Output. A match reaches back to begin at most, where the member does, or history before w.
	begin, w int
	given    int // by Read
	summed   int // in sum and size
	sum      uint32
	size     uint32

	// The block.
	final  bool
	static bool // tables are the static ones
	stored int  // bytes left of a stored block
	tables tables
	order  [orderSize]entry

	in  [inSize + 8]byte
	out [outSize + stretch]byte
}

// A state is what comes next in the input.
type state int

const (
	inHeader state = iota // of a member
	inBlock               // its header
	inStored
	inCodes
	inTrailer
)

// NewReader reads the header of the first member. Empty input gives io.EOF.
// The reader takes more from r than it needs.
func NewReader(r io.Reader) (*Reader, error) {
	z := &Reader{r: r}
	if z.header(); z.err != nil {
		return nil, z.err
	}
	return z, nil
}

// Read gives everything that stands before an error, and does not wait for
// input while it has something to give.
func (z *Reader) Read(p []byte) (int, error) {
	for z.given == z.w {
		if z.err != nil {
			return 0, z.err
		}
		z.fill()
	}
	n := copy(p, z.out[z.given:z.w])
	z.given += n
	return n, nil
}

// fill decodes more output, when all that was there is given.
func (z *Reader) fill() {
	if z.w >= fullAt {
		by := z.w - history
		copy(z.out[:history], z.out[by:z.w])
		z.w, z.given, z.summed = history, history, history
		z.begin = max(0, z.begin-by)
	}
	for z.err == nil && z.w < fullAt && (z.w == z.given || z.pos < z.end) {
		switch z.state {
		case inHeader:
			z.header()
		case inBlock:
			z.block()
		case inStored:
			z.copyStored()
		case inCodes:
			z.fast()
			if z.state == inCodes && z.err == nil {
				z.careful()
			}
		case inTrailer:
			z.trailer()
		}
	}
	z.addSum()
}

func (z *Reader) addSum() {
	z.sum = crc32.Update(z.sum, crc32.IEEETable, z.out[z.summed:z.w])
	z.size += uint32(z.w - z.summed)
	z.summed = z.w
}

// header reads that of a member (RFC 1952, 2.3). A stream may end before it.
func (z *Reader) header() {
	const (
		hasSum = 1 << (iota + 1)
		hasExtra
		hasName
		hasComment
		reserved = 0xe0
	)
	if z.nb == 0 && z.pos == z.end {
		if z.more(); z.err == io.ErrUnexpectedEOF && z.inErr == io.EOF {
			z.err = io.EOF
		}
	}
	z.sum = 0
	var first [10]byte // magic number, method, flags, and what does not matter: time, effort, system
	for i := range first {
		first[i] = z.headerByte()
	}
	if z.err == nil && (first[0] != 0x1f || first[1] != 0x8b || first[2] != 8) {
		z.err = gzip.ErrHeader
	}
	flags := first[3]
	if flags&hasExtra != 0 {
		n := int(z.headerByte())
		n |= int(z.headerByte()) << 8
		for range n {
			z.headerByte()
		}
	}
	for _, flag := range []byte{hasName, hasComment} {
		for n := 0; flags&flag != 0 && z.headerByte() != 0; n++ {
			if n == 511 && z.err == nil { // a limit of compress/gzip
				z.err = gzip.ErrHeader
			}
		}
	}
	if flags&hasSum != 0 {
		if sum := z.bits(16); z.err == nil && sum != uint(z.sum&0xffff) {
			z.err = gzip.ErrHeader
		}
	}
	if z.err == nil && flags&reserved != 0 {
		z.err = gzip.ErrHeader
	}
	z.begin, z.summed, z.sum, z.size = z.w, z.w, 0, 0
	z.state = inBlock
}

// headerByte is the next byte, 0 after an error.
func (z *Reader) headerByte() byte {
	c := byte(z.bits(8))
	if z.err == nil {
		z.sum = ^(crc32.IEEETable[byte(^z.sum)^c] ^ ^z.sum>>8)
	}
	return c
}

// trailer checks a member against the sums behind it (2.3.1).
func (z *Reader) trailer() {
	z.addSum()
	z.bits(z.nb % 8)
	sum, size := z.bits(32), z.bits(32)
	if z.err == nil && (uint32(sum) != z.sum || uint32(size) != z.size) {
		z.err = gzip.ErrChecksum
	}
	z.state = inHeader
}

// more reads more input, and waits for it, when there is none left.
func (z *Reader) more() {
	z.passed += int64(z.end)
	z.pos, z.end = 0, 0
	for empty := 0; z.end == 0 && z.inErr == nil; empty++ {
		if empty == 100 { // as bufio has it
			z.inErr = io.ErrNoProgress
			break
		}
		z.end, z.inErr = z.r.Read(z.in[:inSize])
	}
	if z.end > 0 {
		return
	}
	if z.err = z.inErr; z.err == io.EOF {
		z.err = io.ErrUnexpectedEOF
	}
}
