package auth0

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"keyramp/ingest"
	"keyramp/queries/store"
)

// A page is one answer of the log API, cut into its events.
type page struct {
	buf   []byte // the body; the items point into it
	items []item
	next  link // what the tenant names as the next page
	at    store.Micros
}

// An item is one event of a page, not decoded: a broken event must cost itself
// and not the page, and whether it can be used is for the decoder to say.
type item struct {
	raw  []byte
	id   string // its log_id, "" when it has none
	date store.Micros
}

// errPage: the body is no whole array. An HTML page of a proxy and a body cut
// short look like this, so the page is asked for again.
var errPage = errors.New("the body is not a whole JSON array")

// errItems: an API that gives a hundred events has given a great many.
var errItems = fmt.Errorf("%w: a page of more than %d events", ingest.ErrTooLarge, ingest.MaxElements)

// split cuts the body into the elements of its array. It looks at brackets and
// strings alone and keeps no stack, so no nesting can hurt it.
func (p *page) split(body []byte) error {
	p.items = p.items[:0]
	i := space(body, 0)
	if i == len(body) || body[i] != '[' {
		return errPage
	}
	i = space(body, i+1)
	if i < len(body) && body[i] == ']' {
		return trailing(body, i+1)
	}
	for i < len(body) {
		var it item
		end := element(body, i, &it)
		if end < 0 {
			return errPage
		}
		if len(p.items) == ingest.MaxElements {
			return errItems
		}
		it.raw = body[i:end]
		p.items = append(p.items, it)
		i = space(body, end)
		switch {
		case i == len(body):
			return errPage
		case body[i] == ']':
			return trailing(body, i+1)
		case body[i] != ',':
			return errPage
		}
		i = space(body, i+1)
	}
	return errPage
}

func trailing(b []byte, i int) error {
	if space(b, i) != len(b) {
		return errPage
	}
	return nil
}

// element returns the end of the value at b[i], or -1. Of an object it notes
// log_id (or _id) and date.
func element(b []byte, i int, it *item) int {
	switch {
	case i == len(b):
		return -1
	case b[i] == '"':
		return quoted(b, i)
	case b[i] != '{' && b[i] != '[':
		start := i
		for i < len(b) && b[i] != ',' && b[i] != ']' && b[i] != '}' && b[i] > ' ' {
			i++
		}
		if i == start {
			return -1
		}
		return i
	}
	object := b[i] == '{'
	var key []byte // of the member whose value comes, at depth 1
	wantKey, depth := object, 0
	for i < len(b) {
		switch b[i] {
		case '"':
			end := quoted(b, i)
			if end < 0 {
				return -1
			}
			if object && depth == 1 {
				text := b[i+1 : end-1]
				if wantKey {
					key, wantKey = text, false
				} else {
					it.note(key, text)
				}
			}
			i = end
			continue
		case ',':
			if depth == 1 {
				key, wantKey = nil, true
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}

// note keeps a member that the cursor needs. Text with escapes is none of them, nor is what is no UTF-8: a store could
// not keep it as a position.
func (it *item) note(key, text []byte) {
	switch string(key) {
	case "log_id":
		if len(text) > 0 && len(text) <= maxID && bytes.IndexByte(text, '\\') < 0 && utf8.Valid(text) {
			it.id = string(text)
		}
	case "_id":
		if it.id == "" {
			it.note([]byte("log_id"), text)
		}
	case "date":
		it.date, _ = ingest.ParseTime(text)
	}
}

// maxID is far above the 56 digits of a log_id.
const maxID = 256

// quoted returns the end of the string that starts at b[i], or -1.
func quoted(b []byte, i int) int {
	for j := i + 1; ; {
		k := bytes.IndexByte(b[j:], '"')
		if k < 0 {
			return -1
		}
		j += k + 1
		slashes := 0
		for s := j - 2; s > i && b[s] == '\\'; s-- {
			slashes++
		}
		if slashes%2 == 0 {
			return j
		}
	}
}

// space returns the next place that is not white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// newest is the latest date of the page; 0 when no event has one.
func (p *page) newest() store.Micros {
	var t store.Micros
	for _, it := range p.items {
		t = max(t, it.date)
	}
	return t
}

// lowest is the item with the lowest log_id; false when none has an id.
func (p *page) lowest() (item, bool) {
	var low item
	for _, it := range p.items {
		if it.id != "" && (low.id == "" || below(it.id, low.id)) {
			low = it
		}
	}
	return low, low.id != ""
}

// below compares log_ids as the numbers that they are written as; they fit
// neither int64 nor float64.
func below(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// fill hands the items to the pump; after names the page in messages.
func (p *page) fill(c *ingest.Chunk, after string) {
	for i, it := range p.items {
		c.Records = append(c.Records, ingest.Record{Raw: it.raw, Place: ingest.Place{Page: after, Item: int64(i + 1)}})
	}
}
