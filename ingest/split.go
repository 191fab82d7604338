package ingest

import (
	"bytes"
	"fmt"
	"io"
)

// A Splitter cuts a stream into the records that stand in it, whatever their
// form: one object a line, objects without anything between them, an array of
// any size, {"logs":[…]}, lines that are one of these, pretty-printed or not,
// with byte order mark, CRLF and blank lines. It tracks strings and brackets
// and leaves everything else to the decoder, so what it hands over may still
// be malformed.
//
// Memory is bounded by two records of the largest size. A record over
// MaxRecord is skipped without holding it. After a malformed line the next
// line is a new start, so it costs one record.
type Splitter struct {
	r   io.Reader
	err error // why the reader ended
	buf []byte
	pos int // the next byte to look at
	eol int // the first line end at or after pos, as far as known; len(buf) when buf holds none

	line  int64  // of the byte at pos, 1-based
	item  int64  // records so far in the outermost open array
	inRow int64  // records so far on this line outside arrays
	open  []byte // wrappers around the next record: wrapArray, wrapLogs

	mode splitMode
	v    value
}

type splitMode byte

const (
	between splitMode = iota // between records
	inValue                  // inside a record
	inJunk                   // inside something that is no JSON, up to a delimiter
	ended
)

const (
	wrapArray = '[' // an array of records
	wrapLogs  = 'l' // the array inside {"logs":[…]}

	maxWrap = 8 // deeper arrays are handed over as records, which the decoder refuses
)

// A value is the state of the record being scanned.
type value struct {
	place   Place
	start   int   // its first byte in buf; -1 when the bytes were dropped
	dropped int64 // how many were
	second  int   // where its second line begins in buf; -1 while it has one line
	fresh   int   // where its newest line begins

	depth    int
	kinds    uint64 // the open brackets, innermost in the lowest bit; 1 = array
	prev     byte   // the last byte that was neither space nor inside a string
	inString bool
	escaped  bool // the string's next byte is escaped
	str, end int  // the last string in buf; str is -1 when it is not there any more

	tail    bool   // the rest of a {"logs":[…]} object, which is no record
	endings string // of junk
}

// firstBuffer is the size of the buffer to begin with: near that of a
// processor's cache, and some hundred records.
const firstBuffer = 256 << 10

// NewSplitter reads from r.
func NewSplitter(r io.Reader) *Splitter {
	return &Splitter{r: r, line: 1, eol: -1, buf: make([]byte, 0, firstBuffer)}
}

// Fill appends records to c: at least one, unless the stream ends, with io.EOF
// or the reader's error, beside which there may be a last record. Raw bytes
// are valid until the next Fill.
func (s *Splitter) Fill(c *Chunk) error {
	n := len(c.Records)
	s.compact()
	for {
		s.scan(c)
		switch {
		case len(c.Records) > n:
			return nil
		case s.err == nil:
			s.more()
		case !s.finish(c):
			return s.err
		}
	}
}

// Line is the number of the line that was reached.
func (s *Splitter) Line() int64 { return s.line }

// compact drops the bytes that nobody needs any more.
func (s *Splitter) compact() {
	keep := s.pos
	if (s.mode == inValue || s.mode == inJunk) && s.v.start >= 0 {
		keep = s.v.start
	}
	if keep == 0 {
		return
	}
	s.buf = s.buf[:copy(s.buf, s.buf[keep:])]
	s.pos -= keep
	s.eol = max(s.eol-keep, -1)
	v := &s.v
	v.start = max(v.start-keep, -1)
	v.second = max(v.second-keep, -1)
	v.fresh -= keep
	v.end -= keep
	v.str = max(v.str-keep, -1)
}

// more reads once into the buffer's free end, after making some.
func (s *Splitter) more() {
	s.compact()
	old := len(s.buf)
	if cap(s.buf)-old < cap(s.buf)/4 {
		grown := make([]byte, old, 2*cap(s.buf))
		copy(grown, s.buf)
		s.buf = grown
	}
	for range 100 {
		n, err := s.r.Read(s.buf[old:cap(s.buf)])
		s.buf = s.buf[:old+n]
		s.err = err
		if n > 0 || err != nil {
			break
		}
		s.err = io.ErrNoProgress
	}
	if s.eol == old { // there was no line end so far
		s.eol = s.lineEnd(old)
	}
}

// lineEnd finds the first line end from p on, or the end of the buffer.
func (s *Splitter) lineEnd(p int) int {
	if i := bytes.IndexByte(s.buf[p:], '\n'); i >= 0 {
		return p + i
	}
	return len(s.buf)
}

// scan cuts what is in the buffer.
func (s *Splitter) scan(c *Chunk) {
	for s.pos < len(s.buf) {
		switch s.mode {
		case between:
			if !s.seek() {
				return
			}
		case inValue:
			s.scanValue(c)
		case inJunk:
			s.scanJunk(c)
		}
	}
	if s.mode == inValue || s.mode == inJunk {
		s.drop(c)
	}
}

// seek looks for the next record. It reports false when the next byte cannot
// be understood without those after it.
func (s *Splitter) seek() bool {
	switch b := s.buf[s.pos]; b {
	case ' ', '\t', '\r', ',':
		s.pos++
	case '\n':
		s.pos++
		s.line++
		s.inRow = 0
	case '[':
		if len(s.open) == maxWrap {
			s.begin(inValue)
			return true
		}
		s.push(wrapArray)
		s.pos++
	case ']':
		if len(s.open) == 0 {
			s.begin(inJunk)
			return true
		}
		logs := s.open[len(s.open)-1] == wrapLogs
		s.open = s.open[:len(s.open)-1]
		s.pos++
		if logs {
			s.mode = inValue
			s.v = value{place: Place{Line: s.line}, start: s.pos, second: -1, fresh: -1, str: -1, depth: 1, prev: ']', tail: true}
		}
	case '{', '"':
		s.begin(inValue)
	case bom[0]:
		rest := s.buf[s.pos:]
		if len(rest) < len(bom) && s.err == nil {
			return false
		}
		if bytes.HasPrefix(rest, bom) {
			s.pos += len(bom)
		} else {
			s.begin(inJunk)
		}
	default:
		s.begin(inJunk)
	}
	return true
}

var bom = []byte("\xef\xbb\xbf")

func (s *Splitter) push(kind byte) {
	if len(s.open) == 0 {
		s.item = 0
	}
	s.open = append(s.open, kind)
}

// begin starts a record at pos.
func (s *Splitter) begin(m splitMode) {
	s.mode = m
	s.v = value{place: Place{Line: s.line}, start: s.pos, second: -1, fresh: -1, str: -1, endings: "\n"}
	if len(s.open) > 0 {
		s.item++
		s.v.place.Item = s.item
		s.v.endings = ",]\n"
	} else if s.inRow++; s.inRow > 1 {
		s.v.place.Item = s.inRow
	}
}

// The classes of bytes outside strings.
const (
	plain = iota
	space
	newline
	quote
	opening
	closing
)

var class = [256]byte{' ': space, '\t': space, '\r': space, '\n': newline, '"': quote,
	'{': opening, '[': opening, '}': closing, ']': closing}

// scanValue goes on with the record until it ends, breaks or the buffer ends.
// The few rules of grammar it knows are those that show a cut line at once:
// a string holds no line end, closing brackets match, and an opening one stands
// only where a value may.
func (s *Splitter) scanValue(c *Chunk) {
	v, buf, p := &s.v, s.buf, s.pos
	for p < len(buf) {
		if v.inString {
			if s.eol < p {
				s.eol = s.lineEnd(p)
			}
			from, q := p, bytes.IndexByte(buf[p:], '"')
			if q < 0 {
				q = len(buf)
			} else {
				q += p
			}
			if s.eol < q {
				s.pos = s.eol
				s.fail(c)
				return
			}
			back := q // the backslashes right before q
			for back > from && buf[back-1] == '\\' {
				back--
			}
			odd := (q-back)&1 == 1
			if back == from && v.escaped {
				odd = !odd
			}
			v.escaped = false
			p = q
			if q == len(buf) {
				v.escaped = odd
				break
			}
			p++
			if odd {
				continue
			}
			v.inString, v.prev, v.end = false, '"', q
			if v.depth == 0 { // a string where a record should be
				s.pos = p
				s.emit(c)
				return
			}
			continue
		}
		b := buf[p]
		switch class[b] {
		case plain:
			for p++; p < len(buf) && class[buf[p]] == plain; p++ {
			}
			v.prev = buf[p-1]
		case space:
			p++
		case newline:
			p++
			s.line++
			v.fresh = p
			if v.second < 0 && v.start >= 0 {
				v.second = p
			}
		case quote:
			p++
			v.inString, v.str = true, p
		case opening:
			if v.start < 0 && v.fresh == p { // a new line that looks like a record ends what was too large
				s.pos = p
				s.emit(c)
				return
			}
			array := v.depth > 0 && (v.depth > 64 || v.kinds&1 == 1)
			if v.depth > 0 && v.prev != ':' && v.prev != '[' && (v.prev != ',' || !array) ||
				v.depth >= MaxDepth && v.second >= 0 {
				s.pos = p
				s.fail(c)
				return
			}
			if b == '[' && v.depth == 1 && !array && v.str >= 0 && string(buf[v.str:v.end]) == "logs" && len(s.open) < maxWrap {
				s.push(wrapLogs)
				s.mode, s.pos = between, p+1
				return
			}
			if v.depth < 64 {
				v.kinds <<= 1
				if b == '[' {
					v.kinds |= 1
				}
			}
			v.depth++
			v.prev = b
			p++
		case closing:
			if v.depth <= 64 {
				if (b == ']') != (v.kinds&1 == 1) {
					s.pos = p
					s.fail(c)
					return
				}
				v.kinds >>= 1
			}
			v.depth--
			v.prev = b
			p++
			if v.depth == 0 {
				s.pos = p
				s.emit(c)
				return
			}
		}
	}
	s.pos = p
}

// scanJunk goes on to the end of what is no JSON.
func (s *Splitter) scanJunk(c *Chunk) {
	if s.v.endings == "\n" {
		s.pos = s.lineEnd(s.pos)
	} else if i := bytes.IndexAny(s.buf[s.pos:], s.v.endings); i >= 0 {
		s.pos += i
	} else {
		s.pos = len(s.buf)
	}
	if s.pos < len(s.buf) {
		s.emit(c)
	}
}

// few cuts the first lines of buf: as many as it takes to stand between records
// at the beginning of a line again. It returns their length, or 0 when buf ends
// before. The records point into buf.
func (s *Splitter) few(buf []byte, c *Chunk) int {
	for end := 0; end < len(buf); {
		i := bytes.IndexByte(buf[end:], '\n')
		if i < 0 {
			break
		}
		if s.eol == end { // there was no line end so far
			s.eol += i
		}
		end += i + 1
		s.buf = buf[:end:end]
		if s.scan(c); s.settled() {
			return end
		}
	}
	return 0
}

// settled reports whether s stands between records, outside all arrays, at the
// beginning of a line that it has not read: where it is as good as new.
func (s *Splitter) settled() bool {
	return s.mode == between && len(s.open) == 0 && s.inRow == 0 && s.pos == len(s.buf)
}

// emit hands the record over that ends before pos.
func (s *Splitter) emit(c *Chunk) {
	v := &s.v
	s.mode = between
	if v.tail {
		return
	}
	rec := Record{Place: v.place, Bytes: v.dropped}
	if v.start >= 0 {
		rec.Raw = bytes.TrimRight(s.buf[v.start:s.pos], " \t\r")
		rec.Bytes = int64(len(rec.Raw))
	} else {
		rec.Bytes += int64(s.pos)
	}
	if rec.Bytes > MaxRecord {
		rec.Raw = nil
		rec.Err = &RejectError{Reason: ReasonSize, Detail: fmt.Sprintf("%d bytes, the limit is %d", rec.Bytes, MaxRecord)}
	}
	c.Records = append(c.Records, rec)
}

// fail ends a record that broke at pos. What follows its first line is read
// anew, because that line alone may be damaged; of a record on one line the
// rest of the line belongs to it.
func (s *Splitter) fail(c *Chunk) {
	v := &s.v
	v.tail = false
	if v.second < 0 {
		s.mode, v.endings = inJunk, "\n"
		return
	}
	s.pos = v.second - 1 // the line end
	s.line = v.place.Line
	s.eol = -1
	s.emit(c)
}

// drop lets go of a record that is too large to be held. If its second line
// looks like a record, its first line lost its end, and nothing is too large.
func (s *Splitter) drop(c *Chunk) {
	v := &s.v
	switch {
	case v.start < 0:
		v.dropped += int64(s.pos)
	case s.pos-v.start <= MaxRecord:
		return
	case s.mode == inValue && s.cutLine():
		s.fail(c)
		return
	default:
		v.dropped = int64(s.pos - v.start)
	}
	v.fresh -= s.pos
	v.start, v.second, v.str = -1, -1, -1
	s.buf, s.pos, s.eol = s.buf[:0], 0, -1
}

// cutLine reports whether what follows the record's first line begins like a record.
func (s *Splitter) cutLine() bool {
	if s.v.second < 0 {
		return false
	}
	rest := bytes.TrimLeft(s.buf[s.v.second:], "\r\n")
	return len(rest) > 0 && (rest[0] == '{' || rest[0] == '[')
}

// finish ends what the end of the stream leaves open. It reports true when
// there is something to scan again.
func (s *Splitter) finish(c *Chunk) bool {
	v := &s.v
	why := ""
	switch {
	case s.mode == ended:
		return false
	case s.mode == inJunk, s.mode == inValue && v.start < 0:
		s.emit(c)
	case s.mode == inValue && s.cutLine():
		s.fail(c)
		return true
	case s.mode == inValue:
		why = "the input ends inside a record"
	}
	if why == "" && len(s.open) > 0 {
		why = "the input ends inside an array"
		v = &value{place: Place{Line: s.line}, start: s.pos}
	}
	s.mode = ended
	if why != "" {
		c.Records = append(c.Records, Record{Place: v.place, Bytes: int64(s.pos - v.start), Err: &RejectError{Reason: ReasonTruncated, Detail: why}})
	}
	return false
}
