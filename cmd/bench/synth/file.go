package synth

import (
	"bufio"
	"io"

	"keyramp/fixtures/draw"
)

// PerFile is the number of events that begin in one file.
const PerFile = 250_000

// Files is the number of files that the log has.
func (c Config) Files() int { return (c.Events + PerFile - 1) / PerFile }

// WriteFile writes file n: its events in the order of their arrival, and after
// some of them one that was delivered before, in this file or the one ahead.
func (w *Writer) WriteFile(dst io.Writer, n int) (Truth, error) {
	return w.WriteRange(dst, n*PerFile, min((n+1)*PerFile, w.c.Events))
}

// WriteRange writes the events from, from+1 … until-1 in the same way.
func (w *Writer) WriteRange(dst io.Writer, from, until int) (Truth, error) {
	out := bufio.NewWriterSize(dst, 1<<20)
	counts := tally{}
	var line []byte
	write := func(i int, again bool) error {
		var tag Tag
		line, tag = w.Append(line[:0], i)
		counts.add(tag, again)
		_, err := out.Write(append(line, '\n'))
		return err
	}
	for i := from; i < until; i++ {
		if err := write(i, false); err != nil {
			return nil, err
		}
		r := random(draw.Hash(w.c.Seed, saltCopy, uint64(i)))
		if i > 0 && r.chance(redelivered) {
			if err := write(i-1-r.below(min(i, 20_000)), true); err != nil {
				return nil, err
			}
		}
	}
	return counts.truth(), out.Flush()
}
