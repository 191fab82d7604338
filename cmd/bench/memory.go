package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"keyramp/cmd/bench/synth"
)

// memory measures the peak of the product's import as the log grows, and of
// DuckDB's lean table beside it. Logs other than the ordinary one are removed.
func memory(ctx context.Context, b *bench, out io.Writer) error {
	p, err := b.install(ctx)
	if err != nil {
		return err
	}
	if err := b.settings(); err != nil {
		return err
	}
	all := b.entrants(formPlain, p)
	t := table{head: []string{"events", "program", "peak MB", "wall s", "CPU s", "events a second"}}
	times := []int{1, 5}
	if b.large {
		times = append(times, 20)
	}
	for _, n := range times {
		c := synth.Config{Seed: b.config.Seed, Events: n * b.config.Events}
		d, err := b.data(ctx, c)
		if err != nil {
			return err
		}
		entrants := []entrant{all[0]}
		if p.absent["duckdb"] == "" && n == 5 {
			entrants = append(entrants, leanOf(all))
		}
		for _, e := range entrants {
			r := &result{entrant: e, factor: 1}
			b.say("memory: %s events, %s", thousands(int64(c.Events)), r.name)
			if err := b.round(ctx, r, d, formPlain, false); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			u, name := r.rounds[0], r.name
			if r.role == product {
				u, name = r.parts[0][0], r.name+", import"
			}
			t.add(thousands(int64(c.Events)), name, megabytes(u.peak), seconds(u.wall.Seconds()), seconds(u.cpu.Seconds()), thousands(int64(float64(c.Events)/u.wall.Seconds())))
		}
		if n > 1 {
			if err := os.RemoveAll(d.dir); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(out, "Plain NDJSON, one run each. Peak is the most resident memory of the process.\n\n%s\n", t.String())
	if why := p.absent["duckdb"]; why != "" {
		fmt.Fprintf(out, "Absent: DuckDB (%s).\n\n", why)
	}
	fmt.Fprintln(out, b.machine(p))
	return nil
}
