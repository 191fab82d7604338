package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"keyramp/analysis"
	"keyramp/queries/store"
)

// A metric is one family of the metrics file. docs/metrics.md has a row for each.
type metric struct{ name, kind, help string }

// The families, in the order of the file.
var (
	mExit     = metric{"keyramp_exit_status", "gauge", "Exit status of the last run, before --map-exit."}
	mSeconds  = metric{"keyramp_run_seconds", "gauge", "How long the last run took."}
	mRun      = metric{"keyramp_last_run_timestamp_seconds", "gauge", "When the last run began."}
	mSuccess  = metric{"keyramp_last_success_timestamp_seconds", "gauge", "When the last run began that ended with 0 or with a verdict."}
	mEvents   = metric{"keyramp_events", "gauge", "Records of a source over all runs, by what became of them; a retry or a removal moves them."}
	mLag      = metric{"keyramp_source_lag_seconds", "gauge", "How long ago the time lies up to which a source has been read."}
	mGaps     = metric{"keyramp_gap_seconds", "counter", "Stretches that a source no longer held."}
	mBytes    = metric{"keyramp_store_bytes", "gauge", "Size of the store's files."}
	mRate     = metric{"keyramp_variation_rate", "gauge", "Rate of a variation as a fraction of people (enrollment) or attempts (login_success)."}
	mShare    = metric{"keyramp_treatment_share", "gauge", "Treatment's share in force, as a fraction."}
	mDecision = metric{"keyramp_decision", "gauge", "1 for the verdict of the last decision, 0 for the others."}
	mFlags    = metric{"keyramp_flags", "gauge", "Flags about the data that are raised."}

	metrics = []metric{mExit, mSeconds, mRun, mSuccess, mEvents, mLag, mGaps, mBytes, mRate, mShare, mDecision, mFlags}
)

// A sample is one value of a family, with its labels as name, value, name, value.
type sample struct {
	of     metric
	labels []string
	value  float64
}

// The commands whose files tell of the store. A collector refuses a series that two files hold, so those of report and
// decide tell of their experiment alone.
var tellsOfStore = []string{"pull", "import", "status"}

// metricsWait is how long an account of the store may wait for another run: the files of this one are due.
const metricsWait = 2 * time.Second

// writeMetrics leaves what a monitor looks at, also of a failed run: OpenMetrics text without times, which a textfile
// collector of Prometheus takes as well. A run that ended before it had a command, with help or a wrong flag, leaves
// the file as it is.
func (a *app) writeMetrics(ctx context.Context, code int, began time.Time) {
	path := first(a.flags.metricsFile, a.env["KEYRAMP_METRICS_FILE"])
	if path == "" || !a.measured {
		return
	}
	command := []string{"command", a.summary.Command}
	out := []sample{
		{mExit, command, float64(code)}, {mSeconds, command, time.Since(began).Seconds()}, {mRun, command, seconds(micros(a.now))},
	}
	success, known := seconds(micros(a.now)), true
	if code != exitOK && code != exitHold && code != exitRollBack && code != exitInvestigate {
		success, known = lastSuccess(path, a.summary.Command)
	}
	if known {
		out = append(out, sample{mSuccess, command, success})
	}
	if slices.Contains(tellsOfStore, a.summary.Command) && code != exitBusy && code != exitInternal && a.exists() == nil {
		a.flags.lockWait = min(a.flags.lockWait, metricsWait)
		err := a.reading(context.WithoutCancel(ctx), func(ctx context.Context, db store.Store) error {
			status, err := db.Status(ctx)
			if err == nil {
				out = append(out, a.ofStore(status)...)
			}
			return err
		})
		if err != nil {
			a.log.Warn("the metrics lack those of the store", "why", err)
		}
	}
	if a.answered != nil {
		out = append(out, ofAnswer(a.answered, a.decided)...)
	}
	if err := writeShared(path, exposition(out)); err != nil {
		a.log.Warn("the metrics file was not written", "why", err)
	}
}

func seconds(t store.Micros) float64 { return float64(t) / 1e6 }

// lastSuccess reads when the command last succeeded from the file that is about to be replaced.
func lastSuccess(path, command string) (float64, bool) {
	old, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(old)) {
		if rest, ok := strings.CutPrefix(line, series(mSuccess, []string{"command", command})+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return v, err == nil
		}
	}
	return 0, false
}

func (a *app) ofStore(s *store.Status) (out []sample) {
	gaps := map[string]float64{}
	for _, g := range s.Gaps {
		gaps[g.Source] += seconds(g.Until - g.From)
	}
	accounts := map[string]store.Loaded{} // files together: there may be thousands
	isFile := func(source string) bool { return strings.HasPrefix(source, "file:") }
	for _, src := range s.Sources {
		name := src.Cursor.Source
		if isFile(name) {
			name = "file"
		}
		accounts[name] = accounts[name].Add(src.Account)
	}
	for _, source := range slices.Sorted(maps.Keys(accounts)) {
		l := accounts[source]
		for _, o := range []struct {
			outcome string
			n       int64
		}{{"stored", l.Stored}, {"duplicate", l.Duplicate}, {"filtered", l.Filtered}, {"rejected", l.Rejected}} {
			out = append(out, sample{mEvents, []string{"source", source, "outcome", o.outcome}, float64(o.n)})
		}
	}
	for _, src := range s.Sources {
		if isFile(src.Cursor.Source) {
			continue // a file has an end and does not lag
		}
		name := []string{"source", src.Cursor.Source}
		if w := src.Cursor.Watermark; w != 0 {
			out = append(out, sample{mLag, name, max(0, seconds(micros(a.now)-w))})
		}
		out = append(out, sample{mGaps, name, gaps[src.Cursor.Source]})
	}
	return append(out, sample{mBytes, nil, float64(s.Bytes)})
}

func ofAnswer(r *analysis.Report, d *analysis.Decision) (out []sample) {
	experiment := []string{"experiment", r.Experiment}
	with := func(more ...string) []string { return append(append([]string{}, experiment...), more...) }
	controls := map[string]bool{}
	rate := func(variation, of string, v *float64) {
		if v != nil {
			out = append(out, sample{mRate, with("variation", variation, "metric", of), *v})
		}
	}
	for _, c := range r.Comparisons {
		rate(c.Treatment.ID, "enrollment", c.Enrollment.Treatment.Rate)
		rate(c.Treatment.ID, "login_success", c.Success.Treatment.Rate)
		if !controls[c.Control.ID] { // every treatment is set against the same one
			controls[c.Control.ID] = true
			rate(c.Control.ID, "enrollment", c.Enrollment.Control.Rate)
			rate(c.Control.ID, "login_success", c.Success.Control.Rate)
		}
		if c.CurrentShare != nil {
			out = append(out, sample{mShare, with("variation", c.Treatment.ID), *c.CurrentShare})
		}
	}
	for _, v := range []analysis.Action{analysis.Ramp, analysis.Hold, analysis.RollBack, analysis.Investigate} {
		is := 0.0
		if d.Action == v {
			is = 1
		}
		out = append(out, sample{mDecision, with("verdict", string(v)), is})
	}
	blocking := map[bool]float64{}
	for _, f := range r.Flags {
		blocking[f.Blocking]++
	}
	return append(out, sample{mFlags, with("blocking", "true"), blocking[true]}, sample{mFlags, with("blocking", "false"), blocking[false]})
}

// exposition writes samples as OpenMetrics 1.0 text: each family once, its samples together.
func exposition(all []sample) []byte {
	var b bytes.Buffer
	for _, m := range metrics {
		begun := false
		for _, s := range all {
			if s.of != m {
				continue
			}
			if !begun {
				fmt.Fprintf(&b, "# TYPE %s %s\n# HELP %s %s\n", m.name, m.kind, m.name, m.help)
				begun = true
			}
			fmt.Fprintf(&b, "%s %s\n", series(m, s.labels), strconv.FormatFloat(s.value, 'g', -1, 64))
		}
	}
	b.WriteString("# EOF\n")
	return b.Bytes()
}

// series is the name of a sample with its labels.
func series(m metric, labels []string) string {
	name := m.name
	if m.kind == "counter" {
		name += "_total"
	}
	if len(labels) == 0 {
		return name
	}
	pairs := make([]string, 0, len(labels)/2)
	for i := 0; i+1 < len(labels); i += 2 {
		pairs = append(pairs, fmt.Sprintf(`%s="%s"`, labels[i], labelEscapes.Replace(labels[i+1])))
	}
	return name + "{" + strings.Join(pairs, ",") + "}"
}

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
