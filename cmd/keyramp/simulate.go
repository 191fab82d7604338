package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"keyramp/fixtures/population"
	"keyramp/queries/store"
)

// simulated is the day on which generated experiments begin: any Monday would do.
var simulated = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).UnixMicro()

// severalDevices is the share of generated people with more than one device.
const severalDevices = 0.3

// newSimulate lets keyramp prove its own error rates.
func newSimulate(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Measure how often the verdict is wrong, and what it can find",
		Long: `Run experiments whose truth is known through the whole of keyramp, with a look
on every day, and count the verdicts. Nothing leaves this machine, and no store
is changed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSimulation(a, simulation{kind: "aa", runs: 1000}, &cobra.Command{
		Use:   "aa [EXPERIMENT]",
		Short: "Experiments without an effect: how often does a verdict claim one?",
		Example: `  keyramp simulate aa --runs 200 --people 3000
  keyramp simulate aa --own --weights 10
  keyramp simulate aa --weights 10,25,50 --days 14,7,14 --drift`,
	}), newSimulation(a, simulation{kind: "power", runs: 300, gain: 0.03}, &cobra.Command{
		Use:   "power [EXPERIMENT]",
		Short: "Experiments with a planted effect: how often, and when, is it found?",
		Example: `  keyramp simulate power --gain 0.03 --people 10000
  keyramp simulate power --gain 0 --drop 0.03`,
	}))
	return cmd
}

// A simulation is what the flags of one simulate command ask for.
type simulation struct {
	*app
	kind               string
	runs, workers      int
	people             int
	weights, days      []int
	success, icc       float64
	enroll, gain, drop float64
	drift, own         bool
	seed               uint64
	q                  question
}

func newSimulation(a *app, s simulation, cmd *cobra.Command) *cobra.Command {
	s.app = a
	cmd.Long = cmd.Short + `

Each run makes a store of its own in the folder for temporary files, loads the
tenant's events, and asks as of the end of each day, as a daily job would.
With --own the people are those of the store who were only ever in control:
their real days, logins and failures, assigned anew at random.

The seed is printed with the result; the same seed gives the same result.`
	cmd.Args = cobra.MaximumNArgs(1)
	cmd.ValidArgsFunction = a.experimentArg
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return s.execute(cmd, args) }
	f := cmd.Flags()
	f.IntVar(&s.runs, "runs", s.runs, "how many experiments")
	f.Uint64Var(&s.seed, "seed", 1, "of the random numbers")
	f.IntVar(&s.people, "people", 3000, "people who arrive over the days")
	f.IntSliceVar(&s.weights, "weights", []int{10}, "treatment's `percent`, one for each phase")
	f.IntSliceVar(&s.days, "days", []int{28}, "length of each phase in days")
	f.Float64Var(&s.success, "success", 0.95, "`fraction` of login attempts that succeed")
	f.Float64Var(&s.icc, "icc", 0.05, "correlation of the attempts of one person")
	f.Float64Var(&s.enroll, "enroll", 0.004, "`chance` to enroll at a login, prompt or not")
	f.BoolVar(&s.drift, "drift", false, "from phase to phase everybody enrolls twice as often and fails 2 points more often")
	if s.kind == "power" {
		f.Float64Var(&s.gain, "gain", s.gain, "`chance` that a treated person enrolls at the first prompt")
		f.Float64Var(&s.drop, "drop", s.drop, "by what `fraction` login success falls in treatment")
	}
	f.BoolVar(&s.own, "own", false, "take the store's own control subjects")
	f.IntVar(&s.workers, "workers", runtime.GOMAXPROCS(0), "runs at the same time")
	return cmd
}

// check finds what the flags ask for and cannot be.
func (s *simulation) check(args []string) error {
	fraction := func(name string, v float64) error {
		if v >= 0 && v < 1 {
			return nil
		}
		return fmt.Errorf("--%s %v: give a fraction from 0 to below 1 (0.03 is 3 percent)", name, v)
	}
	faults := []error{fraction("success", s.success), fraction("icc", s.icc), fraction("enroll", s.enroll),
		fraction("gain", s.gain), fraction("drop", s.drop)}
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	check(s.runs > 0, "--runs %d: give 1 or more", s.runs)
	check(s.workers > 0, "--workers %d: give 1 or more", s.workers)
	check(s.people > 0, "--people %d: give 1 or more", s.people)
	check(s.drop < s.success, "--drop %v is not below --success %v", s.drop, s.success)
	check(len(s.weights) == len(s.days), "--weights has %d phases and --days has %d", len(s.weights), len(s.days))
	for _, w := range s.weights {
		check(w > 0 && w < 100, "--weights %d: give a percentage from 1 to 99", w)
	}
	for _, n := range s.days {
		check(n > 0, "--days %d: give 1 or more", n)
	}
	check(s.own || len(args) == 0, "an experiment is named without --own")
	check(!s.own || !s.drift, "--drift changes generated people only: leave out --own or --drift")
	check(s.kind == "aa" || s.gain > 0 || s.drop > 0, "no effect is planted: give --gain or --drop")
	return errors.Join(faults...)
}

func (s *simulation) execute(cmd *cobra.Command, args []string) error {
	if err := s.check(args); err != nil {
		return usage(cmd, err)
	}
	format, err := s.format(cmd, s.documentFormat(), listFormats...)
	if err != nil {
		return err
	}
	h := &rehearsal{
		seed: s.seed, plan: s.settings.Plan, effect: population.Effect{Gain: s.gain, Drop: s.drop},
		ramp: population.Design{Start: simulated, Weights: s.weights, Days: s.days},
		people: population.Config{People: s.people, Start: simulated, Days: s.days, PerDay: 0.35, Shape: 0.5,
			Success: s.success, SuccessICC: s.icc, Enroll: s.enroll, EnrollICC: 0.05,
			Devices: severalDevices, Drift: s.drift},
	}
	h.people.Arrive = h.ramp.TotalDays()
	if s.own {
		if err := s.recall(cmd, args, h); err != nil {
			return err
		}
	}
	out := newTally(s, h)
	bar := s.newCount(s.runs, "runs")
	begun := time.Now()
	stopped := h.runAll(cmd.Context(), s.runs, s.workers, func(c course) {
		out.add(c)
		bar.reach(int64(out.Runs), fmt.Sprintf("%d of %d runs", out.Runs, s.runs))
	})
	bar.done()
	if stopped != nil && (out.Runs == 0 || cmd.Context().Err() == nil) {
		return fmt.Errorf("simulate: %w", stopped)
	}
	out.finish(time.Since(begun))
	if err := s.emit(out.writer(format, s.width())); err != nil {
		return err
	}
	return stopped // a stopped simulation prints what it has
}

// recall puts the store's control subjects in the place of generated people.
func (s *simulation) recall(cmd *cobra.Command, args []string, h *rehearsal) error {
	return s.reading(cmd.Context(), func(ctx context.Context, db store.Store) error {
		seen, err := choose(ctx, db, args)
		if err != nil {
			return err
		}
		in, err := s.input(ctx, db, s.q, seen)
		if err != nil {
			return err
		}
		if in.Scope.Since < in.Purged {
			s.log.Warn("these people lack what was purged: everything from before " + stamp(in.Purged))
		}
		in.Scope.Continues = nil // their people come from one experiment
		var lives lives
		if err := db.Query(ctx, "histories", in.Scope, lives.take); err != nil {
			return err
		}
		h.own = lives.people
		if len(h.own) == 0 {
			return fail(exitData, fmt.Errorf("no person of %s was only ever in control", seen.Experiment),
				"leave out --own to simulate generated people")
		}
		h.ramp.Start = lives.first - lives.first%dayMicros
		if !cmd.Flags().Changed("days") && len(h.ramp.Weights) == 1 {
			h.ramp.Days = []int{int((lives.last-h.ramp.Start)/dayMicros) + 1}
		}
		return nil
	})
}
