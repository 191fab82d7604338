package logfile

import (
	"context"
	"io"
	"os"
)

// An input is the file below everything else. It counts, remembers its own
// errors, so that they can be told from those of damaged data, and gives up
// when ctx ends, even while a pipe or a terminal has nothing to say.
type input struct {
	ctx    context.Context
	r      io.Reader
	n      int64 // bytes so far
	err    error // other than io.EOF
	closed bool
	shared bool // standard input, which is not ours to close
	direct bool // a read comes back at once

	waits chan struct{} // set while a read of a pipe is on its way
	got   int
	fault error
	buf   []byte
}

func newInput(r io.Reader, shared bool) *input {
	in := &input{r: r, shared: shared}
	if f, ok := r.(*os.File); ok {
		info, err := f.Stat()
		in.direct = err == nil && info.Mode().IsRegular()
	}
	return in
}

func (in *input) close() error {
	in.closed = true
	if c, ok := in.r.(io.Closer); ok && !in.shared {
		return c.Close()
	}
	return nil
}

func (in *input) Read(p []byte) (n int, err error) {
	if err := in.ctx.Err(); err != nil {
		in.err = err
		return 0, err
	}
	if in.direct {
		n, err = in.r.Read(p)
	} else {
		n, err = in.patient(p)
	}
	in.n += int64(n)
	if err != nil && err != io.EOF {
		in.err = err
	}
	return n, err
}

// patient reads in a goroutine of its own, into memory of its own, because a
// read of a pipe cannot be called back. One that is cancelled stays until the
// pipe says something or the program ends.
func (in *input) patient(p []byte) (int, error) {
	if in.waits == nil {
		if in.buf == nil {
			in.buf = make([]byte, 64<<10)
		}
		in.waits = make(chan struct{})
		go func(done chan struct{}) {
			in.got, in.fault = in.r.Read(in.buf[:min(len(p), len(in.buf))])
			close(done)
		}(in.waits)
	}
	select {
	case <-in.waits:
		in.waits = nil
		return copy(p, in.buf[:in.got]), in.fault
	case <-in.ctx.Done():
		return 0, in.ctx.Err()
	}
}
