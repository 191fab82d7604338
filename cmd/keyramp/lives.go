package main

import (
	"fmt"
	"strconv"
	"time"

	"keyramp/fixtures/population"
	"keyramp/queries/store"
)

// lives gathers people from the rows of the question histories, which come
// person by person, each in order of time.
type lives struct {
	people      []population.Person
	first, last store.Micros // of all deeds within the experiment
	current     string
}

// take reads one row: event_key, user_key, occurred_at, deed, interactive, carried.
func (l *lives) take(_ []store.Column, values []any) error {
	key, ok := values[1].(string)
	at, timed := values[2].(time.Time)
	word, named := values[3].(string)
	if !ok || !timed || !named {
		return fmt.Errorf("histories: a row has values of unexpected types")
	}
	if key != l.current || len(l.people) == 0 {
		user, err := strconv.ParseUint(key, 16, 64)
		if err != nil {
			return fmt.Errorf("histories: user_key: %w", err)
		}
		l.current = key
		l.people = append(l.people, population.Person{User: user})
	}
	interactive, known := values[4].(bool)
	carried, _ := values[5].(bool)
	deed := population.Deed{At: micros(at), Silent: known && !interactive, Bare: !carried}
	switch word {
	case "failure":
		deed.What = population.Failure
	case "enrollment":
		deed.What = population.Enrollment
	}
	if carried {
		if l.first == 0 || deed.At < l.first {
			l.first = deed.At
		}
		l.last = max(l.last, deed.At)
	}
	p := &l.people[len(l.people)-1]
	p.Deeds = append(p.Deeds, deed)
	return nil
}
