package main

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The decoder of YAML cuts 1.5 to 1 where a whole number belongs, stops at a time that it cannot read without saying
// where it stands, and leaves further documents alone. So the file is held against the shape of the settings first.

// A shapeFault is a value that does not fit where it stands.
type shapeFault struct {
	line int
	text string // key and rule, never the value
}

// shapeFaults are the misfits of a settings file, by line. A file that is no YAML has none here: the decoder tells of it.
func shapeFaults(dec *yaml.Decoder, of any) (faults []shapeFault) {
	var doc yaml.Node
	if dec.Decode(&doc) != nil || len(doc.Content) == 0 {
		return nil
	}
	s := shape{seen: map[visit]bool{}}
	s.check(doc.Content[0], reflect.TypeOf(of).Elem(), "")
	for {
		var next yaml.Node
		err := dec.Decode(&next)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.fault(&doc, "something stands after the end of the settings that is not readable as YAML")
			break
		}
		if rest := next.Content; len(rest) > 0 && rest[0].ShortTag() != "!!null" {
			s.fault(rest[0], "a second document: all settings belong into one, so take the line --- away")
		}
	}
	slices.SortStableFunc(s.faults, func(a, b shapeFault) int { return a.line - b.line })
	return s.faults
}

// A shape is one walk through the nodes of a file beside the types that they become.
type shape struct {
	seen   map[visit]bool
	faults []shapeFault
}

// A visit is remembered because aliases may lead to a node many times, or to itself.
type visit struct {
	node *yaml.Node
	as   reflect.Type
}

func (s *shape) fault(n *yaml.Node, text string) {
	s.faults = append(s.faults, shapeFault{n.Line, text})
}

var (
	timeType   = reflect.TypeFor[time.Time]()
	textReader = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (s *shape) check(n *yaml.Node, t reflect.Type, key string) {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s.seen[visit{n, t}] || n.ShortTag() == "!!null" {
		return
	}
	s.seen[visit{n, t}] = true
	scalar := n.Kind == yaml.ScalarNode
	switch {
	case t == timeType:
		var at time.Time
		if !scalar || n.Decode(&at) != nil {
			s.fault(n, key+": a time is expected: 2026-11-01, or 2026-11-01T00:00:00Z with its zone")
		}
	case reflect.PointerTo(t).Implements(textReader): // says itself what it takes
	case t.Kind() == reflect.Int:
		if n.ShortTag() != "!!int" || n.Decode(new(int)) != nil {
			s.fault(n, key+": a whole number is expected")
		}
	case t.Kind() == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			s.fault(n, key+": a list is expected")
			return
		}
		for i, item := range n.Content {
			s.check(item, t.Elem(), fmt.Sprintf("%s[%d]", key, i))
		}
	case t.Kind() == reflect.Map, t.Kind() == reflect.Struct:
		if n.Kind == yaml.MappingNode {
			s.pairs(n, t, key)
		}
	}
}

// pairs checks the values of a section.
func (s *shape) pairs(n *yaml.Node, t reflect.Type, key string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i].Value, n.Content[i+1]
		switch {
		case n.Content[i].ShortTag() == "!!merge":
			s.merged(value, t, key)
		case t.Kind() == reflect.Map:
			s.check(value, t.Elem(), key+"."+name)
		default:
			if f, ok := fieldOf(t, name); ok {
				s.check(value, f, strings.TrimPrefix(key+"."+name, "."))
			}
		}
	}
}

// merged checks what << brings into a section: another section, or several.
func (s *shape) merged(n *yaml.Node, t reflect.Type, key string) {
	if n.Kind != yaml.SequenceNode {
		s.check(n, t, key)
		return
	}
	for _, item := range n.Content {
		s.check(item, t, key)
	}
}

// fieldOf is the type of what a section calls name.
func fieldOf(t reflect.Type, name string) (reflect.Type, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("yaml") == name {
			return f.Type, true
		}
	}
	return nil, false
}
