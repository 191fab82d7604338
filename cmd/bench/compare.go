package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"syscall"
)

// A result is what the rounds of one entrant came to.
type result struct {
	entrant
	factor float64
	rounds []usage
	parts  [][]usage // by step, of a product with several
	bytes  int64     // stored by the last round
}

// compare is a section: every entrant reads the log in one form.
func compare(f form) func(context.Context, *bench, io.Writer) error {
	return func(ctx context.Context, b *bench, out io.Writer) error {
		p, err := b.install(ctx)
		if err != nil {
			return err
		}
		if err := b.settings(); err != nil {
			return err
		}
		if f.compress != nil && p.absent[f.compress[0]] != "" {
			_, err := fmt.Fprintf(out, "Not measured: %s is absent (%s).\n", f.compress[0], p.absent[f.compress[0]])
			return err
		}
		d, err := b.data(ctx, b.config)
		if err != nil {
			return err
		}
		if err := b.compressed(ctx, d, f); err != nil {
			return err
		}
		var results []*result
		absent := map[string][]string{} // names by tool
		for _, e := range b.entrants(f, p) {
			if p.absent[e.tool] != "" {
				absent[e.tool] = append(absent[e.tool], e.name)
				continue
			}
			_, _, factor := e.input(d, f)
			results = append(results, &result{entrant: e, factor: factor})
		}
		// One round that is not counted: it warms the page cache, and with it the product proves every count.
		for round := range 1 + b.rounds {
			for _, r := range results {
				b.say("%s: round %d, %s", f.name, round, r.name)
				if err := b.round(ctx, r, d, f, round == 0); err != nil {
					return fmt.Errorf("%s: %w", r.name, err)
				}
			}
		}
		return b.table(out, results, absent, d, f, p)
	}
}

// round runs an entrant once and holds its counts against the truth.
func (b *bench) round(ctx context.Context, r *result, d *dataset, f form, warming bool) error {
	dir, done, err := b.work()
	if err != nil {
		return err
	}
	defer done()
	files, truth, factor := r.input(d, f)
	syscall.Sync() // what the program before left to be written is not this one's work
	var total usage
	var parts []usage
	var last []byte
	for _, s := range r.steps(files) {
		out, u, err := measure(ctx, dir, s)
		if err != nil {
			return err
		}
		total, last = total.add(u), out
		parts = append(parts, u)
	}
	switch {
	case r.role == product:
		err = recipe(last, truth)
		if err == nil && warming {
			err = b.prove(ctx, dir, truth)
		}
	case r.rule != nil:
		counts, perr := parseCounts(last)
		if err = perr; err == nil {
			err = agree(counts, truth, r.rule)
		}
	}
	if err != nil || warming {
		return err
	}
	total.wall, total.cpu = scale(total.wall, factor), scale(total.cpu, factor)
	r.rounds, r.parts = append(r.rounds, total), append(r.parts, parts)
	r.bytes, err = stored(dir)
	return err
}

// table writes the comparison.
func (b *bench) table(out io.Writer, results []*result, absent map[string][]string, d *dataset, f form, p *peers) error {
	base := results[0]
	t := table{head: []string{"program", "wall s", "min–max", "CPU s", "peak MB", "stored MB", "wall ratio", "CPU ratio"}}
	var ahead, does []string
	for _, r := range results {
		name, peak, bytes := r.name, "–", "–"
		wall, cpu := medianOf(r.rounds, wallOf)/medianOf(base.rounds, wallOf), medianOf(r.rounds, cpuOf)/medianOf(base.rounds, cpuOf)
		if r.factor != 1 {
			name = fmt.Sprintf("%s (one file, time × %.1f)", name, r.factor)
		}
		if r.role != floor {
			peak = megabytes(int64(medianOf(r.rounds, peakOf)))
			does = append(does, fmt.Sprintf("- %s: %s.", r.name, r.does))
		}
		if r.bytes > 100_000 {
			bytes = megabytes(r.bytes)
		}
		if r.role == product {
			name = "**" + name + "**"
		}
		t.add(name, seconds(medianOf(r.rounds, wallOf)), spread(r.rounds), seconds(medianOf(r.rounds, cpuOf)), peak, bytes, ratio(wall), ratio(cpu))
		if r.role == peer && min(wall, cpu) < 1 {
			ahead = append(ahead, fmt.Sprintf("%s (wall %s, CPU %s)", r.name, ratio(wall), ratio(cpu)))
		}
	}
	fmt.Fprintf(out, "%s events, %s lines, %s (%s) in %d %s. Medians of %d rounds, the programs in turn, warm page cache; ratios are to keyramp, above 1 is slower.\n\n",
		thousands(int64(d.Config.Events)), thousands(d.truth().Lines()), megabytesLong(size(d.files(f))), f.name, len(d.Truths), plural(len(d.Truths), "file"), b.rounds)
	fmt.Fprintf(out, "%s\n", t.String())
	fmt.Fprintf(out, "All agreed with the %d counts by experiment, variation and type.", len(d.truth()))
	fmt.Fprintf(out, " Of keyramp's time %s s is the import and %s s the report.", seconds(base.part(0)), seconds(base.part(1)))
	if len(ahead) == 0 {
		fmt.Fprint(out, " No peer was ahead in wall or CPU time.\n")
	} else {
		fmt.Fprintf(out, " **Peers ahead in wall or CPU time:** %s.\n", strings.Join(ahead, "; "))
	}
	for _, tool := range slices.Sorted(maps.Keys(absent)) {
		fmt.Fprintf(out, "\n**Absent here:** %s. Why: %s.\n", strings.Join(absent[tool], "; "), p.absent[tool])
	}
	fmt.Fprintf(out, "\n%s\n\n%s\n", strings.Join(does, "\n"), b.machine(p))
	return nil
}

// part is the median wall time of one step.
func (r *result) part(step int) float64 {
	var of []usage
	for _, p := range r.parts {
		of = append(of, p[step])
	}
	return medianOf(of, wallOf)
}

func wallOf(u usage) float64 { return u.wall.Seconds() }
func cpuOf(u usage) float64  { return u.cpu.Seconds() }
func peakOf(u usage) float64 { return float64(u.peak) }

// spread is the shortest and the longest wall time: how much the rounds differ
// says how far a ratio may be trusted.
func spread(rounds []usage) string {
	low, high := math.Inf(1), 0.0
	for _, u := range rounds {
		low, high = min(low, wallOf(u)), max(high, wallOf(u))
	}
	return seconds(low) + "–" + seconds(high)
}

// medianOf is the median of one figure over the rounds; 0 without any.
func medianOf(rounds []usage, figure func(usage) float64) float64 {
	var v []float64
	for _, u := range rounds {
		v = append(v, figure(u))
	}
	return median(v)
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
