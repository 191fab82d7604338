package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"keyramp/analysis"
	"keyramp/fixtures/tenant"
)

// A roll is a ramp as a team lives it: every morning pull, report and decide; when the decision says so, the calls that
// it hands over are made at the tenant.
type roll struct {
	*story
	t        *testing.T
	settings string // file
	went     []string
	steps    []string // what was changed at the tenant
}

func newRoll(t *testing.T, c tenant.Config) *roll {
	s := tell(t, c)
	r := &roll{story: s, t: t, settings: filepath.Join(t.TempDir(), "keyramp.yaml")}
	r.write("plan: {min_dwell_days: 14, risk_budget: 0.03, margin_cap: 0.06}\n")
	return r
}

func (r *roll) write(text string) {
	if err := os.WriteFile(r.settings, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// experiment is the one that runs.
func (r *roll) experiment() string {
	ids := r.server.World().ExperimentIDs()
	return ids[len(ids)-1]
}

// morning pulls at a time, holds the report against the truth and returns the decision and the summary of the pull.
func (r *roll) morning(at time.Time) (d analysis.Decision, pulled summary) {
	r.t.Helper()
	r.server.SetNow(at)
	file := filepath.Join(r.t.TempDir(), "summary.json")
	args := []string{"pull", "-c", r.settings, "--rate", "0", "--summary-file", file}
	if !r.begun {
		args = append(args, "--since", r.world.Start().Add(-time.Hour).Format(time.RFC3339))
	}
	r.begun = true
	r.keyramp(0, args...)
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, &pulled)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	asOf := at.Format(time.RFC3339)
	var whole struct {
		Report   analysis.Report
		Decision analysis.Decision
	}
	if err := json.Unmarshal([]byte(r.keyramp(0, "report", r.experiment(), "-c", r.settings, "--as-of", asOf, "-f", "json")), &whole); err != nil {
		r.t.Fatal(err)
	}
	r.compareAt(whole.Report, at)
	if err := json.Unmarshal([]byte(r.keyramp(0, "decide", r.experiment(), "-c", r.settings, "--as-of", asOf, "-f", "json")), &d); err != nil {
		r.t.Fatal(err)
	}
	return d, pulled
}

// compareAt checks the counts of a report, over all experiments of the ramp, against what had happened.
func (r *roll) compareAt(report analysis.Report, at time.Time) {
	r.t.Helper()
	truth := r.server.World().TruthAt(at)
	if report.Exposure == nil || report.Exposure.Reading != analysis.Participation { // else some strata hold people who were never drawn
		for _, want := range truth.StrataAny {
			for _, c := range report.Comparisons {
				for _, got := range c.Strata {
					if got.Phase != want.Phase || got.Origin != want.Origin {
						continue
					}
					subjects, enrolled := got.TreatmentSubjects, got.TreatmentEnrolled
					if want.Control {
						subjects, enrolled = got.ControlSubjects, got.ControlEnrolled
					}
					if subjects != int64(want.Users-want.EnrolledBefore) || enrolled != int64(want.Enrolled) {
						r.t.Errorf("%s: phase %d, origin %d, control %v: %d subjects and %d enrolled, the truth is %d and %d", at.Format("Jan 2"),
							want.Phase, want.Origin, want.Control, subjects, enrolled, want.Users-want.EnrolledBefore, want.Enrolled)
					}
				}
			}
		}
	}
	logins, completed := map[string]int{}, map[string]int{}
	for _, e := range truth.Experiments {
		add := func(v tenant.VariationTruth) {
			logins[v.ID] += v.Successes
			completed[v.ID] += v.Page["completed"]
		}
		for _, p := range e.Phases {
			for _, v := range p.Variations {
				add(v)
			}
		}
		for _, v := range e.Outside {
			add(v)
		}
	}
	for _, row := range report.Recipe.Variations {
		if row.Logins != int64(logins[row.Variation]) || row.Enrollments != int64(completed[row.Variation]) {
			r.t.Errorf("%s: %s: %d logins and %d completed, the truth is %d and %d", at.Format("Jan 2"),
				row.Name, row.Logins, row.Enrollments, logins[row.Variation], completed[row.Variation])
		}
	}
}

// handOver asks for the next calls.
func (r *roll) handOver(more ...string) (h analysis.Handover) {
	r.t.Helper()
	args := append([]string{"decide", r.experiment(), "-c", r.settings, "--emit", "json", "--as-of", r.server.Now().Format(time.RFC3339)}, more...)
	if err := json.Unmarshal([]byte(r.keyramp(0, args...)), &h); err != nil {
		r.t.Fatal(err)
	}
	return h
}

// carryOut makes the calls of a handover at the tenant, as its reader would: it stops at the first refusal and lets the
// experiment go on.
func (r *roll) carryOut(h analysis.Handover) (refused string) {
	r.t.Helper()
	token, made, paused := r.server.OperatorToken(), map[string]string{}, false
	call := func(c analysis.Call) (status int, answer map[string]any) {
		body, err := json.Marshal(c.Body)
		if err != nil {
			r.t.Fatal(err)
		}
		path := c.Path
		for word, id := range made {
			path = strings.ReplaceAll(path, word, id)
		}
		req, err := http.NewRequest(c.Method, r.server.URL()+path, bytes.NewReader(body))
		if err != nil {
			r.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			r.t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			r.t.Fatal(err)
		}
		return resp.StatusCode, answer
	}
	for _, c := range h.Calls {
		status, answer := call(c)
		if status >= 300 || c.Valid && answer["is_valid"] != true {
			if paused {
				for _, back := range h.Back {
					if status, answer := call(back); status >= 300 {
						r.t.Errorf("%s %s: %d %v", back.Method, back.Path, status, answer)
					}
				}
			}
			return fmt.Sprintf("%s %s: %d %v", c.Method, c.Path, status, answer["errorCode"])
		}
		if c.Makes != "" {
			made[c.Makes] = answer["id"].(string)
		}
		if body, _ := c.Body.(map[string]any); body["status"] == "paused" {
			paused = true
		}
	}
	if id := made[analysis.NewID]; id != "" {
		old, err := os.ReadFile(r.settings)
		if err != nil {
			r.t.Fatal(err)
		}
		text := string(old)
		if !strings.Contains(text, "experiments:") {
			text += "experiments:\n"
		}
		r.write(text + "  " + id + ": {continues: [" + strings.Join(r.server.World().ExperimentIDs()[:len(r.server.World().ExperimentIDs())-1], ", ") + "]}\n")
	}
	return ""
}

// live goes on until the world ends, morning by morning or only on some days of a phase.
func (r *roll) live(first, last time.Time, mornings ...int) {
	r.t.Helper()
	begun := first
	for at := first; !at.After(last); at = at.AddDate(0, 0, 1) {
		if age := int(at.Sub(begun) / (24 * time.Hour)); len(mornings) > 0 && !slices.Contains(mornings, age) {
			continue
		}
		d, pulled := r.morning(at)
		r.went = append(r.went, fmt.Sprintf("%s %s %s", at.Format("Jan 2"), d.Action, strings.Join(d.Reasons, " ")))
		for _, c := range pulled.Confirmations {
			if !c.AsDecided {
				r.t.Errorf("%s: %+v", at.Format("Jan 2"), c)
			}
		}
		if r.stepped(d) {
			begun = at
			r.server.SetNow(at.Add(time.Minute))
			_, pulled := r.look(at.Add(2 * time.Minute))
			if len(pulled.Confirmations) == 0 || !pulled.Confirmations[len(pulled.Confirmations)-1].AsDecided {
				r.t.Errorf("%s: the next pull does not confirm what was decided: %+v", at.Format("Jan 2"), pulled.Confirmations)
			}
		}
	}
}

// look pulls alone.
func (r *roll) look(at time.Time) (string, summary) {
	r.t.Helper()
	r.server.SetNow(at)
	file := filepath.Join(r.t.TempDir(), "summary.json")
	r.keyramp(0, "pull", "-c", r.settings, "--rate", "0", "--summary-file", file)
	var pulled summary
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, &pulled)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return "", pulled
}

// stepped carries out what a decision recommends, and says whether that changed anything.
func (r *roll) stepped(d analysis.Decision) bool {
	r.t.Helper()
	if d.Action != analysis.Ramp && d.Action != analysis.RollBack {
		return false
	}
	h := r.handOver()
	refused := r.carryOut(h)
	if strings.Contains(refused, "experiment_field_not_editable") { // as the script then says
		h = r.handOver("--via", string(analysis.NewExperiment))
		refused = r.carryOut(h)
	}
	if refused != "" {
		r.t.Fatalf("%s was refused: %s", h.Option, refused)
	}
	if len(h.Calls) == 0 {
		return false
	}
	r.steps = append(r.steps, fmt.Sprintf("%s by %s", d.Action, h.Option))
	return true
}

func rampWorld(change func(*tenant.Config)) tenant.Config {
	c := tenant.Config{Seed: 7, Users: 3500, Days: 62, LoginsPerUserDay: 0.5, Success: 0.98, TreatmentEnroll: 0.25,
		Phases: []tenant.Phase{{At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Weight: 10}}}
	if change != nil {
		change(&c)
	}
	return c
}

// The whole story of a roll-out: 10 percent for two weeks, then 25, 50 and 100, by each of the three ways that a tenant
// knows; and a bad prompt that is rolled back. The calls are those that were handed over, each next pull confirms them,
// and at each morning the report counts what happened. Every decision comes out the same again, whatever came later.
func TestRamp(t *testing.T) {
	mornings := []int{1, 15, 22, 29, 36}
	if os.Getenv("KEYRAMP_LONG") != "" {
		mornings = nil // each
	}
	start := time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		world func(*tenant.Config)
		steps []string
	}{
		{"same experiment", nil, []string{"RAMP by same_experiment", "RAMP by same_experiment", "RAMP by same_experiment"}},
		{"new experiment", func(c *tenant.Config) { c.DraftAllocations = true },
			[]string{"RAMP by new_experiment", "RAMP by new_experiment", "RAMP by new_experiment"}},
		{"levels", func(c *tenant.Config) { c.Levels = []int{10, 25, 50, 100} },
			[]string{"RAMP by advance_ramp", "RAMP by advance_ramp", "RAMP by advance_ramp"}},
		{"levels of participation", func(c *tenant.Config) {
			c.Levels, c.Exposure, c.Users, c.Days = []int{30, 60, 100}, tenant.ExposureEnrolled, 6000, 32
			c.Phases[0].Weight = 30
		}, []string{"RAMP by advance_ramp", "RAMP by advance_ramp"}},
		{"a bad prompt", func(c *tenant.Config) { c.TreatmentSuccessDelta = -0.06 }, []string{"ROLL_BACK by pause"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRoll(t, rampWorld(c.world))
			r.live(start, r.world.End().AddDate(0, 0, -1), mornings...)
			if !slices.Equal(r.steps, c.steps) {
				t.Errorf("steps %q, want %q; the mornings were\n%s", r.steps, c.steps, strings.Join(r.went, "\n"))
			}
			// Nothing of the store but the record is read, and later data change nothing.
			for _, line := range strings.Split(strings.TrimSpace(r.keyramp(0, "decisions", "list", "-f", "csv")), "\n")[1:] {
				file := filepath.Join(t.TempDir(), "decision.json")
				id := strings.Split(line, ",")[1]
				r.keyramp(0, "decisions", "show", id, "-f", "json", "-o", file)
				elsewhere := &story{t: t, store: filepath.Join(t.TempDir(), "none"), env: []string{"HOME=" + t.TempDir()}}
				if out := elsewhere.keyramp(0, "decisions", "replay", file, "-f", "json"); !strings.Contains(out, `"identical": true`) {
					t.Errorf("%s does not come out the same:\n%s", id, out)
				}
			}
		})
	}
}
