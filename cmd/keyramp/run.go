package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"keyramp/analysis"
	"keyramp/analysis/render"
	"keyramp/queries/store"
)

// run is the whole program: words and streams in, exit status out. env holds
// KEY=VALUE pairs; the process environment is not read anywhere else.
func run(ctx context.Context, env, args []string, in io.Reader, out, errw io.Writer) (code int) {
	a, began := newApp(env, in, out, errw), time.Now()
	defer func() {
		if p := recover(); p != nil {
			// Not a message for the user alone: the stack is what a bug report needs.
			fmt.Fprint(errw, a.hide.clean(fmt.Sprintf("keyramp: internal error: %v\n%s", p, debug.Stack())))
			code = exitInternal
			a.writeSummary(code, fmt.Errorf("internal error"))
			a.writeMetrics(ctx, code, began)
		}
	}()

	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(a.out)
	root.SetErr(errw)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = a.out.err
	}
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		err = nil // the reader of our output has seen enough
	}
	code, hint := exitCode(ctx, err)
	if errors.As(err, new(verdict)) {
		err = nil // it was printed, and is no failure
	}
	if hint == stoppedHint && slices.Contains([]string{"pull", "import logs", "import page", "rejects retry"}, a.summary.Command) {
		hint = resumeHint
	}
	if err != nil {
		a.printError(err, hint)
	}
	told, mapped := a.exits[code]
	a.writeSummary(code, err)
	a.writeMetrics(ctx, code, began)
	if mapped {
		a.log.Info(fmt.Sprintf("exit status %d is told as %d", code, told))
		return told
	}
	return code
}

// printError says where and what, then what to do next.
func (a *app) printError(err error, hint string) {
	for _, line := range strings.Split(strings.TrimSpace(a.hide.clean(err.Error())), "\n") {
		fmt.Fprintf(a.errw, "%s %s\n", a.errStyle.red("keyramp:"), visible(line))
	}
	if hint != "" {
		fmt.Fprintf(a.errw, "%s hint: %s\n", a.errStyle.dim("keyramp:"), visible(hint))
	}
}

// An app is one run: what the world gave it and what the flags made of it.
type app struct {
	env  map[string]string
	in   io.Reader
	out  *stickyWriter // stdout; data only
	errw io.Writer
	now  time.Time // read once, so every part of a run agrees on it

	flags    globalFlags
	log      *slog.Logger
	hide     redactor
	outStyle style
	errStyle style
	settings settings
	summary  summary
	origin   render.Origin // of what was asked last

	exits    exitMap
	measured bool             // the command is one that metrics tell of
	answered *analysis.Report // last, and what was decided on it
	decided  *analysis.Decision

	observed []store.Observation // of the experiment that was asked about last, and of those that it continues
}

func newApp(env []string, in io.Reader, out, errw io.Writer) *app {
	a := &app{env: map[string]string{}, in: in, out: &stickyWriter{w: out}, errw: errw, now: time.Now().UTC()}
	for _, pair := range env {
		if k, v, ok := strings.Cut(pair, "="); ok {
			a.env[k] = v
		}
	}
	a.summary.Started = stamp(micros(a.now))
	a.summary.Complete = true // until a limit or an error ends the run early
	a.log = newLogger(errw, slog.LevelInfo, &a.hide)
	a.errStyle = a.styleFor(errw, "auto")
	return a
}

// A stickyWriter keeps the first write error, so that a command may print
// without asking after every line and run still learns that a pipe closed.
type stickyWriter struct {
	w   io.Writer
	err error
}

func (s *stickyWriter) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	var n int
	n, s.err = s.w.Write(p)
	return n, s.err
}

// usage marks an error of flags or arguments.
func usage(cmd *cobra.Command, err error) error {
	return fail(exitUsage, err, fmt.Sprintf("`%s --help` lists its arguments and flags", cmd.CommandPath()))
}
