package main

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"keyramp/analysis"
	"keyramp/fixtures/tenant"
)

// A story is a simulated tenant with a store that is filled through the real
// commands, as a team would fill it.
type story struct {
	t      *testing.T
	world  *tenant.World
	server *tenant.Server
	store  string
	env    []string
	begun  bool
}

// tell makes the world of a config and a server for it.
func tell(t *testing.T, c tenant.Config) *story {
	t.Helper()
	w := tenant.New(c)
	s := tenant.NewServer(w, tenant.ServerOptions{Now: w.End()})
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	dir := t.TempDir()
	return &story{t: t, world: w, server: s, store: dir + "/store", env: []string{
		"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "CI=true",
		"AUTH0_DOMAIN=" + s.URL(), "AUTH0_CLIENT_ID=" + s.ClientID, "AUTH0_CLIENT_SECRET=" + s.ClientSecret,
		"KEYRAMP_PAGE_URL=" + s.PageURL(), "KEYRAMP_PAGE_TOKEN=" + s.PageToken,
	}}
}

// keyramp runs a command that must end with the given status and returns its output.
func (s *story) keyramp(want int, args ...string) string {
	s.t.Helper()
	var out, errw bytes.Buffer
	args = append(args, "--store", s.store)
	if got := run(context.Background(), s.env, args, strings.NewReader(""), &out, &errw); got != want {
		s.t.Fatalf("keyramp %s: exit %d, want %d\n%s", strings.Join(args, " "), got, want, &errw)
	}
	return out.String()
}

// pullAt moves the tenant's present and pulls what is new.
func (s *story) pullAt(t time.Time) {
	s.t.Helper()
	s.server.SetNow(t)
	args := []string{"pull", "--rate", "0"}
	if !s.begun {
		args = append(args, "--since", s.world.Start().Add(-time.Hour).Format(time.RFC3339))
	}
	s.begun = true
	s.keyramp(0, args...)
}

// pullWeekly pulls once a week, half a day after the weights may have changed, and at the end.
func (s *story) pullWeekly() {
	for t := s.world.Start().Add(12 * time.Hour); t.Before(s.world.End()); t = t.AddDate(0, 0, 7) {
		s.pullAt(t)
	}
	s.pullAt(s.world.End().Add(3 * time.Hour))
}

// weigh returns the report and the decision as of the end of the world.
func (s *story) weigh() (analysis.Report, analysis.Decision) {
	s.t.Helper()
	experiment := s.server.ExperimentIDs[len(s.server.ExperimentIDs)-1]
	var whole struct {
		Report   analysis.Report
		Decision analysis.Decision
	}
	out := s.keyramp(0, "report", experiment, "--as-of", s.world.End().Format(time.RFC3339), "--format", "json")
	if err := json.Unmarshal([]byte(out), &whole); err != nil {
		s.t.Fatal(err)
	}
	return whole.Report, whole.Decision
}

func flagged(r analysis.Report, name string) bool {
	return slices.ContainsFunc(r.Flags, func(f analysis.Flag) bool { return f.Name == name })
}

// quick is a world that is big enough for a verdict and small enough for a test.
func quick(change func(*tenant.Config)) tenant.Config {
	c := tenant.Config{Seed: 7, Users: 6000, Days: 14, LoginsPerUserDay: 0.5, Success: 0.98, TreatmentEnroll: 0.25}
	if change != nil {
		change(&c)
	}
	return c
}

// Each planted trouble gets the verdict that the decision table gives it.
func TestVerdicts(t *testing.T) {
	for _, v := range []struct {
		name   string
		world  func(*tenant.Config)
		action analysis.Action
		reason string
		also   func(*testing.T, analysis.Report)
	}{
		{"a good prompt", nil, analysis.Ramp, "criteria_met", nil},
		{"a share defect", func(c *tenant.Config) { c.ShareDefect = 0.3 }, analysis.Investigate, "sample_ratio_mismatch", nil},
		{"five points fewer logins", func(c *tenant.Config) { c.TreatmentSuccessDelta = -0.05 },
			analysis.RollBack, "login_success_drop", nil},
		{"failures without metadata", func(c *tenant.Config) { c.FailureMetadata = tenant.Absent },
			analysis.Ramp, "criteria_met", func(t *testing.T, r analysis.Report) {
				for _, a := range r.Attribution {
					if a.Type == "fp" && (a.Event != 0 || a.Transaction+a.Session == 0 || a.Subject == 0) {
						t.Errorf("fp without metadata is attributed as %+v", a)
					}
				}
			}},
		{"failures that say nothing", func(c *tenant.Config) { c.FailureMetadata = tenant.Anonymous },
			analysis.Investigate, "guardrail_unavailable", nil},
		{"a page that knows nobody", func(c *tenant.Config) { c.LogEnrollments = tenant.None },
			analysis.Ramp, "criteria_met", func(t *testing.T, r analysis.Report) {
				if r.EnrollmentSignal != analysis.SignalUnlinked || !flagged(r, "enrollment_unlinked") {
					t.Errorf("signal %s, flags %v", r.EnrollmentSignal, r.Flags)
				}
				e := r.Comparisons[0].Evidence // and nobody enrolls in control
				if e.Enrollment.Control.Numerator != 0 || e.RateRatio.Upper != nil || *e.RateRatio.Lower <= 1 {
					t.Errorf("control enrolled %d, rate ratio %+v", e.Enrollment.Control.Numerator, e.RateRatio)
				}
			}},
		{"a page that is the only one to know of enrollments", func(c *tenant.Config) {
			c.LogEnrollments, c.PageUserIDs = tenant.None, true
		}, analysis.Ramp, "criteria_met", func(t *testing.T, r analysis.Report) {
			if r.EnrollmentSignal != analysis.SignalPage {
				t.Errorf("signal %s", r.EnrollmentSignal)
			}
		}},
		{"segments", func(c *tenant.Config) { c.Allocation = "segment" }, analysis.Investigate, "not_randomised", nil},
		{"forced logins before the start", func(c *tenant.Config) {
			c.ForcedUsers, c.Start = 80, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
			c.Phases = []tenant.Phase{{At: c.Start.AddDate(0, 0, 4), Weight: 10}}
		}, analysis.Investigate, "forced_assignment", nil},
		{"forced logins that nothing tells from drawn ones", func(c *tenant.Config) { c.ForcedUsers = 150 },
			analysis.Investigate, "sample_ratio_mismatch", nil},
		{"a prompt that changes nothing", func(c *tenant.Config) { c.TreatmentEnroll = tenant.Never },
			analysis.Hold, "enrollment_not_proven", nil},
	} {
		t.Run(v.name, func(t *testing.T) {
			s := tell(t, quick(v.world))
			s.pullAt(s.world.End().Add(3 * time.Hour))
			r, d := s.weigh()
			if d.Action != v.action || d.Reason != v.reason {
				t.Errorf("decision %s because of %v, want %s because of %s", d.Action, d.Reasons, v.action, v.reason)
			}
			if v.also != nil {
				v.also(t, r)
			}
			status := map[analysis.Action]int{analysis.Ramp: exitOK, analysis.Hold: exitHold,
				analysis.RollBack: exitRollBack, analysis.Investigate: exitInvestigate}
			s.keyramp(status[v.action], "decide", "--exit-code", "--as-of", s.world.End().Format(time.RFC3339))
			s.compare(r)
		})
	}
}

// compare checks the report's counts against what happened.
func (s *story) compare(r analysis.Report) {
	s.t.Helper()
	truth := s.world.Truth()
	experiment := truth.Experiments[len(truth.Experiments)-1]
	for _, row := range r.Recipe.Variations {
		var logins, completed int
		add := func(v tenant.VariationTruth) {
			if v.ID == row.Variation {
				logins, completed = logins+v.Successes, completed+v.Page["completed"]
			}
		}
		for _, p := range experiment.Phases {
			add(p.Variations[0])
			add(p.Variations[1])
		}
		add(experiment.Outside[0])
		add(experiment.Outside[1])
		if row.Logins != int64(logins) || row.Enrollments != int64(completed) {
			s.t.Errorf("%s: %d logins and %d completed, the truth is %d and %d",
				row.Variation, row.Logins, row.Enrollments, logins, completed)
		}
	}
}

// Pooling over a ramp with drifting base rates invents an effect; strata do not.
func TestThreePhaseRamp(t *testing.T) {
	start := time.Date(2026, 8, 2, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return start.AddDate(0, 0, n) }
	world := func(change func(*tenant.Config)) tenant.Config {
		c := tenant.Config{Seed: 11, Users: 8000, Days: 28, LoginsPerUserDay: 0.2, Start: start,
			Phases:        []tenant.Phase{{At: day(0), Weight: 10}, {At: day(14), Weight: 25}, {At: day(21), Weight: 50}},
			ControlEnroll: 0.01, TreatmentEnroll: tenant.Never,
			Drift: []float64{1, 2, 4}, DriftSuccess: []float64{0, -0.02, -0.04}}
		change(&c)
		return c
	}

	t.Run("no effect", func(t *testing.T) {
		s := tell(t, world(func(*tenant.Config) {}))
		s.pullWeekly()
		r, d := s.weigh()
		c := r.Comparisons[0]
		diff := c.Enrollment.Difference
		if *diff.Lower > 0 || *diff.Upper < 0 {
			t.Errorf("the interval [%v, %v] does not hold the planted effect, 0", *diff.Lower, *diff.Upper)
		}
		if ok := c.Success.Difference; *ok.Lower > 0 || *ok.Upper < 0 {
			t.Errorf("login success: the interval [%v, %v] does not hold the planted effect, 0", *ok.Lower, *ok.Upper)
		}
		if c.Pooled == nil || *c.Pooled < 2**diff.Diff || *c.Pooled < 0.005 {
			t.Errorf("pooled difference %v beside the stratified %v: the drift should show in the pooled one", *c.Pooled, *diff.Diff)
		}
		if d.Action == analysis.Ramp || d.Action == analysis.RollBack && d.Reason != "no_meaningful_benefit" {
			t.Errorf("decision %s because of %v", d.Action, d.Reasons)
		}
		if len(r.Phases) != 3 || flagged(r, "weights_unknown") || flagged(r, "sample_ratio_mismatch") {
			t.Errorf("phases %+v, flags %+v", r.Phases, r.Flags)
		}
		s.compareStrata(r)
		text := s.keyramp(0, "report", "--as-of", s.world.End().Format(time.RFC3339), "--format", "table")
		if !strings.Contains(text, "simpson_reversal") && !strings.Contains(text, "Pooled over phases") {
			t.Errorf("the report does not set the pooled difference beside the stratified one:\n%s", text)
		}
	})

	t.Run("an effect", func(t *testing.T) {
		s := tell(t, world(func(c *tenant.Config) { c.TreatmentEnroll = 0.2 }))
		s.pullWeekly()
		r, _ := s.weigh()
		s.compareStrata(r)
		diff := r.Comparisons[0].Enrollment.Difference
		// The planted effect of the world at large: the same one with five times the people.
		large := tell(t, world(func(c *tenant.Config) { c.TreatmentEnroll, c.Users, c.Seed = 0.2, 40_000, 12 }))
		if planted := stratified(large.world.Truth(), r); planted < *diff.Lower || planted > *diff.Upper {
			t.Errorf("the interval [%v, %v] does not hold the planted effect %v", *diff.Lower, *diff.Upper, planted)
		}
	})
}

// Two prompts against one control: each is counted and judged by itself, at half of the error.
func TestSeveralPrompts(t *testing.T) {
	s := tell(t, tenant.Config{Seed: 31, Users: 6000, Days: 14, LoginsPerUserDay: 0.4, PageUserIDs: true, Success: 0.98,
		Phases: []tenant.Phase{{At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}},
		Arms:   []tenant.Arm{{Name: "quiet prompt", Weights: []int{20}, Enroll: 0.25}, {Name: "loud prompt", Weights: []int{20}, Enroll: 0.25, SuccessDelta: -0.1}}})
	s.pullWeekly()
	r, d := s.weigh()
	if len(r.Comparisons) != 2 || r.SampleRatio.Mismatch || flagged(r, "not_randomised") {
		t.Fatalf("%d comparisons, mismatch %v", len(r.Comparisons), r.SampleRatio.Mismatch)
	}
	verdicts := map[string]analysis.Action{}
	for _, v := range d.Treatments {
		verdicts[v.Treatment.Name] = v.Action
	}
	if verdicts["loud prompt"] != analysis.RollBack || verdicts["quiet prompt"] == analysis.RollBack || d.Action != verdicts["quiet prompt"] ||
		len(d.AlsoRollBack) != 1 || d.AlsoRollBack[0].Name != "loud prompt" {
		t.Errorf("%v, together %s, also %v", verdicts, d.Action, d.AlsoRollBack)
	}
	told := 0
	for _, c := range r.Comparisons {
		if c.Alpha != r.Plan.Alpha/2 || c.CurrentShare == nil || *c.CurrentShare != 0.2 {
			t.Errorf("%s: alpha %v, share %v", c.Treatment.Name, c.Alpha, c.CurrentShare)
		}
		for _, want := range s.world.Truth().StrataAny {
			for _, got := range c.Strata {
				subjects, enrolled := got.TreatmentSubjects, got.TreatmentEnrolled
				switch {
				case got.Phase != want.Phase || got.Origin != want.Origin:
					continue
				case want.Control:
					subjects, enrolled = got.ControlSubjects, got.ControlEnrolled
				case want.VariationID != c.Treatment.ID:
					continue
				}
				told++
				if subjects != int64(want.Users-want.EnrolledBefore) || enrolled != int64(want.Enrolled) {
					t.Errorf("%s: %d people, %d enrolled; the truth is %+v", c.Treatment.Name, subjects, enrolled, want)
				}
			}
		}
	}
	if told != 4 {
		t.Errorf("%d variations were compared with the truth, want 2 twice", told)
	}
}

// stratified is the Mantel-Haenszel difference of a truth over the strata that a report used.
func stratified(truth tenant.Truth, r analysis.Report) float64 {
	type arms struct{ n, y [2]float64 }
	strata := map[[2]int]*arms{}
	for _, s := range truth.StrataAny {
		k := [2]int{s.Phase, s.Origin}
		if strata[k] == nil {
			strata[k] = &arms{}
		}
		arm := 1
		if s.Control {
			arm = 0
		}
		strata[k].n[arm] += float64(s.Users - s.EnrolledBefore)
		strata[k].y[arm] += float64(s.Enrolled)
	}
	var sum, weights float64
	for _, use := range r.Strata {
		a := strata[[2]int{use.Phase, use.Origin}]
		if !use.InDifference || a == nil || a.n[0] == 0 || a.n[1] == 0 {
			continue
		}
		w := a.n[0] * a.n[1] / (a.n[0] + a.n[1])
		sum += w * (a.y[1]/a.n[1] - a.y[0]/a.n[0])
		weights += w
	}
	return sum / weights
}

// compareStrata checks each stratum of a comparison against what happened.
func (s *story) compareStrata(r analysis.Report) {
	s.t.Helper()
	seen := 0
	for _, want := range s.world.Truth().StrataAny {
		for _, got := range r.Comparisons[0].Strata {
			if got.Phase != want.Phase || got.Origin != want.Origin {
				continue
			}
			seen++
			subjects, enrolled := got.TreatmentSubjects, got.TreatmentEnrolled
			if want.Control {
				subjects, enrolled = got.ControlSubjects, got.ControlEnrolled
			}
			if subjects != int64(want.Users-want.EnrolledBefore) || enrolled != int64(want.Enrolled) {
				s.t.Errorf("phase %d, origin %d, control %v: %d subjects and %d enrolled, the truth is %d and %d",
					want.Phase, want.Origin, want.Control, subjects, enrolled, want.Users-want.EnrolledBefore, want.Enrolled)
			}
		}
	}
	if seen == 0 {
		s.t.Error("no stratum was compared")
	}
}
