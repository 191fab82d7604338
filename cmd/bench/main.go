// Command bench measures keyramp side by side with other programs that can turn
// the same tenant logs into the same counts:
//
//	make bench
//	go run ./cmd/bench --only plain --rounds 5 --write docs/performance.md
//
// It makes its data, proves that all programs agree with the counts it was made
// with, then runs them in turn and prints tables in Markdown. It calls every
// program as a process, the product too, and links none of them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"keyramp/cmd/bench/synth"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A section is one part of the benchmark. It writes a block of Markdown.
type section struct {
	name, about string
	run         func(context.Context, *bench, io.Writer) error
}

var sections = []section{
	{"plain", "import and report of plain NDJSON", compare(formPlain)},
	{"gzip", "the same of gzip files", compare(formGzip)},
	{"zstd", "the same of zstd files", compare(formZstd)},
	{"report", "reports of stores of 1, 10 and, with --large, 50 million events", report},
	{"memory", "peak memory at 1, 5 and, with --large, 20 times the events", memory},
	{"dedup", "20 imports into one store, then one of them again", dedup},
	{"small", "pulls from a simulated tenant", small},
}

// A bench is one run of the command.
type bench struct {
	log     io.Writer // what is being done
	cache   string
	keyramp string
	config  synth.Config
	rounds  int
	large   bool

	found *peers // installed when first asked for
}

func run(ctx context.Context, args []string, out, errw io.Writer) error {
	b := &bench{log: errw}
	var only []string
	var page string
	f := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	f.SetOutput(errw)
	f.SortFlags = false
	f.IntVar(&b.config.Events, "events", 1_000_000, "events of the log")
	f.Uint64Var(&b.config.Seed, "seed", 1, "`number` that the log is made from")
	f.IntVar(&b.rounds, "rounds", 5, "how often each program runs, in turn")
	f.StringSliceVar(&only, "only", nil, "`sections` to run, of:"+list())
	f.BoolVar(&b.large, "large", false, "also measure memory at 20 times the events (33 GB of disk by default) and reports of 50 million")
	f.StringVar(&b.cache, "cache", filepath.Join("bin", "bench"), "`folder` for data, peers and stores")
	f.StringVar(&b.keyramp, "keyramp", filepath.Join("bin", "keyramp"), "the product")
	f.StringVar(&page, "write", "", "also replace the sections' blocks in this Markdown `file`")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 || b.config.Events < 1000 || b.rounds < 1 {
		return errors.New("no arguments, at least 1,000 events and one round; --help lists the flags")
	}
	for _, path := range []*string{&b.cache, &b.keyramp} {
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	if _, err := os.Stat(b.keyramp); err != nil {
		return fmt.Errorf("the product is not built: %w", err)
	}
	for _, name := range only {
		if !slices.ContainsFunc(sections, func(s section) bool { return s.name == name }) {
			return fmt.Errorf("--only %s: the sections are%s", name, list())
		}
	}
	for _, s := range sections {
		if len(only) > 0 && !slices.Contains(only, s.name) {
			continue
		}
		var text strings.Builder
		if err := s.run(ctx, b, &text); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(out, "## %s\n\n%s\n", s.name, text.String())
		if page != "" {
			if err := writeBlock(page, s.name, text.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

func list() string {
	var b strings.Builder
	for _, s := range sections {
		fmt.Fprintf(&b, "\n%s (%s)", s.name, s.about)
	}
	return b.String()
}

// say tells what is being done.
func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.log, format+"\n", args...) }

// work is an empty folder for one run of a program; done removes it.
func (b *bench) work() (dir string, done func(), err error) {
	parent := filepath.Join(b.cache, "work")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", nil, err
	}
	dir, err = os.MkdirTemp(parent, "run-")
	return dir, func() { os.RemoveAll(dir) }, err
}
