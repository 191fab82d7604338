package inflate

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"
)

// BenchmarkInflate unpacks lines of a tenant log, beside the readers that one would use otherwise.
func BenchmarkInflate(b *testing.B) {
	text := logs(b, 32<<20)
	packed := pack(b, text, 6)
	for _, reader := range []struct {
		name string
		open func(io.Reader) (io.Reader, error)
	}{
		{"inflate", func(r io.Reader) (io.Reader, error) { return NewReader(r) }},
		{"klauspost", func(r io.Reader) (io.Reader, error) { return kgzip.NewReader(r) }},
		{"standard", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
	} {
		b.Run(reader.name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			buf := make([]byte, 256<<10)
			for b.Loop() {
				z, err := reader.open(bytes.NewReader(packed))
				n := 0
				for err == nil {
					var m int
					m, err = z.Read(buf)
					n += m
				}
				if err != io.EOF || n != len(text) {
					b.Fatal(n, err)
				}
			}
		})
	}
}
