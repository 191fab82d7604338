// Command tenant serves a simulated Auth0 tenant and its enrollment page on
// loopback, for curl, for keyramp and for other log exporters:
//
//	go run ./cmd/tenant --users 2000 > tenant.env &
//	. ./tenant.env
//	curl -s $TENANT_URL/oauth/token -d grant_type=client_credentials \
//	  -d client_id=$CLIENT_ID -d client_secret=$CLIENT_SECRET --data-urlencode audience=$AUDIENCE
//
// It prints shell assignments, serves what really happened at $TRUTH_URL, and
// ends by itself after --for.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"keyramp/fixtures/tenant"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// settings are the command's flags.
type settings struct {
	world  tenant.Config
	server tenant.ServerOptions
	listen string
	truth  string
	life   time.Duration
	ramp   bool
}

// parse reads the flags. It returns pflag.ErrHelp when only help was asked for.
func parse(args []string, out, errw io.Writer) (settings, error) {
	var s settings
	f := pflag.NewFlagSet("tenant", pflag.ContinueOnError)
	f.SetOutput(errw)
	f.SortFlags = false
	f.StringVar(&s.listen, "listen", "127.0.0.1:0", "loopback `address` to listen on; port 0 picks one")
	f.DurationVar(&s.life, "for", time.Hour, "end after this `time`")
	f.Uint64Var(&s.world.Seed, "seed", 1, "`number` that the world is made from")
	f.IntVar(&s.world.Users, "users", 20_000, "people")
	f.IntVar(&s.world.Days, "days", 21, "days of log")
	f.Float64Var(&s.server.RatePerSecond, "rate", 0, "Management API requests a second; 0 is no limit")
	f.IntVar(&s.server.Burst, "burst", 10, "size of the rate limit's bucket")
	f.StringVar(&s.truth, "truth", "", "also write what really happened to this `file`")
	f.BoolVar(&s.ramp, "ramp", false, "three phases of equal length: 10, 25 and 50 percent")
	f.Float64Var(&s.world.TreatmentSuccessDelta, "success-delta", 0, "planted difference of login success in treatment, as a `fraction`")
	f.Float64Var(&s.world.NeverReturn, "never-return", 0, "`share` of redirected logins that get lost at the page")
	f.Float64Var(&s.world.ShareDefect, "share-defect", 0, "`share` of treatment people without experiment data")
	f.BoolVar(&s.world.PageUserIDs, "page-user-ids", false, "the page's events name the user")
	f.Usage = func() {
		fmt.Fprintf(out, "usage: tenant [flags]\n\nServes a simulated Auth0 tenant and enrollment page on loopback.\n\n%s", f.FlagUsages())
	}
	if err := f.Parse(args); err != nil {
		return s, err
	}
	switch {
	case f.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case s.world.Users <= 0 || s.world.Days <= 0 || s.life <= 0:
		return s, errors.New("--users, --days and --for must be positive")
	case s.server.RatePerSecond < 0:
		return s, errors.New("--rate must not be negative")
	}
	for _, p := range []float64{s.world.NeverReturn, s.world.ShareDefect, -s.world.TreatmentSuccessDelta} {
		if p < 0 || p > 1 {
			return s, errors.New("--never-return and --share-defect lie between 0 and 1, --success-delta between -1 and 0")
		}
	}
	if s.ramp {
		s.world.Phases = phases(s.world.Days)
	}
	s.server.Truth = true
	return s, nil
}

// phases is a ramp in three equal steps.
func phases(days int) []tenant.Phase {
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	step := time.Duration(days) * 24 * time.Hour / 3
	return []tenant.Phase{{At: start, Weight: 10}, {At: start.Add(step), Weight: 25}, {At: start.Add(2 * step), Weight: 50}}
}

// run serves until the context ends or the time is over. It returns the exit
// status: 0 done, 1 failed, 2 wrong usage.
func run(ctx context.Context, args []string, out, errw io.Writer) int {
	c, err := parse(args, out, errw)
	if errors.Is(err, pflag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(errw, "tenant: %v\n", err)
		return 2
	}
	w := tenant.New(c.world)
	if c.truth != "" {
		b, err := json.MarshalIndent(w.Truth(), "", "  ")
		if err == nil {
			err = os.WriteFile(c.truth, append(b, '\n'), 0o600)
		}
		if err != nil {
			fmt.Fprintf(errw, "tenant: %v\n", err)
			return 1
		}
	}
	s := tenant.NewServer(w, c.server)
	if err := s.Start(c.listen); err != nil {
		fmt.Fprintln(errw, err)
		if errors.Is(err, tenant.ErrNotLoopback) {
			return 2
		}
		return 1
	}
	defer s.Close()
	fmt.Fprintf(out, "TENANT_URL=%s\nAUDIENCE=%s/api/v2/\nCLIENT_ID=%s\nCLIENT_SECRET=%s\nEXPERIMENT_ID=%s\nPAGE_URL=%s\nPAGE_TOKEN=%s\nTRUTH_URL=%s/truth\n",
		s.URL(), s.URL(), s.ClientID, s.ClientSecret, s.ExperimentIDs[len(s.ExperimentIDs)-1], s.PageURL(), s.PageToken, s.URL())
	fmt.Fprintf(errw, "tenant: %d log events, %d page events from %s to %s; ends in %s\n",
		w.Len(), w.PageLen(), w.Start().Format(time.DateOnly), w.End().Format(time.DateOnly), c.life)
	select {
	case <-ctx.Done():
	case <-time.After(c.life):
	}
	return 0
}
