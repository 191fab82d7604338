package inflate

import (
	"bytes"
	"compress/gzip"
	"testing"
)

// FuzzInflate holds whatever comes to the standard library: bytes as a file,
// as the inside of one, packed, and packed and then damaged.
func FuzzInflate(f *testing.F) {
	text := logs(f, 3000)
	for level := gzip.HuffmanOnly; level <= gzip.BestCompression; level++ {
		packed := pack(f, text[:400], level)
		f.Add(packed, byte(0), uint16(level+2), byte(level+2))
		f.Add(packed[10:], byte(1), uint16(0), byte(level+2))
		f.Add(text, byte(2), uint16(level+2), byte(0))
		f.Add(text, byte(3), uint16(level+2), byte(17*(level+2)))
	}
	w := new(writer).static(false).literals(text[:50]...).match(258, 1).end()
	w.dynamic(true, ragged(286), ragged(30)).literals(text[:100]...).match(100, 40).end()
	f.Add(w.align().out, byte(1), uint16(0), byte(0))
	hows := []string{"at once", "bytes", "halves", "pieces", "data with the error"}
	f.Fuzz(func(t *testing.T, in []byte, as byte, at uint16, how byte) {
		if len(in) > 8<<10 {
			return
		}
		switch as % 4 {
		case 1:
			in = append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}, in...)
		case 2, 3:
			text := in
			if at>>12 == 0 { // longer than the buffers, now and then
				text = bytes.Repeat(in, 200<<10/(len(in)+1))
			}
			packed := pack(t, text, int(at)%12-2)
			if as%4 == 2 {
				if got, verdict := same(t, packed, hows[int(how)%len(hows)]); verdict != "complete" || !bytes.Equal(got, text) {
					t.Fatalf("%s, %d bytes of %d", verdict, len(got), len(text))
				}
				return
			}
			bit := (int(at)*257 + int(how)) % (8 * len(packed))
			packed[bit/8] ^= 1 << (bit % 8)
			in = packed
			if how%16 == 0 {
				in = in[:bit/8]
			}
		}
		same(t, in, hows[int(how)%len(hows)])
	})
}
