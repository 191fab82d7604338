package synth

// mix is the finalizer of splitmix64: every bit of the result depends on every
// bit of x.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hash folds its arguments into one number, in their order.
func hash(parts ...uint64) uint64 {
	h := uint64(0x2545f4914f6cdd1d)
	for _, p := range parts {
		h = mix(h ^ p)
	}
	return h
}

// unit maps a hash to [0, 1).
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// A random is a stream of draws that begins at a hash.
type random uint64

func (r *random) next() uint64 {
	*r = random(mix(uint64(*r)))
	return uint64(*r)
}

func (r *random) below(n int) int { return int(r.next() >> 1 % uint64(n)) }

func (r *random) chance(p float64) bool { return unit(r.next()) < p }

func appendPadded(dst []byte, n uint64, width int) []byte {
	var b [20]byte
	for i := width - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, b[:width]...)
}

func appendHex(dst []byte, h uint64, digits int) []byte {
	for i := range digits {
		if i%16 == 0 {
			h = mix(h)
		}
		dst = append(dst, "0123456789abcdef"[h>>(i%16*4)&15])
	}
	return dst
}

// appendToken appends letters and digits, as session ids and states have.
func appendToken(dst []byte, h uint64, n int) []byte {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range n {
		if i%10 == 0 {
			h = mix(h)
		}
		dst = append(dst, letters[h>>(i%10*6)&63])
	}
	return dst
}
