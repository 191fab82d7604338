package ingest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"reflect"
	"unicode/utf8"
)

// A scanner finds the members that a LogDecoder reads, in one pass over a
// record. What it skips is held to the grammar too: it accepts no record that
// the parser would refuse, and reads no member otherwise. It may be unsure
// about a record that is fine, such as one with equal names; then the parser
// has the word.
//
// Three habits of logs make it fast. Events of one tenant write their members
// in the same order, so the names that followed last are tried first. Many
// members keep their value from event to event, so that is tried too. And
// nearly every string is ASCII without a backslash, though few records are:
// each string is looked at for itself, and once.
type scanner struct {
	event, details, experiment, prompt members

	amr *[]json.RawMessage // of the prompts

	names int  // learned so far
	short bool // the record must end with its line
}

// newScanner makes a scanner that fills the wire structs of d.
func newScanner(d *LogDecoder) *scanner {
	s := new(scanner)
	s.event.fill(&d.wire)
	s.details.fill(&d.details)
	s.experiment.fill(&d.exp)
	s.prompt.fill(&d.prompt)
	s.amr = &d.amr
	s.event.read("details").inner = &s.details
	s.details.read("experiment").inner = &s.experiment
	s.details.read("prompts").items = &s.prompt
	s.event.learn("logs", -1).wraps = true
	return s
}

// members are the names that stand in one kind of object.
type members struct {
	slots []*json.RawMessage     // nil when nobody reads them
	first *memberName            // stands before the first name of an object, and for one that was not learned
	known map[string]*memberName // by the bytes between the quotes

	recent [128]*memberName // of known, by a few of those bytes: cheaper to ask than the map
}

// A memberName is a name that was seen, whether it is read or not.
type memberName struct {
	text       string    // as it mostly stands: quoted, with the colon
	head, mask [2]uint64 // its first 16 bytes, as word reads them; and which bits of them are its own

	slot  int            // of members.slots; -1 when nobody reads it
	inner *members       // of the objects that are its value; nil until there was one
	items *members       // what is read of the objects in its value, when that is an array
	wraps bool           // an array under this name holds records of its own
	next  [2]*memberName // guessed after it: what came lately, and what came last and may be a stray

	value   []byte // a string, object or array that was its value
	changes int    // how often value was another one, less how often it was not
}

const (
	// maxNames is how many names are learned, of at most maxValue bytes. Some objects
	// have names without end; one that is not learned is only slower to skip.
	maxNames = 1024

	maxValue   = 256 // bytes of a value, or of a name, that is remembered
	maxChanges = 16  // then the values of a name are not worth remembering
)

func newMembers() *members {
	first := &memberName{slot: -1}
	first.head[0] = 1 // where no bit is its own: it begins nowhere
	first.next = [2]*memberName{first, first}
	m := &members{first: first, known: make(map[string]*memberName)}
	for i := range m.recent {
		m.recent[i] = first
	}
	return m
}

// fill learns the members of the struct that wire points to.
func (m *members) fill(wire any) {
	*m = *newMembers()
	v := reflect.ValueOf(wire).Elem()
	for i := range v.NumField() {
		m.slots = append(m.slots, v.Field(i).Addr().Interface().(*json.RawMessage))
		m.learn(v.Type().Field(i).Tag.Get("json"), i)
	}
}

func (m *members) learn(name string, slot int) *memberName {
	n := &memberName{text: `"` + name + `":`, slot: slot, next: [2]*memberName{m.first, m.first}}
	for k := range min(len(n.text), 16) {
		n.head[k/8] |= uint64(n.text[k]) << (k % 8 * 8)
		n.mask[k/8] |= 0xff << (k % 8 * 8)
	}
	m.known[name] = n
	return n
}

// read returns a name whose value is not to be skipped even when it is the same as before.
func (m *members) read(name string) *memberName {
	n := m.known[name]
	n.changes = maxChanges
	return n
}

// begins reports whether the first 16 bytes of the name stand at p. Near the
// end of b it may say no: that is only slower.
func (n *memberName) begins(b []byte, p int) bool {
	return p+16 <= len(b) && (word(b, p)&n.mask[0]^n.head[0])|(word(b, p+8)&n.mask[1]^n.head[1]) == 0
}

// ends reports whether the rest of a name that begins at p stands there too.
func (n *memberName) ends(b []byte, p int) bool {
	end := p + len(n.text)
	return len(n.text) <= 16 || end <= len(b) && string(b[p+16:end]) == n.text[16:]
}

// same reports whether the value at p is the one that was remembered, by the place behind it.
func (n *memberName) same(b []byte, p int) int {
	if end := p + len(n.value); end <= len(b) && string(b[p:end]) == string(n.value) {
		n.changes = max(n.changes-1, 0)
		return end
	}
	return -1
}

// remember keeps a value, unless it would not be known by its first bytes, is
// more than a line or changes too often.
func (n *memberName) remember(v []byte) {
	if len(v) > maxValue || v[0] != '"' && v[0] != '{' && v[0] != '[' || bytes.IndexByte(v, '\n') >= 0 {
		return
	}
	if n.changes++; n.changes == maxChanges {
		n.value = nil
		return
	}
	n.value = append(n.value[:0], v...)
}

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// below sets the top bit of the lowest byte of w that is less than n, at most
// 128; and no bit when there is none.
func below(w uint64, n byte) uint64 { return (w - ones*uint64(n)) &^ w & tops }

// stops sets the top bit of the lowest byte of w that is a quote, a backslash or a control byte.
func stops(w uint64) uint64 {
	// With bit 1 turned a quote is a space, and a control byte still is one.
	return below(w^2*ones, ' '+1) | below(w^'\\'*ones, 1)
}

// word reads the 8 bytes at p.
func word(b []byte, p int) uint64 { return binary.LittleEndian.Uint64(b[p : p+8 : p+8]) }

// whole scans raw, which must be one object and nothing else, and fills the
// slots of m. It reports false when it is not sure; some slots are then filled.
func (s *scanner) whole(raw []byte, m *members) bool {
	s.short = false
	p := s.spaces(raw, 0)
	if p == len(raw) || raw[p] != '{' {
		return false
	}
	p = s.object(raw, p, m, 0)
	return p >= 0 && s.spaces(raw, p) == len(raw)
}

// line scans the first line of text, which must begin with an object and have
// nothing else, and fills the slots of m. It returns the object and the place of
// the line's end, or that of the text's when that is all; nil when it is not sure.
func (s *scanner) line(text []byte, all bool, m *members) (object []byte, end int) {
	if text[0] != '{' {
		return nil, 0
	}
	s.short = true
	p := s.object(text, 0, m, 0)
	if p < 0 {
		return nil, 0
	}
	end = blanks(text, p)
	if end < len(text) && text[end] != '\n' || end == len(text) && !all {
		return nil, 0
	}
	return text[:p:p], end
}

// blanks returns the place of the first byte from p on that is no space within a line.
func blanks(b []byte, p int) int {
	for p < len(b) && (b[p] == ' ' || b[p] == '\t' || b[p] == '\r') {
		p++
	}
	return p
}

// object scans the object that begins at p, with depth brackets open around
// it. Like all that scan something, it returns the place behind it, or -1.
func (s *scanner) object(b []byte, p int, m *members, depth int) int {
	if depth == MaxDepth {
		return -1
	}
	var seen uint64 // slots
	if p = s.spaces(b, p+1); p < len(b) && b[p] == '}' {
		return p + 1
	}
	last := m.first
	for {
		name := last.next[0]
		end := p + len(name.text)
		if !name.begins(b, p) || !name.ends(b, p) {
			if name, end = s.unexpected(b, p, m, last); end < 0 {
				return -1
			}
		}
		last = name
		from := s.spaces(b, end)
		p = -1
		if len(name.value) > 0 {
			p = name.same(b, from)
		}
		if p < 0 {
			if from < len(b) && b[from] == '"' {
				p = quoted(b, from)
			} else {
				p = s.member(b, from, name, depth+1)
			}
			if p < 0 {
				return -1
			}
			if name.changes < maxChanges {
				name.remember(b[from:p])
			}
		}
		if name.slot >= 0 {
			if seen&(1<<name.slot) != 0 { // the last of equal names wins: not worth a rule here
				return -1
			}
			seen |= 1 << name.slot
			*m.slots[name.slot] = b[from:p:p]
		}
		p = s.spaces(b, p)
		if p == len(b) || b[p] != ',' {
			break
		}
		p = s.spaces(b, p+1)
	}
	if p == len(b) || b[p] != '}' {
		return -1
	}
	return p + 1
}

// unexpected scans a name that is not the first guess.
func (s *scanner) unexpected(b []byte, p int, m *members, last *memberName) (*memberName, int) {
	name := last.next[1]
	if name.begins(b, p) && name.ends(b, p) {
		last.next[0], last.next[1] = name, last.next[0]
		return name, p + len(name.text)
	}
	name, end := s.name(b, p, m)
	if end >= 0 && name != last.next[0] { // it is that near the end of b
		last.next[1] = name
	}
	return name, end
}

// member scans the value of a member that is no string.
func (s *scanner) member(b []byte, p int, name *memberName, depth int) int {
	switch {
	case p == len(b):
		return -1
	case b[p] == '{':
		if name.inner == nil && s.names < maxNames {
			name.inner = newMembers()
		}
		if name.inner == nil {
			return s.skip(b, p, depth)
		}
		return s.object(b, p, name.inner, depth)
	case b[p] == '[' && name.items != nil:
		return s.items(b, p, name.items, depth)
	case b[p] == '[' && name.wraps:
		return -1
	}
	return s.value(b, p, depth)
}

// items scans an array whose objects are prompts.
func (s *scanner) items(b []byte, p int, m *members, depth int) int {
	if depth == MaxDepth {
		return -1
	}
	if p = s.spaces(b, p+1); p < len(b) && b[p] == ']' {
		return p + 1
	}
	for {
		if p < len(b) && b[p] == '{' {
			amr := m.slots[0]
			*amr = nil
			p = s.object(b, p, m, depth+1)
			if *amr != nil {
				*s.amr = append(*s.amr, *amr)
			}
		} else {
			p = s.value(b, p, depth+1)
		}
		if p < 0 {
			return -1
		}
		if p = s.spaces(b, p); p == len(b) || b[p] != ',' {
			break
		}
		p = s.spaces(b, p+1)
	}
	if p == len(b) || b[p] != ']' {
		return -1
	}
	return p + 1
}

// name scans a name and its colon.
func (s *scanner) name(b []byte, p int, m *members) (*memberName, int) {
	if p == len(b) || b[p] != '"' {
		return nil, -1
	}
	end := quoted(b, p)
	if end < 0 {
		return nil, -1
	}
	text := b[p+1 : end-1]
	if m.slots != nil && bytes.IndexByte(text, '\\') >= 0 { // it may be one of ours
		return nil, -1
	}
	if p = s.spaces(b, end); p == len(b) || b[p] != ':' {
		return nil, -1
	}
	recent := &m.recent[mix(text)>>57]
	if t := (*recent).text; len(t) == len(text)+3 && t[1:len(t)-2] == string(text) {
		return *recent, p + 1
	}
	n, ok := m.known[string(text)]
	switch {
	case !ok && s.names < maxNames && len(text) <= maxValue:
		s.names++
		n = m.learn(string(text), -1)
	case !ok:
		return m.first, p + 1
	}
	*recent = n
	return n, p + 1
}

// value scans any value, with depth brackets open around it.
func (s *scanner) value(b []byte, p, depth int) int {
	if p == len(b) {
		return -1
	}
	switch b[p] {
	case '"':
		return quoted(b, p)
	case '{', '[':
		return s.skip(b, p, depth)
	}
	return scalar(b, p)
}

// skip scans an object or array that nobody reads.
func (s *scanner) skip(b []byte, p, depth int) int {
	var arrays uint64 // the open brackets, innermost in the lowest bit; 1 = array
	around := depth
	for {
		// An opening bracket, if the value is one of those; else the value.
		switch c := b[p]; c {
		case '{', '[':
			if depth++; depth > MaxDepth {
				return -1
			}
			arrays <<= 1
			end := byte('}')
			if c == '[' {
				arrays |= 1
				end = ']'
			}
			if p = s.spaces(b, p+1); p == len(b) {
				return -1
			}
			if b[p] != end {
				goto item
			}
			p++
			arrays >>= 1
			depth--
		case '"':
			p = quoted(b, p)
		default:
			p = scalar(b, p)
		}
		if p < 0 {
			return -1
		}
		// What follows a value: closing brackets, then a comma.
		for {
			if depth == around {
				return p
			}
			if p = s.spaces(b, p); p == len(b) {
				return -1
			}
			c := b[p]
			p++
			if c == ',' {
				break
			}
			if c != '}' && c != ']' || (c == ']') != (arrays&1 == 1) {
				return -1
			}
			arrays >>= 1
			depth--
		}
		p = s.spaces(b, p)
	item:
		if arrays&1 == 0 {
			if p == len(b) || b[p] != '"' {
				return -1
			}
			if p = quoted(b, p); p < 0 {
				return -1
			}
			if p = s.spaces(b, p); p == len(b) || b[p] != ':' {
				return -1
			}
			p = s.spaces(b, p+1)
		}
		if p == len(b) {
			return -1
		}
	}
}

// quoted scans a string, whose quote stands at p.
func quoted(b []byte, p int) int {
	var all uint64 // or of the words so far
	q := p + 1
	for ; q+8 <= len(b); q += 8 {
		w := word(b, q)
		all |= w
		stop := stops(w)
		if stop == 0 {
			continue
		}
		q += bits.TrailingZeros64(stop) / 8
		if b[q] == '"' && all&tops == 0 {
			return q + 1
		}
		break
	}
	return oddText(b, p, q)
}

// oddText scans the string whose quote stands at from, and in which nothing
// up to p is a quote, a backslash or a control byte.
func oddText(b []byte, from, p int) int {
	for p < len(b) {
		switch c := b[p]; {
		case c == '"':
			if !utf8.Valid(b[from:p]) {
				return -1
			}
			return p + 1
		case c < ' ':
			return -1
		case c == '\\':
			if p = escaped(b, p+1); p < 0 {
				return -1
			}
			p = unbroken(b, p)
		default:
			p++
		}
	}
	return -1
}

// unbroken passes over bytes of a string from p on, up to one to look at, or to the last few of b.
func unbroken(b []byte, p int) int {
	for ; p+8 <= len(b); p += 8 {
		if stop := stops(word(b, p)); stop != 0 {
			return p + bits.TrailingZeros64(stop)/8
		}
	}
	return p
}

// escaped scans what follows a backslash.
func escaped(b []byte, p int) int {
	if p == len(b) {
		return -1
	}
	switch b[p] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return p + 1
	case 'u':
		if p+5 <= len(b) && isHex(b[p+1]) && isHex(b[p+2]) && isHex(b[p+3]) && isHex(b[p+4]) {
			return p + 5
		}
	}
	return -1
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// scalar scans a number or one of the three words.
func scalar(b []byte, p int) int {
	switch c := b[p]; {
	case c == '-' || '0' <= c && c <= '9':
		return number(b, p)
	case c == 't' && p+4 <= len(b) && string(b[p:p+4]) == "true",
		c == 'n' && p+4 <= len(b) && string(b[p:p+4]) == "null":
		return p + 4
	case c == 'f' && p+5 <= len(b) && string(b[p:p+5]) == "false":
		return p + 5
	}
	return -1
}

func number(b []byte, p int) int {
	if b[p] == '-' {
		p++
	}
	from := p
	if p = digits(b, p); p == from || b[from] == '0' && p > from+1 {
		return -1
	}
	if p < len(b) && b[p] == '.' {
		from = p + 1
		if p = digits(b, from); p == from {
			return -1
		}
	}
	if p < len(b) && b[p]|0x20 == 'e' {
		if p++; p < len(b) && (b[p] == '+' || b[p] == '-') {
			p++
		}
		from = p
		if p = digits(b, from); p == from {
			return -1
		}
	}
	return p
}

func digits(b []byte, p int) int {
	for p < len(b) && b[p]-'0' <= 9 {
		p++
	}
	return p
}

// spaces returns the place of the first byte from p on that is no space, or the
// end of b when the record ought to have ended before.
func (s *scanner) spaces(b []byte, p int) int {
	if p < len(b) && b[p] > ' ' {
		return p
	}
	return s.moreSpaces(b, p)
}

func (s *scanner) moreSpaces(b []byte, p int) int {
	for p < len(b) && (b[p] == ' ' || b[p] == '\n' || b[p] == '\r' || b[p] == '\t') {
		if b[p] == '\n' && s.short {
			return len(b)
		}
		p++
	}
	return p
}
