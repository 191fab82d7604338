package synth

import "keyramp/fixtures/draw"

// A random is a stream of draws that begins at a hash.
type random uint64

func (r *random) next() uint64 {
	*r = random(draw.Mix(uint64(*r)))
	return uint64(*r)
}

func (r *random) below(n int) int { return int(r.next() >> 1 % uint64(n)) }

func (r *random) chance(p float64) bool { return draw.Unit(r.next()) < p }

func appendPadded(dst []byte, n uint64, width int) []byte {
	var b [20]byte
	for i := width - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, b[:width]...)
}

// hex appends at most 32 hexadecimal digits that follow from a number, which need not be a hash.
func hex(dst []byte, n uint64, digits int) []byte { return draw.Hex(dst, draw.Mix(n), digits) }
