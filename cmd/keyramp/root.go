package main

import (
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// globalFlags are the flags that every command takes.
type globalFlags struct {
	config, store, format, output string
	logLevel, color, summaryFile  string
	metricsFile, mapExit          string
	quiet, verbose, noProgress    bool
	lockWait                      time.Duration
}

// newRoot builds the command tree of one run. Nothing is registered at start-up,
// so two runs in one process do not share state.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "keyramp",
		Short: "May this Auth0 experiment go to the next share of users?",
		Long: `keyramp reads Auth0 tenant log events and the enrollment page's events, keeps
them once, and answers for an experiment: RAMP, HOLD, ROLL_BACK or INVESTIGATE.
It only reads; it never writes to a tenant.

Start with ` + "`keyramp demo`" + `: a simulated tenant, pulled and judged in a minute.`,
		Args:              cobra.NoArgs,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.prepare(cmd) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	f := root.PersistentFlags()
	f.SortFlags = false
	f.StringVarP(&a.flags.config, "config", "c", "", "settings `file` (default ./keyramp.yaml, then the user's)")
	f.StringVar(&a.flags.store, "store", "", "`folder` of the store (default ./keyramp-data)")
	f.StringVarP(&a.flags.format, "format", "f", "", "table, json, csv, markdown; report also html, openmetrics")
	f.StringVarP(&a.flags.output, "output", "o", "-", "write to `file`, whole or not at all; - is stdout")
	f.StringVar(&a.flags.logLevel, "log-level", "info", "debug, info, warn or error")
	f.BoolVarP(&a.flags.quiet, "quiet", "q", false, "only errors on stderr")
	f.BoolVarP(&a.flags.verbose, "verbose", "v", false, "more on stderr")
	f.StringVar(&a.flags.color, "color", "auto", "auto, always or never")
	f.BoolVar(&a.flags.noProgress, "no-progress", false, "a line a minute, no progress bar")
	f.DurationVar(&a.flags.lockWait, "lock-wait", 30*time.Second, "how `long` to wait for another run")
	f.StringVar(&a.flags.summaryFile, "summary-file", "", "write the run's account to `file`, as JSON")
	f.StringVar(&a.flags.metricsFile, "metrics-file", "", "write metrics to `file`, as OpenMetrics text")
	f.StringVar(&a.flags.mapExit, "map-exit", "", "end with other statuses: `6=0,12=99`")

	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(cmd, err) })
	root.SetUsageTemplate(usageTemplate)
	root.AddCommand(
		newDemo(a), newPull(a), newImport(a), newPlan(a),
		newReport(a), newDecide(a), newDecisions(a), newExport(a), newSimulate(a),
		newStatus(a), newRejects(a), newExperiments(a), newQuery(a), newDoctor(a),
		newRepair(a), newProbe(a),
		newForget(a), newPurge(a), newKey(a),
		newVersion(a), newCompletion(a),
	)
	strictArgs(root)
	return root
}

// strictArgs gives every error about arguments the usage status.
func strictArgs(cmd *cobra.Command) {
	cmd.Flags().SortFlags = false
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usage(cmd, err)
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		strictArgs(sub)
	}
}

// prepare turns flags, environment and file into settings before any command runs.
func (a *app) prepare(cmd *cobra.Command) error {
	a.summary.Command = strings.TrimPrefix(cmd.CommandPath(), "keyramp ")
	if !slices.Contains([]string{"auto", "always", "never"}, a.flags.color) {
		return usage(cmd, fmt.Errorf("--color %s: it is auto, always or never", a.flags.color))
	}
	var err error
	if a.exits, err = parseExitMap(a.flags.mapExit); err != nil {
		return usage(cmd, err)
	}
	if err := a.checkNumbers(cmd); err != nil {
		return err
	}
	a.outStyle = a.styleFor(a.out, a.flags.color)
	a.errStyle = a.styleFor(a.errw, a.flags.color)

	var level slog.Level
	if err := level.UnmarshalText([]byte(a.flags.logLevel)); err != nil {
		return usage(cmd, fmt.Errorf("--log-level %s: it is debug, info, warn or error", a.flags.logLevel))
	}
	if a.flags.verbose {
		level = slog.LevelDebug
	}
	if a.flags.quiet {
		level = slog.LevelError
	}
	a.log = newLogger(a.errw, level, &a.hide)

	switch cmd.Name() {
	case "version", "completion", "demo", "doctor", "probe": // a broken file cannot stop these: they read no settings, or tell what is wrong with them
		return nil
	}
	a.measured = true
	if a.settings, err = a.loadSettings(cmd); err != nil {
		return err
	}
	switch cmd.Name() {
	case "pull":
		if err := a.settings.reaches(cmd.Flags().Args()); err != nil {
			return err
		}
		fallthrough
	case "retry":
		return a.loadSecrets(&a.settings)
	}
	return nil
}

// checkNumbers refuses what every comparison lets pass: no number, and a wait that is over before it begins.
func (a *app) checkNumbers(cmd *cobra.Command) error {
	for _, name := range []string{"rate", "max-reject-ratio"} {
		if v, err := cmd.Flags().GetFloat64(name); err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			return usage(cmd, fmt.Errorf("--%s %v: a number is expected", name, v))
		}
	}
	if a.flags.lockWait < 0 {
		return usage(cmd, fmt.Errorf("--lock-wait %v: it is 0 or more", a.flags.lockWait))
	}
	return nil
}

// format is the chosen output format; fallback serves when none was chosen.
// The first of allowed that is asked for wins; another one is a usage error.
func (a *app) format(cmd *cobra.Command, fallback string, allowed ...string) (string, error) {
	f := a.flags.format
	if f == "" {
		f = a.env["KEYRAMP_FORMAT"]
	}
	if f == "" {
		return fallback, nil
	}
	if !slices.Contains(allowed, f) {
		return "", usage(cmd, fmt.Errorf("--format %s: %s knows %s", f, cmd.Name(), strings.Join(allowed, ", ")))
	}
	return f, nil
}

// documentFormat is table for a person and JSON for a program.
func (a *app) documentFormat() string {
	if a.toStdout() && isTerminal(a.out) {
		return "table"
	}
	return "json"
}

// storeDir is the folder of the store, as an absolute path where possible, so
// that messages name one place.
func (a *app) storeDir() string {
	if abs, err := filepath.Abs(a.settings.Store); err == nil {
		return abs
	}
	return a.settings.Store
}
