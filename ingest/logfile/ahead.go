package logfile

import (
	"io"
	"sync"
)

// A gzip file is one stream, which one core unpacks, and more slowly than the
// others decode it. While one file is read the beginning of the next is
// unpacked, so that they find work; how much, this bounds.
const (
	pieceSize  = 256 << 10
	mostPieces = 192
)

// pieces keeps the memory of pieces from one file to the next.
var pieces = sync.Pool{New: func() any { return new([pieceSize]byte) }}

// An unpacker reads ahead in a goroutine of its own.
type unpacker struct {
	ready chan piece
	quit  chan struct{}
	group sync.WaitGroup

	last piece
	rest []byte // of last, not yet read
}

// A piece is a stretch of the stream, and the error behind it.
type piece struct {
	of  *[pieceSize]byte
	n   int
	err error
}

func newUnpacker(r io.Reader) *unpacker {
	u := &unpacker{ready: make(chan piece, mostPieces), quit: make(chan struct{})}
	u.group.Go(func() {
		defer close(u.ready) // whoever waits for a piece is told that none comes any more
		for {
			p := piece{of: pieces.Get().(*[pieceSize]byte)}
			for empty := 0; p.n < pieceSize && p.err == nil; {
				var n int
				n, p.err = r.Read(p.of[p.n:])
				p.n += n
				if empty++; n > 0 {
					empty = 0
				} else if p.err == nil && empty == 100 {
					p.err = io.ErrNoProgress
				}
			}
			select {
			case u.ready <- p:
			case <-u.quit:
				return
			}
			if p.err != nil {
				return
			}
		}
	})
	return u
}

func (u *unpacker) Read(b []byte) (int, error) {
	for len(u.rest) == 0 {
		if u.last.err != nil {
			return 0, u.last.err
		}
		if u.last.of != nil {
			pieces.Put(u.last.of)
		}
		p, more := <-u.ready
		if !more {
			p.err = io.ErrClosedPipe
			u.last = p
			return 0, p.err
		}
		u.last = p
		u.rest = u.last.of[:u.last.n]
	}
	n := copy(b, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

// close ends the reading ahead and waits for it. A Read that waits meanwhile fails.
func (u *unpacker) close() {
	close(u.quit)
	u.group.Wait()
}
