package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"keyramp/analysis"
	"keyramp/fixtures/tenant"
)

// plant makes a world with a fault, pulls it, and returns what happened beside what is reported.
func plant(t *testing.T, settings string, change func(*tenant.Config)) (tenant.Truth, analysis.Report, analysis.Decision, *story) {
	t.Helper()
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	c := tenant.Config{Seed: 3, Users: 3000, Start: start, Days: 14, LoginsPerUserDay: 0.5, Success: 0.97, TreatmentEnroll: 0.25, PageUserIDs: true,
		Phases: []tenant.Phase{{At: start.AddDate(0, 0, 2), Weight: 30}}}
	change(&c)
	s := tell(t, c)
	if settings != "" {
		file := filepath.Join(t.TempDir(), "keyramp.yaml")
		if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
			t.Fatal(err)
		}
		s.env = append(s.env, "KEYRAMP_CONFIG="+file)
	}
	s.pullAt(s.world.End().Add(time.Hour))
	r, d := s.weigh()
	return s.world.Truth(), r, d, s
}

// flagOf returns a flag of a report, or an empty one.
func flagOf(r analysis.Report, name string) (count, of int64, blocking bool) {
	for _, f := range r.Flags {
		if f.Name == name {
			if f.Of != nil {
				of = *f.Of
			}
			if f.Count != nil {
				count = *f.Count
			}
			return count, of, f.Blocking
		}
	}
	return 0, 0, false
}

// Each fault that can be planted is found, and reported with its number.
func TestPlanted(t *testing.T) {
	t.Run("forged variation ids", func(t *testing.T) {
		truth, r, _, _ := plant(t, "", func(c *tenant.Config) { c.ForgedPage = 0.1 })
		edited, of, blocking := flagOf(r, "page_edited_ids")
		if truth.PageForged == 0 || truth.PageUnknown == 0 || edited != int64(truth.PageForged) || of != int64(truth.PageEvents) || blocking {
			t.Errorf("%d of %d edited (blocking %v), the truth is %d of %d", edited, of, blocking, truth.PageForged, truth.PageEvents)
		}
		clean, honest, _, _ := plant(t, "", func(*tenant.Config) {})
		if n, _, _ := flagOf(honest, "page_edited_ids"); n != 0 || clean.PageForged != 0 {
			t.Errorf("%d edited where nothing was", n)
		}
		// They change no number of the comparison.
		a, b := r.Comparisons[0].Enrollment, honest.Comparisons[0].Enrollment
		if a.Treatment.Numerator != b.Treatment.Numerator || a.Control.Numerator != b.Control.Numerator {
			t.Errorf("forged ids change who enrolled: %+v, without them %+v", a, b)
		}
	})
	t.Run("forged ids on a page that knows nobody", func(t *testing.T) {
		truth, r, d, _ := plant(t, "", func(c *tenant.Config) {
			c.ForgedPage, c.PageUserIDs, c.LogEnrollments = 0.1, false, tenant.None
		})
		if n, _, blocking := flagOf(r, "page_edited_ids"); n != int64(truth.PageForged) || !blocking || d.Action != analysis.Investigate {
			t.Errorf("%d edited (blocking %v), the truth is %d; %s", n, blocking, truth.PageForged, d.Action)
		}
	})
	t.Run("people in both arms", func(t *testing.T) {
		truth, r, _, _ := plant(t, "", func(*tenant.Config) {})
		want := truth.Experiments[0].Phases[0].UsersInBothArmsAny
		if got := r.Phases[0].Crossed; want == 0 || got != int64(want) {
			t.Errorf("%d people in two variations, the truth is %d", got, want)
		}
	})
	t.Run("shared devices", func(t *testing.T) {
		// The log names no device, so nobody can count them. People who share one are people all the same.
		truth, r, _, s := plant(t, "", func(c *tenant.Config) { c.SharedDevices = 0.2 })
		if truth.Experiments[0].Phases[0].SharedDevices == 0 || r.SampleRatio.Mismatch {
			t.Errorf("%d shared devices, mismatch %v", truth.Experiments[0].Phases[0].SharedDevices, r.SampleRatio.Mismatch)
		}
		s.compareStrata(r)
	})
	t.Run("pinned people", func(t *testing.T) {
		truth, r, d, s := plant(t, "", func(c *tenant.Config) { c.ForcedUsers = 60 })
		seen := forcedBefore(s)
		if n, _, blocking := flagOf(r, "forced_assignment"); seen == 0 || n != int64(seen) || !blocking || d.Action != analysis.Investigate {
			t.Errorf("%d forced (blocking %v), %d were seen while nothing was assigned; %s", n, blocking, seen, d.Action)
		}
		if truth.Organic == nil {
			t.Error("no forced login")
		}
	})
	t.Run("a pinned client", func(t *testing.T) {
		client := tenant.New(tenant.Config{Users: 1, Days: 1, TestClient: true}).TestClientID()
		truth, r, _, _ := plant(t, "test_traffic: {clients: ["+client+"]}\n", func(c *tenant.Config) { c.TestClient = true })
		if n, _, blocking := flagOf(r, "forced_assignment"); n != 1 || blocking {
			t.Errorf("%d forced (blocking %v), one user is behind the client", n, blocking)
		}
		for _, c := range r.Comparisons[0].Strata {
			for _, want := range truth.Organic.StrataAny {
				if want.Phase == c.Phase && want.Origin == c.Origin && !want.Control && c.TreatmentSubjects != int64(want.Users-want.EnrolledBefore) {
					t.Errorf("%d treated people, %d without the test user", c.TreatmentSubjects, want.Users-want.EnrolledBefore)
				}
			}
		}
	})
	t.Run("a page that is down for a day", func(t *testing.T) {
		at := time.Date(2026, 11, 9, 0, 0, 0, 0, time.UTC)
		truth, r, d, _ := plant(t, "", func(c *tenant.Config) { c.PageDown = tenant.Outage{From: at, Until: at.AddDate(0, 0, 1)} })
		n, of, blocking := flagOf(r, "page_quiet")
		if truth.PageDown == 0 || n != 1 || of < 10 || !blocking || d.Action != analysis.Investigate {
			t.Errorf("%d of %d days quiet (blocking %v); %s; %d logins were lost", n, of, blocking, d.Action, truth.PageDown)
		}
		// No event tells of those who were sent there: how many is an estimate by the days around.
		var missing int
		for _, f := range r.Flags {
			if f.Name == "page_quiet" {
				fmt.Sscanf(regexp.MustCompile(`about \d+ fewer`).FindString(f.Words), "about %d fewer", &missing)
			}
		}
		if off := float64(missing - truth.PageDown); missing == 0 || math.Abs(off) > 3*math.Sqrt(float64(missing)) {
			t.Errorf("about %d prompts are missing, %d logins were lost", missing, truth.PageDown)
		}
	})
	t.Run("prompts that lose logins", func(t *testing.T) {
		truth, r, _, _ := plant(t, "", func(c *tenant.Config) { c.NeverReturn = 0.05 })
		lost, _, _ := flagOf(r, "lost_prompts")
		if truth.NeverReturned == 0 || lost != int64(truth.NeverReturned) {
			t.Errorf("%d lost prompts, the truth is %d", lost, truth.NeverReturned)
		}
	})
	t.Run("prompts that lose very many logins", func(t *testing.T) {
		// Whoever tries again within 30 minutes has not lost a login, or has lost one and not two.
		truth, r, _, s := plant(t, "", func(c *tenant.Config) { c.NeverReturn = 0.4 })
		lost, _, _ := flagOf(r, "lost_prompts")
		want, again := 0, 0
		for _, person := range s.lived(r.AsOf) {
			for i, shown := range person.shown {
				soon := func(t time.Time) bool { return !t.Before(shown) && t.Sub(shown) <= 30*time.Minute }
				if slices.ContainsFunc(person.logins, soon) || i+1 < len(person.shown) && soon(person.shown[i+1]) {
					again++
				} else {
					want++
				}
			}
		}
		if lost != int64(want) || want >= truth.NeverReturned || want < truth.NeverReturned*98/100 || again == 0 {
			t.Errorf("%d lost prompts, counted by hand %d of %d, and %d never returned", lost, want, want+again, truth.NeverReturned)
		}
	})
	t.Run("a share of treatment that never resolves", func(t *testing.T) {
		_, r, d, s := plant(t, "", func(c *tenant.Config) { c.LostTreatment = tenant.Lost(30, 24) })
		s.compareStrata(r)
		ratio := r.Comparisons[0].ExposureRatio
		if want := 24.0 / 76 * 70 / 30; !r.SampleRatio.Mismatch || ratio.Lower == nil || ratio.Upper == nil || *ratio.Upper >= 1 || *ratio.Lower >= want || *ratio.Upper <= want {
			t.Errorf("mismatch %v, %v of the treated people seen, want %.3f", r.SampleRatio.Mismatch, ratio, want)
		}
		if _, _, blocking := flagOf(r, "sample_ratio_mismatch"); !blocking || d.Action != analysis.Investigate {
			t.Errorf("%s %v", d.Action, d.Reasons)
		}
	})
	t.Run("pages of people in control and of another variation", func(t *testing.T) {
		// A second device has a variation of its own, and may be sent to the page.
		_, r, _, s := plant(t, "", func(*tenant.Config) {})
		control, _ := s.world.VariationIDs()
		page, of := 0, int64(0)
		for _, person := range s.lived(r.AsOf) {
			if of += int64(person.completed); person.first == control {
				page += person.completed
			}
		}
		if n, all, blocking := flagOf(r, "control_enrollment"); page == 0 || n != int64(page) || all != of || blocking {
			t.Errorf("%d of %d (blocking %v), counted by hand %d of %d", n, all, blocking, page, of)
		}
		if n, _, _ := flagOf(r, "page_variation_differs"); n != int64(page) {
			t.Errorf("%d name another variation, counted by hand %d", n, page)
		}
		c := r.Reconciliation
		if c == nil || c.OfControl != int64(page) || c.PageCompleted != of || c.Agreement == nil || *c.Agreement != 1 || c.Treatment.PageOnly+c.Control.PageOnly != 0 {
			t.Errorf("%+v", c)
		}
	})
	t.Run("enrollments that the log does not know", func(t *testing.T) {
		truth, r, _, _ := plant(t, "", func(c *tenant.Config) { c.LogEnrollments = tenant.SettingsOnly })
		n, of, _ := flagOf(r, "page_only_enrollments")
		if page, log := truth.Enrolled-truth.PasskeyEnrollments, truth.PasskeyEnrollments-truth.EnrolledUnexposed; page == 0 || n != int64(page) || of-n != int64(log) {
			t.Errorf("%d known to the page alone and %d to the log, the truth is %d and %d", n, of-n, page, log)
		}
	})
}

// forcedBefore counts the pinned people whom the log shows while the experiment assigned nothing.
func forcedBefore(s *story) int {
	s.t.Helper()
	var log bytes.Buffer
	if err := s.world.WriteLogs(&log, 0, s.world.Len(), tenant.NDJSON); err != nil {
		s.t.Fatal(err)
	}
	began, people := s.world.Config().Phases[0].At, map[string]bool{}
	pinned := s.world.ForcedUserIDs()
	for line := range bytes.Lines(log.Bytes()) {
		var e struct {
			Date    time.Time
			UserID  string `json:"user_id"`
			Details struct{ Experiment *struct{} }
		}
		if json.Unmarshal(line, &e) == nil && e.Details.Experiment != nil && e.Date.Before(began) && slices.Contains(pinned, e.UserID) {
			people[e.UserID] = true
		}
	}
	return len(people)
}

// A person is what the world's own log and page tell of one.
type person struct {
	first         string // variation of the first login that carries one
	logins, shown []time.Time
	completed     int
}

// lived reads the world up to a time as it wrote itself, without the store.
func (s *story) lived(until analysis.Time) map[string]*person {
	s.t.Helper()
	var log, page bytes.Buffer
	if err := errors.Join(s.world.WriteLogs(&log, 0, s.world.Len(), tenant.NDJSON), s.world.WritePage(&page, tenant.NDJSON)); err != nil {
		s.t.Fatal(err)
	}
	all := map[string]*person{}
	end := time.UnixMicro(int64(until))
	of := func(user string) *person {
		if all[user] == nil {
			all[user] = &person{}
		}
		return all[user]
	}
	type login struct {
		Type    string
		Date    time.Time
		UserID  string `json:"user_id"`
		Details struct {
			Experiment *struct {
				Variation string `json:"variation_id"`
			}
		}
	}
	var logins []login
	for line := range bytes.Lines(log.Bytes()) {
		var e login
		if json.Unmarshal(line, &e) == nil && e.Type == "s" && e.Date.Before(end) {
			logins = append(logins, e)
		}
	}
	slices.SortStableFunc(logins, func(a, b login) int { return a.Date.Compare(b.Date) })
	for _, e := range logins {
		p := of(e.UserID)
		p.logins = append(p.logins, e.Date)
		if e.Details.Experiment != nil && p.first == "" {
			p.first = e.Details.Experiment.Variation
		}
	}
	told := map[string]bool{}
	for line := range bytes.Lines(page.Bytes()) {
		var e struct {
			ID, Type string
			Time     time.Time
			Data     struct {
				UserID string `json:"user_id"`
			}
		}
		if err := json.Unmarshal(line, &e); err != nil {
			s.t.Fatal(err)
		}
		if !e.Time.Before(end) || told[e.ID] {
			continue // a page tells some events twice
		}
		told[e.ID] = true
		switch e.Type {
		case "passkey.enrollment.shown":
			of(e.Data.UserID).shown = append(of(e.Data.UserID).shown, e.Time)
		case "passkey.enrollment.completed":
			of(e.Data.UserID).completed++
		}
	}
	for _, p := range all {
		slices.SortFunc(p.shown, time.Time.Compare)
	}
	return all
}
