package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"keyramp/analysis"
	"keyramp/fixtures/tenant"
)

// simulate runs a simulate command without a terminal and reads its result.
func simulate(t *testing.T, ctx context.Context, want int, args string) tally {
	t.Helper()
	dir := t.TempDir()
	env := []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "CI=true"}
	var out, errw bytes.Buffer
	begun := time.Now()
	if got := run(ctx, env, strings.Fields("simulate "+args+" --format json"), strings.NewReader(""), &out, &errw); got != want {
		t.Fatalf("simulate %s: exit %d, want %d\n%s", args, got, want, &errw)
	}
	var result tally
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &result); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%s: %d runs in %v", args, result.Runs, time.Since(begun).Round(time.Millisecond))
	return result
}

// of finds an outcome.
func (t tally) of(verdict, reason string) tallyOutcome {
	for _, o := range t.Outcomes {
		if o.Verdict == verdict && o.Reason == reason {
			return o
		}
	}
	return tallyOutcome{}
}

// Experiments without an effect are run whole, from events to verdicts. The
// bounds are generous: a method with the wrong error rate errs in a third of
// the runs and more; the exact rates need the long test, or the command itself.
func TestSimulateAA(t *testing.T) {
	runs, size := 12, []string{"--people 700 --days 7", "--people 700 --days 2,2,3", "--people 700 --days 4"}
	if os.Getenv("KEYRAMP_LONG") != "" {
		runs, size = 300, []string{"--people 3000 --days 28", "--people 3000 --days 14,7,14", "--people 3000 --days 28"}
	}
	for i, c := range []struct{ name, args string }{
		{"one phase", "--weights 10"},
		{"a ramp while base rates drift", "--weights 10,25,50 --drift"},
		{"one percent", "--weights 1"},
	} {
		r := simulate(t, context.Background(), exitOK, fmt.Sprintf("aa --runs %d --icc 0.25 %s %s", runs, c.args, size[i]))
		if r.Runs != runs {
			t.Fatalf("%s: %d runs of %d", c.name, r.Runs, runs)
		}
		for _, o := range r.Outcomes {
			if o.Limit != nil && o.Lower > *o.Limit {
				t.Errorf("%s: %s %s in %d of %d runs, stated is %v", c.name, o.Verdict, o.Reason, o.Runs, runs, *o.Limit)
			}
		}
	}
}

// A large effect is found. A gain that is worth less than the plan asks for does not ramp.
func TestSimulatePower(t *testing.T) {
	r := simulate(t, context.Background(), exitOK, "power --runs 6 --people 4000 --days 4 --weights 50 --gain 0.1 --drop 0.1")
	if o := r.of("ROLL_BACK", "login_success_drop"); o.Runs != r.Runs || o.Limit != nil {
		t.Errorf("a drop of 10 points: %+v", o)
	}
	if len(r.Predictions) != 3 {
		t.Fatalf("%d predictions", len(r.Predictions))
	}
	for _, f := range r.Predictions {
		if f.Planned == nil || *f.Planned < 0.9 || f.Share < 0.8 {
			t.Errorf("%+v", f)
		}
	}
	if e := r.Predictions[0].Effect; e < 0.06 || e > 0.12 {
		t.Errorf("planted 0.1, measured %v", e)
	}
}

// The same seed gives the same result on any number of cores; another seed gives another one.
func TestSimulateSeed(t *testing.T) {
	args := "aa --runs 2 --people 200 --days 2 --weights 50"
	strip := func(r tally) tally { r.Seconds = 0; return r }
	one := strip(simulate(t, context.Background(), exitOK, args+" --workers 1"))
	if two := strip(simulate(t, context.Background(), exitOK, args+" --workers 2")); !reflect.DeepEqual(one, two) {
		t.Errorf("one core gave\n%+v, two\n%+v", one, two)
	}
	if other := strip(simulate(t, context.Background(), exitOK, args+" --seed 2")); other.Events == one.Events {
		t.Error("another seed gave as many events")
	}
}

// A stopped simulation prints what it has, says how much that is, and leaves nothing behind.
func TestSimulateStopped(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	ctx, stop := context.WithCancelCause(context.Background())
	time.AfterFunc(1500*time.Millisecond, func() { stop(signalError{2}) })
	r := simulate(t, ctx, exitInterrupt, "aa --runs 100000 --people 50 --days 1")
	if r.Runs < 1 || r.Runs == r.Asked {
		t.Errorf("%d of %d runs", r.Runs, r.Asked)
	}
	left, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if strings.HasPrefix(f.Name(), "keyramp-simulate") {
			t.Errorf("%s is left", f.Name())
		}
	}
}

// A real store's control subjects live their lives once more, under new assignments.
func TestSimulateOwn(t *testing.T) {
	s := tell(t, quick(func(c *tenant.Config) { c.Users, c.Days = 1500, 7 }))
	s.pullWeekly()
	var r tally
	if err := json.Unmarshal([]byte(s.keyramp(exitOK, strings.Fields("simulate aa --own --runs 2 --weights 20 --format json")...)), &r); err != nil {
		t.Fatal(err)
	}
	report, _ := s.weigh()
	control := report.Comparisons[0].Success.Control
	if !r.Own || r.Runs != 2 || r.Success != nil || len(r.Days) != 1 || r.Days[0] < 6 || r.Days[0] > 8 {
		t.Errorf("%+v", r)
	}
	// People who met treatment on another device are left out; nobody else is.
	if n := float64(r.People) / float64(control.Subjects); n < 0.85 || n > 1 {
		t.Errorf("%d people, control has %d", r.People, control.Subjects)
	}
	recipe := report.Recipe.Variations[slices.IndexFunc(report.Recipe.Variations, func(v analysis.RecipeRow) bool { return v.Control })]
	if share := float64(r.Events) / 2 / float64(recipe.Logins); share < 0.8 || share > 1.2 {
		t.Errorf("%d events in two runs, control logged in %d times", r.Events, recipe.Logins)
	}
	if o := r.of("RAMP", ""); o.Runs > 0 {
		t.Errorf("%+v", o)
	}
}

// What cannot be simulated is told before anything runs.
func TestSimulateUsage(t *testing.T) {
	for _, args := range []string{
		"aa --weights 10,25", "aa --weights 0", "aa --weights 100", "aa --days 0", "aa --runs 0", "aa --people 0",
		"aa --success 1.5", "aa exp_1", "aa --own --drift", "power --gain 0", "power --drop 0.96", "aa --gain 0.1", "aa --workers 0",
	} {
		simulate(t, context.Background(), exitUsage, args)
	}
}
