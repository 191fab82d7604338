package logfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"keyramp/ingest"
	"keyramp/ingest/inflate"
	"keyramp/queries/store"
)

// Limits of compressed input. A log file shrinks to a tenth or a fiftieth; what
// shrinks to less than a two-hundredth and still goes on is made to fill a disk.
const (
	maxWindow = 128 << 20 // of zstd, what its own tool accepts without being asked
	maxRatio  = 200
	freeRatio = 256 << 20 // bytes that may come out at any ratio
)

// A File is one file, or standard input, as a source of records. It is opened
// by the first Read and closed at its end; Close is for a run that ends before.
type File struct {
	name string // "file:PATH"
	path string // "" for standard input
	open func() (io.Reader, error)

	in      *input
	plain   io.Reader // what is in the file, unpacked
	unpacks *unpacker // set when the file was prepared
	close   func()    // of the decompressor
	split   cutter
	records int64
	note    string
	done    bool
	gzipped bool

	// When records are decoded ahead, another goroutine reads the file.
	ahead *ingest.LogDecoder
	lines *ingest.Lines
	stop  context.CancelFunc
}

// A cutter finds the records.
type cutter interface {
	Fill(c *ingest.Chunk) error
	Line() int64
}

// Name implements ingest.Source. It is "file:" and the path.
func (f *File) Name() string { return f.name }

// Note implements ingest.Noter.
func (f *File) Note() string { return f.note }

// DecodeAhead implements ingest.Ahead. The file is then read on under the
// context of the first Read until Close.
func (f *File) DecodeAhead(d *ingest.LogDecoder) { f.ahead = d }

// Prepare implements ingest.Preparer: it opens a gzip file and begins to unpack it. Other files are read as fast as they
// can be decoded, and gain nothing. What goes wrong is left for Read to find again.
func (f *File) Prepare(ctx context.Context) {
	info, err := os.Stat(f.path)
	if err != nil || !info.Mode().IsRegular() || f.ahead == nil || f.in != nil || f.done { // a pipe would have to be waited for
		return
	}
	ctx, f.stop = context.WithCancel(ctx)
	if err := f.look(ctx); err != nil || !f.gzipped {
		f.release()
		f.in, f.plain, f.stop, f.gzipped = nil, nil, nil, false
		return
	}
	f.unpacks = newUnpacker(f.plain)
	f.plain = f.unpacks
}

// Close lets go of the file. It may be called at any time, and more than once.
func (f *File) Close() error {
	f.done = true
	defer func() { f.plain, f.split, f.lines = nil, nil, nil }() // their memory is not small, and there may be many files
	return f.release()
}

// release closes what is open.
func (f *File) release() error {
	if f.stop != nil { // goroutines that read what is closed below come to their end
		f.stop()
	}
	if f.unpacks != nil {
		f.unpacks.close()
		f.unpacks = nil
	}
	if f.lines != nil {
		f.lines.Close()
	}
	if f.close != nil {
		f.close()
		f.close = nil
	}
	if f.in == nil || f.in.closed {
		return nil
	}
	return f.in.close()
}

// Read implements ingest.Source. A file that cannot be unpacked to its end
// gives what could be read and a last record with the reason; it is then not
// complete. The errors are those of the file system and of ctx.
func (f *File) Read(ctx context.Context, c *ingest.Chunk) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.done {
		return io.EOF
	}
	before := len(c.Records)
	err := f.start(ctx)
	if err == nil {
		if f.ahead == nil {
			f.in.ctx = ctx
		}
		err = f.split.Fill(c)
	}
	f.records += int64(len(c.Records) - before)
	if c.Decoded != nil {
		f.records += c.Decoded.Received
	}
	c.Next = store.Cursor{Source: f.name, Position: "record " + strconv.FormatInt(f.records, 10)}
	if err == nil {
		return nil
	}
	defer f.Close()
	damage := new(ingest.RejectError)
	cut := lastCut(c.Records[before:])
	switch {
	case f.in != nil && f.in.err != nil: // it was the file system, or the run was cancelled
		if cut != nil { // nobody knows how the record goes on
			f.records--
			c.Records = c.Records[:len(c.Records)-1]
		}
		return f.in.err
	case err == io.EOF && cut != nil:
		f.note = cut.Err.Detail
	case err == io.EOF:
		c.Next.Position, c.Next.Complete = "done", true
		if f.records == 0 {
			f.note = "no records: the file is empty"
		}
	case f.in == nil: // it cannot be opened
		return err
	default:
		if !errors.As(err, &damage) {
			damage = &ingest.RejectError{Reason: ingest.ReasonTruncated, Detail: unpackFault(err)}
		}
		// The splitter has told of the record that was cut; the reason for it is worth more.
		if cut != nil {
			cut.Err = damage
		} else {
			place := ingest.Place{Line: 1}
			if f.split != nil {
				place.Line = f.split.Line()
			}
			f.records++
			c.Records = append(c.Records, ingest.Record{Place: place, Err: damage})
		}
		f.note = damage.Detail
	}
	if !c.Next.Complete {
		c.Next.Position = "damaged after record " + strconv.FormatInt(f.records, 10)
	}
	return io.EOF
}

// lastCut returns the last record when the splitter says that it was cut.
func lastCut(records []ingest.Record) *ingest.Record {
	if n := len(records); n > 0 && records[n-1].Err != nil && records[n-1].Err.Reason == ingest.ReasonTruncated {
		return &records[n-1]
	}
	return nil
}

func unpackFault(err error) string {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the compressed data ends too early: what could be unpacked was read"
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, zstd.ErrCRCMismatch):
		return "the compressed data fails its checksum: the file is damaged, and some of what was read may be wrong"
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Sprintf("zstd asks for more than %d MiB of memory: compress again without --long or --ultra", maxWindow>>20)
	}
	return "the compressed data is damaged: what could be unpacked was read"
}

// start opens the file, unless it was prepared, and puts a cutter behind it.
func (f *File) start(ctx context.Context) error {
	if f.split != nil {
		return nil
	}
	if f.in == nil {
		if err := f.look(ctx); err != nil {
			return err
		}
	}
	if f.ahead == nil {
		f.split = ingest.NewSplitter(f.plain)
		return nil
	}
	// The file is read by another goroutine from here on, which must have
	// ended before anything is closed.
	if f.unpacks == nil {
		f.in.ctx, f.stop = context.WithCancel(ctx)
	}
	lines := ingest.NewLines(f.plain, f.ahead)
	f.split, f.lines = lines, lines
	return nil
}

// look opens the file and finds out what it is.
func (f *File) look(ctx context.Context) error {
	raw, err := f.opened(ctx)
	if err != nil {
		return err
	}
	f.in = newInput(raw, f.path == "")
	f.in.ctx = ctx
	f.plain, err = f.unpack(bufio.NewReaderSize(f.in, 64<<10))
	return err
}

// opened opens the file. A pipe opens when somebody writes into it, which cannot be called back: one that is cancelled
// stays until then, or until the program ends.
func (f *File) opened(ctx context.Context) (io.Reader, error) {
	if info, err := os.Stat(f.path); err != nil || info.Mode().IsRegular() {
		return f.open()
	}
	type result struct {
		raw io.Reader
		err error
	}
	done := make(chan result, 1)
	go func() {
		raw, err := f.open()
		done <- result{raw, err}
	}()
	select {
	case r := <-done:
		return r.raw, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// The first bytes of what we read and of what people feed us by mistake.
var (
	magicGzip = []byte{0x1f, 0x8b}
	magicZstd = []byte{0x28, 0xb5, 0x2f, 0xfd}
	// A skippable frame, 0x184D2A50 to …5F, may come first in zstd data.
	magicSkip = []byte{0x2a, 0x4d, 0x18}

	foreign = []struct{ magic, what string }{
		{"PK\x03\x04", "a zip archive"},
		{"BZh", "bzip2 data"},
		{"\xfd7zXZ\x00", "xz data"},
		{"PAR1", "a Parquet file"},
		{"\xff\xfe", "UTF-16 text"},
		{"\xfe\xff", "UTF-16 text"},
	}
)

// unpack puts a decompressor behind r if there is one to put.
func (f *File) unpack(r *bufio.Reader) (io.Reader, error) {
	head, _ := r.Peek(8)
	switch {
	case bytes.HasPrefix(head, magicGzip):
		f.gzipped = true
		z, err := inflate.NewReader(r)
		if err != nil {
			return nil, err
		}
		return f.sniffAgain(&ratio{in: f.in, r: z})
	case bytes.HasPrefix(head, magicZstd), len(head) > 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], magicSkip):
		// Concurrency 1 unpacks inside Read. Otherwise goroutines of the decoder
		// would go on reading the file after a run was cancelled.
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		f.close = z.Close
		return f.sniffAgain(&ratio{in: f.in, r: z})
	}
	return r, understood(head)
}

// sniffAgain refuses what is still not text after it was unpacked.
func (f *File) sniffAgain(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 16) // what it buffers is copied once more
	head, _ := b.Peek(8)
	if bytes.HasPrefix(head, magicGzip) || bytes.HasPrefix(head, magicZstd) {
		return nil, &ingest.RejectError{Reason: ingest.ReasonSyntax, Detail: "the file is compressed twice: unpack it once"}
	}
	return b, understood(head)
}

func understood(head []byte) error {
	for _, t := range foreign {
		if bytes.HasPrefix(head, []byte(t.magic)) {
			return &ingest.RejectError{Reason: ingest.ReasonSyntax,
				Detail: "the file is " + t.what + ": make it UTF-8 JSON, plain or compressed with gzip or zstd"}
		}
	}
	return nil
}

// ratio stops a small file from becoming an endless one.
type ratio struct {
	in  *input
	r   io.Reader
	out int64
}

func (r *ratio) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if r.out += int64(n); r.out > freeRatio && r.out/maxRatio > r.in.n {
		return 0, &ingest.RejectError{Reason: ingest.ReasonSize,
			Detail: fmt.Sprintf("the file unpacks to more than %d times its size: it is no log; unpack it yourself if it is", maxRatio)}
	}
	return n, err
}
