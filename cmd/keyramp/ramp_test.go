package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
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
			if len(pulled.Confirmations) == 0 || slices.ContainsFunc(pulled.Confirmations, func(c confirmation) bool { return !c.AsDecided }) {
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
	start := time.Date(2026, 8, 2, 0, 0, 0, 0, time.UTC)
	c := tenant.Config{Seed: 7, Users: 3500, Start: start, Days: 62, LoginsPerUserDay: 0.5, Success: 0.98, TreatmentEnroll: 0.25,
		Phases: []tenant.Phase{{At: start, Weight: 10}}}
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
	start := time.Date(2026, 8, 2, 6, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		world func(*tenant.Config)
		steps []string
		rule  analysis.Rule // of people who come back, where it can be told
	}{
		{"same experiment", nil, []string{"RAMP by same_experiment", "RAMP by same_experiment", "RAMP by same_experiment"}, ""},
		{"same experiment, one device", func(c *tenant.Config) { c.OneDevice = true },
			[]string{"RAMP by same_experiment", "RAMP by same_experiment", "RAMP by same_experiment"}, analysis.Nested},
		{"new experiment", func(c *tenant.Config) { c.DraftAllocations = true },
			[]string{"RAMP by new_experiment", "RAMP by new_experiment", "RAMP by new_experiment"}, analysis.Independent},
		{"levels", func(c *tenant.Config) { c.Levels = []int{10, 25, 50, 100} },
			[]string{"RAMP by advance_ramp", "RAMP by advance_ramp", "RAMP by advance_ramp"}, ""},
		{"levels of participation", func(c *tenant.Config) {
			c.Levels, c.Exposure, c.Users, c.Days = []int{30, 60, 100}, tenant.ExposureEnrolled, 6000, 32
			c.Phases[0].Weight = 30
		}, []string{"RAMP by advance_ramp", "RAMP by advance_ramp"}, ""},
		{"a bad prompt", func(c *tenant.Config) { c.TreatmentSuccessDelta = -0.06 }, []string{"ROLL_BACK by pause"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRoll(t, rampWorld(c.world))
			r.live(start, r.world.End().AddDate(0, 0, -1), mornings...)
			if c.rule != "" {
				r.returned(c.rule)
			}
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

// returned checks how the last report found that people got their variation when they came back. Buckets stay in one
// experiment, which shows where nobody has a second device, and a new experiment deals all anew.
func (r *roll) returned(want analysis.Rule) {
	r.t.Helper()
	var whole struct{ Report analysis.Report }
	out := r.keyramp(0, "report", r.experiment(), "-c", r.settings, "--as-of", r.server.Now().Format(time.RFC3339), "-f", "json")
	if err := json.Unmarshal([]byte(out), &whole); err != nil {
		r.t.Fatal(err)
	}
	returning, weight := 0, []float64{0, 0.10, 0.25, 0.50}
	for _, u := range whole.Report.Strata {
		if u.Origin == 0 || u.Phase > 3 { // at 100 % there is no control
			continue
		}
		share := weight[u.Phase]
		if want == analysis.Nested {
			share = (weight[u.Phase] - weight[u.Origin]) / (1 - weight[u.Origin])
		}
		if returning++; u.Rule != want || !u.InRatio || u.Share == nil || math.Abs(*u.Share-share) > 1e-12 {
			r.t.Errorf("phase %d, back from %d: %s (%d of %d still treated), share %v; want %s, %v", u.Phase, u.Origin, u.Rule, u.Still, u.Seen, u.Share, want, share)
		}
	}
	if returning != 3 || whole.Report.SampleRatio.Mismatch {
		r.t.Errorf("%d returning strata, mismatch %v", returning, whole.Report.SampleRatio.Mismatch)
	}
}

// atRamp is a roll whose decision says RAMP, to 25 percent.
func atRamp(t *testing.T, world func(*tenant.Config)) *roll {
	t.Helper()
	r := newRoll(t, rampWorld(func(c *tenant.Config) {
		c.Days = 12
		if world != nil {
			world(c)
		}
	}))
	r.write("plan: {risk_budget: 0.03, margin_cap: 0.06}\n")
	r.morning(time.Date(2026, 8, 3, 6, 0, 0, 0, time.UTC))
	if d, _ := r.morning(time.Date(2026, 8, 10, 6, 0, 0, 0, time.UTC)); d.Action != analysis.Ramp {
		t.Fatalf("%s %v", d.Action, d.Reasons)
	}
	return r
}

// sh runs the script that --emit curl writes.
func (r *roll) sh(more ...string) (code int, said string) {
	r.t.Helper()
	file := filepath.Join(r.t.TempDir(), "ramp.sh")
	r.keyramp(0, append([]string{"decide", r.experiment(), "-c", r.settings, "--emit", "curl", "-o", file, "--as-of", r.server.Now().Format(time.RFC3339)}, more...)...)
	text, err := os.ReadFile(file)
	if err != nil {
		r.t.Fatal(err)
	}
	token := r.server.OperatorToken()
	if strings.Contains(string(text), token) || strings.Contains(string(text), r.server.ClientSecret) {
		r.t.Error("a secret stands in the script")
	}
	cmd := exec.Command("sh", file)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "AUTH0_API_TOKEN=" + token, "no_proxy=127.0.0.1"}
	out, err := cmd.CombinedOutput()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		r.t.Fatal(err)
	}
	if bytes.Contains(out, []byte(token)) {
		r.t.Errorf("the script prints the token:\n%s", out)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// tells is what the tenant says of an experiment now.
func (r *roll) tells(id string) (status string, weights []int) {
	r.t.Helper()
	req, err := http.NewRequest("GET", r.server.URL()+"/api/v2/experimentation/experiments/"+id, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.server.OperatorToken())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	var e struct {
		Status      string
		Allocations []struct{ Weight int }
	}
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
		r.t.Fatal(err)
	}
	for _, a := range e.Allocations {
		weights = append(weights, a.Weight)
	}
	return e.Status, weights
}

// The scripts bring the tenant to what was recommended. One that is refused in the middle lets the experiment go on as
// it was, and says which other way is open.
func TestRampByScript(t *testing.T) {
	for _, program := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	wants := func(r *roll, id, status string, weights ...int) {
		t.Helper()
		if s, w := r.tells(id); s != status || !slices.Equal(w, weights) {
			t.Errorf("%s is %s with %v, want %s with %v", id, s, w, status, weights)
		}
	}
	t.Run("same experiment", func(t *testing.T) {
		r := atRamp(t, nil)
		if code, said := r.sh(); code != 0 {
			t.Fatalf("%d\n%s", code, said)
		}
		wants(r, r.experiment(), "active", 75, 25)
		if code, said := r.sh(); code != 0 || said != "" { // it was not pulled since, so it says the same again: harmless
			t.Logf("again: %d\n%s", code, said)
		}
	})
	t.Run("refused, then a new experiment", func(t *testing.T) {
		r := atRamp(t, func(c *tenant.Config) { c.DraftAllocations, c.Beta = true, true })
		old := r.experiment()
		code, said := r.sh()
		if code != 1 || !strings.Contains(said, "experiment_field_not_editable") || !strings.Contains(said, "goes on as it was") ||
			!strings.Contains(said, "--via new_experiment") {
			t.Errorf("%d\n%s", code, said)
		}
		wants(r, old, "active", 90, 10)
		code, said = r.sh("--via", "new_experiment")
		if code != 0 || !strings.Contains(said, "continues: ["+old+"]") || !strings.Contains(said, r.experiment()+":") {
			t.Errorf("%d\n%s", code, said)
		}
		wants(r, old, "completed", 90, 10)
		wants(r, r.experiment(), "active", 75, 25)
	})
	t.Run("a new experiment, since a pause was seen", func(t *testing.T) {
		r := newRoll(t, rampWorld(func(c *tenant.Config) { c.DraftAllocations, c.Days = true, 14 }))
		r.write("plan: {risk_budget: 0.03, margin_cap: 0.06}\n")
		r.morning(time.Date(2026, 8, 3, 6, 0, 0, 0, time.UTC))
		old := r.experiment()
		status := func(at time.Time, to string) {
			r.server.SetNow(at)
			if a := r.server.Write("POST", "/api/v2/experimentation/experiments/"+old+"/status", `{"status":"`+to+`"}`); a.Status != 200 {
				t.Fatal(string(a.Body))
			}
		}
		at := time.Date(2026, 8, 4, 6, 0, 0, 0, time.UTC)
		status(at, "paused")
		r.look(at.Add(time.Minute))
		status(at.Add(2*time.Minute), "active")
		if d, _ := r.morning(at.AddDate(0, 0, 8)); d.Action != analysis.Ramp {
			t.Fatalf("%s %v", d.Action, d.Reasons)
		}
		if code, said := r.sh(); code != 0 {
			t.Fatalf("%d\n%s", code, said)
		}
		wants(r, old, "completed", 90, 10)
		wants(r, r.experiment(), "active", 75, 25)
	})
	t.Run("not ready", func(t *testing.T) {
		r := atRamp(t, func(c *tenant.Config) { c.FlagArchived = time.Date(2026, 8, 9, 0, 0, 0, 0, time.UTC) })
		code, said := r.sh()
		if code != 1 || !strings.Contains(said, "feature_flag_not_active") || strings.Contains(said, "/status") {
			t.Errorf("%d\n%s", code, said)
		}
		wants(r, r.experiment(), "active", 90, 10)
	})
}

// A pull that finds something else than was decided says what.
func TestRampDiffers(t *testing.T) {
	r := atRamp(t, nil)
	id := r.experiment()
	now := r.server.Now()
	for _, c := range []struct{ verb, body string }{
		{"/status", `{"status":"paused"}`},
		{"", `{"status":"active","allocations":[` + allocations(r, 80, 20) + `]}`},
	} {
		method := "POST"
		if c.verb == "" {
			method = "PATCH"
		}
		r.server.SetNow(r.server.Now().Add(time.Minute))
		if a := r.server.Write(method, "/api/v2/experimentation/experiments/"+id+c.verb, c.body); a.Status != 200 {
			t.Fatal(string(a.Body))
		}
	}
	_, pulled := r.look(now.Add(time.Hour))
	if len(pulled.Confirmations) != 1 || pulled.Confirmations[0].AsDecided || pulled.Confirmations[0].Recommended != "treatment 25 %" || pulled.Confirmations[0].Found != "treatment 20 %" {
		t.Errorf("%+v", pulled.Confirmations)
	}
	if _, pulled := r.look(now.Add(2 * time.Hour)); len(pulled.Confirmations) != 0 {
		t.Errorf("told again: %+v", pulled.Confirmations)
	}
	out := r.keyramp(0, "experiments", "show", id, "-c", r.settings, "--as-of", now.Add(3*time.Hour).Format(time.RFC3339))
	for _, want := range []string{"2026-08-03 06:00 active, control 90 %, treatment 10 %", "2026-08-10 07:00 active, control 80 %, treatment 20 %", "phase 2"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

// allocations are those of control and treatment in JSON.
func allocations(r *roll, control, treatment int) string {
	c, t := r.world.VariationIDs()
	return fmt.Sprintf(`{"variation_id":%q,"is_control":true,"weight":%d},{"variation_id":%q,"is_control":false,"weight":%d}`, c, control, t, treatment)
}

// What was changed twice between two pulls is known from the log's own calls: when, and with which weights.
func TestLoggedCalls(t *testing.T) {
	r := newRoll(t, rampWorld(func(c *tenant.Config) { c.Days, c.Users, c.LogWrites = 12, 1500, true }))
	day := func(n int) time.Time { return time.Date(2026, 8, 2+n, 6, 0, 0, 0, time.UTC) }
	r.morning(day(1))
	id := r.experiment()
	for _, c := range []struct {
		at                   time.Time
		method, verb, change string
	}{
		{day(3), "POST", "/status", `{"status":"paused"}`},
		{day(3).Add(time.Hour), "PATCH", "", `{"status":"active","allocations":[` + allocations(r, 75, 25) + `]}`},
		{day(6), "POST", "/status", `{"status":"paused"}`},
		{day(6).Add(time.Minute), "PATCH", "", `{"status":"active","allocations":[` + allocations(r, 50, 50) + `]}`},
	} {
		r.server.SetNow(c.at)
		if a := r.server.Write(c.method, "/api/v2/experimentation/experiments/"+id+c.verb, c.change); a.Status != 200 {
			t.Fatal(string(a.Body))
		}
	}
	r.morning(day(9)) // compares the strata of all three phases with the truth
	out := r.keyramp(0, "experiments", "show", id, "--as-of", day(9).Format(time.RFC3339))
	for _, want := range []string{
		"phase 1  2026-08-02T00:00:00Z .. 2026-08-05T06:00:00Z", "phase 2  2026-08-05T07:00:00Z .. 2026-08-08T06:00:00Z", "phase 3  2026-08-08T06:01:00Z .. open",
		" 75 %  control", "2026-08-05 07:00 active, control 75 %, treatment 25 %, by a call in the log",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}
