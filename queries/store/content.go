package store

import (
	"cmp"
	"encoding/binary"

	"github.com/dchest/siphash"
)

// Content is a hash of what is kept of an event, the same in every process: it
// tells a redelivery from another event under the same id. It leaves out Test,
// which depends on the configuration of the day.
func (e *Event) Content() uint64 {
	var room [512]byte
	b := numbers(room[:0], e.LogID, uint64(e.At), uint64(cmp.Or(e.Assigned, e.At)), e.User, e.Session, e.Transaction,
		uint64(e.Control), uint64(e.Interactive))
	if e.PasskeyUsed {
		b = append(b, 1)
	}
	for _, w := range []Word{e.Type, e.ClientID, e.Connection, e.Strategy, e.Device,
		e.Experiment, e.Variation, e.Allocation, e.Segment, e.Authenticator} {
		b = text(b, w.String())
	}
	return siphash.Hash(0, 0, b)
}

// Content is that of a page event. It leaves out Future, which depends on when
// the event arrived.
func (p *PageEvent) Content() uint64 {
	var room [512]byte
	b := numbers(room[:0], p.ID, uint64(p.At), p.User, p.Session, p.Transaction)
	if p.Verified {
		b = append(b, 1)
	}
	for _, s := range []string{string(p.Phase), p.Experiment, p.Variation} {
		b = text(b, s)
	}
	return siphash.Hash(0, 0, b)
}

func numbers(b []byte, all ...uint64) []byte {
	for _, n := range all {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

func text(b []byte, s string) []byte {
	return append(append(b, s...), 0xff) // a byte that no UTF-8 text holds
}
