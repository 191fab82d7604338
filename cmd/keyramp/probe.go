package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"keyramp/queries/duckdb"
	"keyramp/queries/store"
)

// DuckDB may end the process that opens a damaged file, or not come to an end.
// So what may be damaged is opened by a process of its own first.

// How long a probe may take: so long, and as long again as reading the store at a slow disk's pace.
var probeLeast = time.Minute

const probePace = 5 << 20 // bytes a second

// newProbe is what keyramp runs of itself; it is for nobody else.
func newProbe(a *app) *cobra.Command {
	var deep bool
	var into string
	cmd := &cobra.Command{
		Use:    "probe FOLDER",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var answer probed
			var err error
			if deep {
				answer.Found, err = duckdb.Examine(cmd.Context(), args[0], into, a.flags.lockWait)
			} else {
				err = openOnce(cmd.Context(), args[0], a.flags.lockWait)
			}
			if err != nil {
				answer.Error = err.Error()
				for _, kind := range probeKinds {
					if errors.Is(err, kind) {
						answer.Kind = kind.Error()
					}
				}
			}
			return writeJSON(a.out, answer)
		},
	}
	cmd.Flags().BoolVar(&deep, "deep", false, "read every column of every table")
	cmd.Flags().StringVar(&into, "into", "", "write what can be brought back to `file`")
	return cmd
}

// A probed is what the process says.
type probed struct {
	Found *duckdb.Found `json:"found"`
	Error string        `json:"error"`
	Kind  string        `json:"kind"` // which of probeKinds
}

var probeKinds = []error{store.ErrBusy, store.ErrDamaged, store.ErrNewer, store.ErrMissing, store.ErrResources}

// A toldError is an error of another process: its text, and which kind it is.
type toldError struct {
	text string
	kind error
}

func (e *toldError) Error() string { return e.text }
func (e *toldError) Unwrap() error { return e.kind }

func openOnce(ctx context.Context, dir string, wait time.Duration) error {
	db, err := duckdb.Open(ctx, duckdb.Options{Dir: dir, ReadOnly: true, LockWait: wait})
	if err != nil {
		return err
	}
	_, err = db.Status(ctx)
	return errors.Join(err, db.Close())
}

// probe runs `keyramp probe` and hands on what it found. One that ends itself or does not end has met damage.
func (a *app) probe(ctx context.Context, dir string, flags ...string) (*duckdb.Found, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	limit := a.flags.lockWait + probeLeast + time.Duration(duckdb.Size(dir)/probePace)*time.Second
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(limited, self)
	cmd.Args = append([]string{"keyramp", "probe", dir, "--lock-wait", a.flags.lockWait.String()}, flags...)
	cmd.Env = []string{"HOME=" + a.env["HOME"], "TMPDIR=" + a.env["TMPDIR"], "SYSTEMROOT=" + a.env["SYSTEMROOT"]} // it needs no secret
	var out bytes.Buffer
	cmd.Stdout = &out
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	damaged := func(why string) error {
		return &toldError{fmt.Sprintf("store %s: %v: %s", dir, store.ErrDamaged, why), store.ErrDamaged}
	}
	if limited.Err() != nil {
		return nil, damaged(fmt.Sprintf("reading it did not end within %v", limit.Round(time.Second)))
	}
	var answer probed
	if e := json.Unmarshal(out.Bytes(), &answer); err != nil || e != nil {
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return nil, fmt.Errorf("probe: %w", err)
		}
		if exit != nil && killed(exit) { // DuckDB never ends itself so
			return nil, fmt.Errorf("store %s: %w: the process that read it was killed: memory may have run out", dir, store.ErrResources)
		}
		return nil, damaged(fmt.Sprintf("reading it ended the process that tried (%v)", exit))
	}
	if answer.Error == "" {
		return answer.Found, nil
	}
	told := &toldError{text: strings.TrimSpace(answer.Error)}
	for _, kind := range probeKinds {
		if answer.Kind == kind.Error() {
			told.kind = kind
		}
	}
	return nil, told
}

// examine reads the whole store in a process of its own. Damage is in what it returns, also where that process died.
func (a *app) examine(ctx context.Context, dir, into string) (*duckdb.Found, error) {
	flags := []string{"--deep"}
	if into != "" {
		flags = append(flags, "--into", into)
	}
	found, err := a.probe(ctx, dir, flags...)
	if errors.Is(err, store.ErrDamaged) {
		return &duckdb.Found{Damage: err.Error()}, nil
	}
	return found, err
}

// safe opens the store in another process where this one could be ended by it: a log that a
// killed run left is replayed by whoever opens the store next. All other errors are told when
// the store is opened here.
func (a *app) safe(ctx context.Context) error {
	if !duckdb.HasLog(a.storeDir()) {
		return nil
	}
	if _, err := a.probe(ctx, a.storeDir()); errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrResources) {
		return err
	}
	return nil
}

// killed tells whether a process was ended by force, as the system does where memory runs out.
func killed(exit *exec.ExitError) bool {
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}
