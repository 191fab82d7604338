package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"

	"keyramp/analysis"
	"keyramp/fixtures/population"
	"keyramp/queries/duckdb"
	"keyramp/queries/store"
)

// A rehearsal is one kind of simulated experiment, to be run many times: the
// people, the ramp and what treatment does to them.
type rehearsal struct {
	seed   uint64
	people population.Config
	own    []population.Person // histories to use in place of drawn ones
	ramp   population.Design
	effect population.Effect
	plan   analysis.Plan
}

// A course is what the looks of one run said. Days are counted from 1; 0 means never.
type course struct {
	ramp, sampleRatio     int
	rollBack, investigate map[string]int // by the first reason
	last                  *analysis.Report
	events                int64
}

// run is the whole way of one experiment, with its own random numbers: events
// into a fresh store, and at the end of each day the questions as of then, the
// report and the decision.
func (h *rehearsal) run(ctx context.Context, number int) (c course, err error) {
	dir, err := os.MkdirTemp("", "keyramp-simulate-")
	if err != nil {
		return c, fmt.Errorf("temporary store: %w: %w", store.ErrResources, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := duckdb.Open(ctx, duckdb.Options{Dir: dir, Threads: 1})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	random := rand.New(rand.NewPCG(h.seed, uint64(number)))
	people := h.own
	if people == nil {
		people = population.Draw(h.people, random)
	}
	batch := population.Assign(people, h.ramp, h.effect, random)
	c.events = batch.Received
	for _, o := range h.ramp.Observations() {
		if err := db.Observe(ctx, []store.Observation{o}); err != nil {
			return c, err
		}
	}
	if _, err := db.Load(ctx, batch, store.Cursor{Source: "simulated", Complete: true}); err != nil {
		return c, err
	}
	return c, h.look(ctx, db, &c)
}

// look asks on the evening of every day.
func (h *rehearsal) look(ctx context.Context, db store.Store, c *course) error {
	experiments, err := db.Experiments(ctx)
	if err != nil {
		return err
	}
	observed, err := db.Observations(ctx, population.Experiment)
	if err != nil {
		return err
	}
	c.rollBack, c.investigate = map[string]int{}, map[string]int{}
	for day := 1; day <= h.ramp.TotalDays(); day++ {
		asOf := h.ramp.Start + store.Micros(day)*dayMicros
		phases, notes := analysis.Phases(observed, nil, experiments[0], asOf)
		in := analysis.Input{Plan: h.plan, Name: "simulated", AsOf: asOf, Watermark: asOf, Notes: notes,
			Scope: store.Scope{Experiment: population.Experiment, Until: asOf, Phases: phases}}
		if in.Counts, err = db.Counts(ctx, in.Scope); err != nil {
			return err
		}
		c.last = analysis.Build(in)
		c.note(day, c.last, analysis.Decide(h.plan, c.last))
	}
	return nil
}

// note keeps the first day of every verdict.
func (c *course) note(day int, r *analysis.Report, d analysis.Decision) {
	first := func(reasons map[string]int) {
		if reasons[d.Reason] == 0 {
			reasons[d.Reason] = day
		}
	}
	switch d.Action {
	case analysis.Ramp:
		c.ramp = cmp.Or(c.ramp, day)
	case analysis.Investigate:
		first(c.investigate)
	case analysis.RollBack:
		first(c.rollBack)
	}
	if r.SampleRatio.Mismatch {
		c.sampleRatio = cmp.Or(c.sampleRatio, day)
	}
}

const dayMicros = store.Micros(86_400_000_000)

// runAll runs the experiment on several cores at once and hands each
// result to take, one at a time. When the context ends, what was finished by
// then has been handed over, and the context's error comes back.
func (h *rehearsal) runAll(ctx context.Context, runs, workers int, take func(course)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	numbers := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range min(workers, runs) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := range numbers {
				c, err := h.run(ctx, n)
				mu.Lock()
				if err == nil {
					take(c)
				} else if failed == nil && ctx.Err() == nil { // what fails after the end fails because of it
					failed = fmt.Errorf("run %d: %w", n, err)
					cancel()
				}
				mu.Unlock()
			}
		}()
	}
	for n := range runs {
		select {
		case numbers <- n + 1:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(numbers)
	wg.Wait()
	if failed == nil {
		failed = context.Cause(ctx)
	}
	return failed
}
