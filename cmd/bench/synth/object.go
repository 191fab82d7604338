package synth

import "strconv"

// An object gathers the members of a JSON object, so that they can be written
// in another order than they were made in. Values are JSON text already: what
// needs an escape is written with it.
type object struct {
	members []byte
	ends    []int
}

func (o *object) reset() { o.members, o.ends = o.members[:0], o.ends[:0] }

// name begins a member; the value is appended to o.members, then done is called.
func (o *object) name(name string) {
	o.members = append(o.members, '"')
	o.members = append(o.members, name...)
	o.members = append(o.members, `":`...)
}

func (o *object) done() { o.ends = append(o.ends, len(o.members)) }

func (o *object) raw(name, json string) {
	o.name(name)
	o.members = append(o.members, json...)
	o.done()
}

func (o *object) text(name, value string) {
	o.quoted(name, func(dst []byte) []byte { return append(dst, value...) })
}

// quoted is a text whose value is appended by a function.
func (o *object) quoted(name string, value func([]byte) []byte) {
	o.name(name)
	o.members = append(o.members, '"')
	o.members = value(o.members)
	o.members = append(o.members, '"')
	o.done()
}

func (o *object) number(name string, n int64) {
	o.name(name)
	o.members = strconv.AppendInt(o.members, n, 10)
	o.done()
}

func (o *object) bool(name string, v bool) {
	o.name(name)
	o.members = strconv.AppendBool(o.members, v)
	o.done()
}

// object is a member that holds another one.
func (o *object) object(name string, inner *object, shuffle *random) {
	o.name(name)
	o.members = inner.appendTo(o.members, shuffle)
	o.done()
}

// appendTo writes the object: in the order it was made, or shuffled by a random.
func (o *object) appendTo(dst []byte, shuffle *random) []byte {
	var few [40]int
	order := few[:len(o.ends)]
	for i := range order {
		order[i] = i
	}
	if shuffle != nil {
		for i := len(order) - 1; i > 0; i-- {
			j := shuffle.below(i + 1)
			order[i], order[j] = order[j], order[i]
		}
	}
	dst = append(dst, '{')
	for n, i := range order {
		if n > 0 {
			dst = append(dst, ',')
		}
		from := 0
		if i > 0 {
			from = o.ends[i-1]
		}
		dst = append(dst, o.members[from:o.ends[i]]...)
	}
	return append(dst, '}')
}
