package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"keyramp/cmd/bench/synth"
)

// batches is how many imports go into one store.
const batches = 20

// dedup imports a long log piece by piece: each import looks for its events
// among those of the ones before it, and the time must not grow with them. The
// files of a batch are made before its import and removed after it.
func dedup(ctx context.Context, b *bench, out io.Writer) error {
	dir, done, err := b.work()
	if err != nil {
		return err
	}
	defer done()
	c := synth.Config{Seed: b.config.Seed, Events: batches * b.config.Events}
	if err := room(dir, int64(b.config.Events)*bytesPerEvent*3); err != nil {
		return err
	}
	t := table{head: []string{"batch", "wall s", "CPU s", "peak MB", "store MB", "stored so far"}}
	row := func(name string, u usage, kept int64) error {
		n, err := stored(filepath.Join(dir, storeName))
		t.add(name, seconds(u.wall.Seconds()), seconds(u.cpu.Seconds()), megabytes(u.peak), megabytes(n), thousands(kept))
		return err
	}
	var truths []synth.Truth
	var imports []usage
	for n := range batches {
		b.say("dedup: batch %d of %d", n+1, batches)
		files, truth, err := b.batch(ctx, dir, c, n)
		if err != nil {
			return err
		}
		truths = append(truths, truth)
		syscall.Sync() // else the files are written to the disk while they are imported
		_, u, err := measure(ctx, dir, b.importing(files))
		if err != nil {
			return err
		}
		imports = append(imports, u)
		kept := kept(synth.Sum(truths...))
		if err := row(fmt.Sprint(n+1), u, kept); err != nil {
			return err
		}
		if n == batches-1 {
			_, again, err := measure(ctx, dir, b.importing(files))
			if err != nil {
				return err
			}
			if err := row("the last one again", again, kept); err != nil {
				return err
			}
			truths = append(truths, repeated(truth))
		}
		for _, f := range files {
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	truth := synth.Sum(truths...)
	if err := b.prove(ctx, dir, truth); err != nil {
		return err
	}
	n, err := stored(filepath.Join(dir, storeName))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d imports of %s events each into one store; some events are delivered again in the next batch. The last import took %s times the first one's wall time, the median of the last five %s times that of the first five. At the end the store has %.0f bytes a stored event (%.0f a received one), and its counts agree with the truth.\n\n%s\n%s\n",
		batches, thousands(int64(b.config.Events)), ratio(wallOf(imports[batches-1])/wallOf(imports[0])), ratio(medianOf(imports[batches-5:], wallOf)/medianOf(imports[:5], wallOf)), float64(n)/float64(kept(truth)), float64(n)/float64(c.Events), t.String(), b.machine(nil))
	return nil
}

// batch makes the files of batch n.
func (b *bench) batch(ctx context.Context, dir string, c synth.Config, n int) (files []string, truth synth.Truth, err error) {
	from, until := n*b.config.Events, (n+1)*b.config.Events
	count := (b.config.Events + synth.PerFile - 1) / synth.PerFile
	truths := make([]synth.Truth, count)
	for i := range count {
		files = append(files, filepath.Join(dir, fmt.Sprintf("batch-%02d-%d.ndjson", n, i)))
	}
	err = parallel(ctx, count, func(i int) (err error) {
		begin := from + i*synth.PerFile
		truths[i], err = writeLog(files[i], c, begin, min(begin+synth.PerFile, until))
		return err
	})
	return files, synth.Sum(truths...), err
}

// kept is how many events of a truth the product stores.
func kept(t synth.Truth) (n int64) {
	for _, g := range t {
		if !onlyCounted(g) {
			n += g.Events
		}
	}
	return n
}

// repeated is the truth of lines that were all there before.
func repeated(t synth.Truth) synth.Truth {
	var out synth.Truth
	for _, g := range t {
		g.Events = 0
		out = append(out, g)
	}
	return out
}
