package inflate

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	kgzip "github.com/klauspost/compress/gzip"
)

// unpack reads all of a stream with this package.
func unpack(r io.Reader) ([]byte, error) {
	z, err := NewReader(r)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// reference reads it with the standard library.
func reference(in []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(in))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// reference2 reads it with the other reader that is in use.
func reference2(in []byte) ([]byte, error) {
	z, err := kgzip.NewReader(bytes.NewReader(in))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// kind of an error, for comparisons.
func kind(err error) string {
	var corrupt flate.CorruptInputError
	switch {
	case err == nil:
		return "complete"
	case errors.As(err, &corrupt):
		return "corrupt"
	case err == io.EOF, err == io.ErrUnexpectedEOF, err == gzip.ErrHeader, err == gzip.ErrChecksum:
		return err.Error()
	}
	return "unknown: " + err.Error()
}

var cut = kind(io.ErrUnexpectedEOF)

// readers are ways in which input may come.
var readers = map[string]func(io.Reader) io.Reader{
	"at once": func(r io.Reader) io.Reader { return r },
	"bytes":   iotest.OneByteReader,
	"halves":  iotest.HalfReader,
	"pieces":  func(r io.Reader) io.Reader { return &pieces{r: r, n: 1} },
	"data with the error": func(r io.Reader) io.Reader {
		return iotest.DataErrReader(&pieces{r: r, n: 40})
	},
}

// pieces come in sizes around those at which the decoder turns from one loop to the other.
type pieces struct {
	r io.Reader
	n int
}

func (p *pieces) Read(b []byte) (int, error) {
	p.n = p.n*5%97 + 1
	return p.r.Read(b[:min(len(b), p.n)])
}

// same holds this package to the standard library: the same bytes, the same
// verdict, however the input comes. It returns what our reader made of it.
func same(t testing.TB, in []byte, how ...string) (out []byte, verdict string) {
	t.Helper()
	want, werr := reference(in)
	if len(how) == 0 {
		for name := range readers {
			how = append(how, name)
		}
	}
	for _, name := range how {
		got, gerr := unpack(readers[name](bytes.NewReader(in)))
		out, verdict = got, kind(gerr)
		ok := verdict == kind(werr) && bytes.Equal(got, want)
		switch {
		case ok:
		case verdict == kind(gzip.ErrHeader):
			// It does not mind reserved flags, which RFC 1952 and klauspost/compress do.
			want, err := reference2(in)
			ok = err == gzip.ErrHeader && bytes.Equal(got, want)
		case kind(werr) == cut:
			// The standard library waits for as many bits as the end of a block has
			// before it looks at any symbol, so of a file that is cut it may give less.
			ok = (verdict == cut || verdict == "corrupt") && bytes.HasPrefix(got, want)
		case verdict == cut && (werr == nil || werr == io.EOF):
			// It takes an end inside a name for the end of the file. Then it takes that for one byte more too.
			_, more := reference(append(bytes.Clone(in), 'x'))
			ok = kind(more) == kind(werr) && bytes.Equal(got, want)
		}
		if !ok {
			t.Errorf("input %s: %d bytes, %s; the standard library: %d bytes, %s\n%.200x", name, len(got), verdict, len(want), kind(werr), in)
		}
	}
	return out, verdict
}
