package ingest

import (
	"bytes"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"keyramp/queries/store"
)

// Lines cuts tenant log events out of a stream as a Splitter does, and decodes
// them ahead when they stand one a line: it reads blocks of whole lines, and
// several goroutines decode those before their turn comes.
//
// A block is decoded on the assumption that it begins between records, outside
// any array. Odd lines are cut by a Splitter of the block's own. What is still
// open at the end of a block, such as an array around the whole file, is cut
// by one Splitter from there on, until it stands between records again; what
// was decoded of the blocks in between is dropped. So the records, their order
// and their places are those that a Splitter gives.
//
// Memory is bounded by a fixed number of blocks and the Splitter's.
type Lines struct {
	r io.Reader
	d *LogDecoder

	order chan *block   // blocks as they stand in the stream
	free  chan *block   // blocks to fill
	quit  chan struct{} // closed by Close
	group sync.WaitGroup

	// general says that blocks need not be decoded for now, since a Splitter
	// stands inside something. It only saves work.
	general atomic.Bool

	cur   *block    // the block whose turn it is
	pos   int       // the next byte of cur
	line  int64     // of the byte at pos, 1-based; the Splitter's while that is inside something
	split *Splitter // nil until something is odd
	in    bool      // split is inside something, or may be
}

// A block is a stretch of the stream.
type block struct {
	buf   []byte
	fresh bool  // the block begins with a line
	err   error // the reader's, behind buf

	done    chan struct{} // gets one token when the fields below are set
	decoded bool          // somebody has decoded the block
	batch   store.Batch   // events and filtered records of the lines before end
	rejects []Record      // records of those lines that cannot be used, by lines of the block
	end     int
	lines   int64 // line ends before end
	bytes   int64 // of the records in batch
}

const (
	blockSize = 256 << 10 // what stays in a processor's cache with the events made of it

	maxEmptyReads = 100 // in a row, as bufio has it
)

// NewLines reads from r, with decoders like d. Close must be called.
func NewLines(r io.Reader, d *LogDecoder) *Lines { return newLines(r, d, blockSize) }

func newLines(r io.Reader, d *LogDecoder, size int) *Lines {
	workers := runtime.GOMAXPROCS(0)
	blocks := 2*workers + 2
	l := &Lines{r: r, d: d, line: 1, quit: make(chan struct{}), order: make(chan *block, blocks), free: make(chan *block, blocks)}
	l.group.Go(func() { l.read(blocks, workers, size) })
	return l
}

// Close ends the reading ahead and waits for it: r must come back from a read
// that is on its way.
func (l *Lines) Close() {
	select {
	case <-l.quit:
	default:
		close(l.quit)
	}
	l.group.Wait()
}

// Line is the number of the line that was reached.
func (l *Lines) Line() int64 {
	if l.in {
		return l.split.Line()
	}
	return l.line
}

// Fill is Splitter.Fill: it adds records to c, or decodes them into c.Decoded,
// which is valid until the next Fill too.
func (l *Lines) Fill(c *Chunk) error {
	for {
		if l.in {
			return l.cut(c)
		}
		if l.cur == nil || l.pos == len(l.cur.buf) && l.cur.err == nil {
			l.turn()
			if l.hand(c) {
				return nil
			}
			continue
		}
		if l.pos == len(l.cur.buf) {
			return l.cur.err
		}
		// What is left of the block is not for it to decide.
		if l.split == nil {
			l.split = NewSplitter((*rest)(l))
		}
		l.split.line = l.line
		l.in = true
		l.general.Store(true)
	}
}

// turn goes on to the next block.
func (l *Lines) turn() {
	if l.cur != nil {
		l.free <- l.cur
	}
	l.cur, l.pos = <-l.order, 0
	<-l.cur.done
}

// hand gives what was decoded of the current block. It reports false when that is nothing.
func (l *Lines) hand(c *Chunk) bool {
	b := l.cur
	if !b.decoded && b.fresh {
		b.decode(l.d)
	}
	for _, r := range b.rejects {
		r.Place.Line += l.line - 1
		c.Records = append(c.Records, r)
	}
	if b.batch.Received > 0 {
		c.Decoded, c.DecodedBytes = &b.batch, b.bytes
	}
	l.pos, l.line = b.end, l.line+b.lines
	return b.batch.Received > 0 || len(b.rejects) > 0
}

// cut lets the Splitter go on, and leaves it when it stands at the beginning of a block's line.
func (l *Lines) cut(c *Chunk) error {
	err := l.split.Fill(c)
	if err == nil && l.pos == len(l.cur.buf) && l.split.settled() {
		l.in, l.line = false, l.split.line
		l.general.Store(false)
	}
	return err
}

// rest is what the Splitter reads: the stream from l.pos on.
type rest Lines

func (r *rest) Read(p []byte) (int, error) {
	l := (*Lines)(r)
	if l.pos == len(l.cur.buf) {
		if l.cur.err != nil {
			return 0, l.cur.err
		}
		l.turn()
	}
	n := copy(p, l.cur.buf[l.pos:])
	l.pos += n
	return n, nil
}

// read fills blocks until the stream ends, and has them decoded. Each read
// that brings a line end makes a block, so that nothing waits for what a pipe
// does not say yet.
func (l *Lines) read(blocks, workers, size int) {
	todo := make(chan *block, blocks)
	defer close(todo)
	var tail []byte // of the line that the last block leaves open
	fresh := true
	for {
		var b *block
		select {
		case b = <-l.free:
		default:
			if blocks > 0 {
				blocks--
				b = &block{buf: make([]byte, 0, size), done: make(chan struct{}, 1)}
				break
			}
			select {
			case b = <-l.free:
			case <-l.quit:
				return
			}
		}
		b.buf = append(b.buf[:0], tail...)
		b.fresh, b.err = fresh, nil
		tail = tail[:0]
		for empty := 0; ; {
			old := len(b.buf)
			n, err := l.r.Read(b.buf[old:cap(b.buf)])
			b.buf = b.buf[:old+n]
			if empty++; n > 0 {
				empty = 0
			} else if err == nil && empty == maxEmptyReads {
				err = io.ErrNoProgress
			}
			if b.err = err; err != nil {
				break
			}
			if i := bytes.LastIndexByte(b.buf[old:], '\n'); i >= 0 {
				tail = append(tail, b.buf[old+i+1:]...)
				b.buf = b.buf[:old+i+1]
				fresh = true
				break
			}
			if len(b.buf) == cap(b.buf) {
				fresh = false
				break
			}
		}
		if workers > 0 {
			workers--
			l.group.Go(func() { l.work(todo) })
		}
		todo <- b
		l.order <- b
		if b.err != nil {
			return
		}
		select {
		case <-l.quit:
			return
		default:
		}
	}
}

// work decodes blocks.
func (l *Lines) work(todo <-chan *block) {
	d := l.d.fork()
	defer l.d.join(d)
	for b := range todo {
		b.decoded = b.fresh && !l.general.Load()
		if b.decoded {
			b.decode(d)
		} else {
			b.clear()
		}
		b.done <- struct{}{}
		runtime.Gosched() // whoever waits for the block, and then the reader, would otherwise wait for an idle processor
	}
}

func (b *block) clear() {
	b.batch.Reset()
	b.rejects, b.end, b.lines, b.bytes = b.rejects[:0], 0, 0, 0
}

// decode decodes the lines of the block, up to one that cannot be understood
// without what follows the block.
func (b *block) decode(d *LogDecoder) {
	b.clear()
	all := b.err == io.EOF
	for b.end < len(b.buf) {
		text := b.buf[b.end:]
		end := blanks(text, 0)
		switch {
		case end == len(text) && !all:
			return
		case end < len(text) && text[end] != '\n':
			record, size, err := d.decodeLine(text[end:], all, &b.batch)
			if record == nil {
				if !all && bytes.IndexByte(text, '\n') < 0 || !b.odd(d) {
					return
				}
				continue
			}
			b.count(Record{Raw: record, Place: Place{Line: b.lines + 1}}, err)
			end += size
		}
		b.end += end
		if end < len(text) { // at its line end
			b.end, b.lines = b.end+1, b.lines+1
		}
	}
}

// odd decodes the lines from b.end on that belong together with the first of
// them. It reports false, and does nothing, when the block holds only a part.
func (b *block) odd(d *LogDecoder) bool {
	s := Splitter{line: b.lines + 1, eol: -1}
	var c Chunk
	n := s.few(b.buf[b.end:], &c)
	if n == 0 {
		return false
	}
	for _, r := range c.Records {
		if r.Err != nil {
			b.rejects = append(b.rejects, r)
			continue
		}
		b.count(r, d.Decode(r.Raw, &b.batch))
	}
	b.end, b.lines = b.end+n, s.line-1
	return true
}

// count takes account of a record that was decoded with err.
func (b *block) count(r Record, err error) {
	if err == nil {
		b.batch.Received++
		b.bytes += int64(len(r.Raw))
		return
	}
	r.Err = asReject(err)
	if r.Err == nil {
		panic(err) // a LogDecoder knows no other error
	}
	b.rejects = append(b.rejects, r)
}
