package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"

	"keyramp/cmd/bench/synth"
)

// A form is how the files are written.
type form struct {
	name, suffix string
	compress     []string // the command that writes a file's compressed form to stdout
}

var (
	formPlain = form{name: "plain"}
	formGzip  = form{"gzip -6", ".gz", []string{"gzip", "-6", "-c"}}
	formZstd  = form{"zstd -3", ".zst", []string{"zstd", "-3", "-q", "-c"}}
)

// A dataset is a log on disk, with the truth of each file.
type dataset struct {
	Config      synth.Config  `json:"config"`
	Fingerprint string        `json:"fingerprint"` // of the generator: another one makes other bytes
	Truths      []synth.Truth `json:"truths"`      // by file

	dir string
}

// truth is what the whole log holds.
func (d *dataset) truth() synth.Truth { return synth.Sum(d.Truths...) }

func (d *dataset) files(f form) []string {
	files := make([]string, len(d.Truths))
	for i := range files {
		files[i] = filepath.Join(d.dir, fmt.Sprintf("events-%03d.ndjson%s", i, f.suffix))
	}
	return files
}

// size is the number of bytes in files.
func size(files []string) (n int64) {
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			n += info.Size()
		}
	}
	return n
}

// bytesPerEvent is what an event takes on disk, for a guess of the room needed.
const bytesPerEvent = 1_700

// fingerprint is a hash of the first events.
func fingerprint(c synth.Config) string {
	w, h := synth.NewWriter(c), sha256.New()
	var line []byte
	for i := range 1000 {
		line, _ = w.Append(line[:0], i)
		h.Write(line)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// data finds the log of a config in the cache or makes it.
func (b *bench) data(ctx context.Context, c synth.Config) (*dataset, error) {
	d := &dataset{Config: c, Fingerprint: fingerprint(c), dir: filepath.Join(b.cache, "data", fmt.Sprintf("%d-%d", c.Seed, c.Events))}
	note := filepath.Join(d.dir, "truth.json")
	if text, err := os.ReadFile(note); err == nil {
		var had dataset
		if json.Unmarshal(text, &had) == nil && had.Config == c && had.Fingerprint == d.Fingerprint {
			had.dir = d.dir
			return &had, nil
		}
	}
	b.say("making %s events in %s", thousands(int64(c.Events)), d.dir)
	if err := os.RemoveAll(d.dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return nil, err
	}
	if err := room(d.dir, int64(c.Events)*bytesPerEvent*5/4); err != nil {
		return nil, err
	}
	d.Truths = make([]synth.Truth, c.Files())
	files := d.files(formPlain)
	err := parallel(ctx, len(files), func(i int) (err error) {
		d.Truths[i], err = writeLog(files[i], c, i*synth.PerFile, min((i+1)*synth.PerFile, c.Events))
		return err
	})
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, err
	}
	return d, os.WriteFile(note, text, 0o644) // last: a folder with it is whole
}

func writeLog(path string, c synth.Config, from, until int) (synth.Truth, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	truth, err := synth.NewWriter(c).WriteRange(f, from, until)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return truth, err
}

// compressed makes the files of a form that are not there yet.
func (b *bench) compressed(ctx context.Context, d *dataset, f form) error {
	from, to := d.files(formPlain), d.files(f)
	return parallel(ctx, len(from), func(i int) error {
		if _, err := os.Stat(to[i]); err == nil || f.compress == nil {
			return nil
		}
		b.say("writing %s", to[i])
		out, err := os.Create(to[i] + ".part")
		if err != nil {
			return err
		}
		defer out.Close()
		cmd := exec.CommandContext(ctx, f.compress[0], append(f.compress[1:], from[i])...)
		cmd.Stdout = out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		return os.Rename(out.Name(), to[i])
	})
}

// parallel calls do for 0 … n-1, on as many as there are cores, and returns one of the errors.
func parallel(ctx context.Context, n int, do func(int) error) error {
	var wg sync.WaitGroup
	next, errs := make(chan int), make(chan error, n)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					errs <- err
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	wg.Wait()
	close(errs)
	if err := <-errs; err != nil {
		return err
	}
	return ctx.Err()
}
