package auth0

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"keyramp/ingest"
	"keyramp/queries/store"
)

func mustParse(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}

// bodies serves fixed bodies by path and query.
func bodies(p *tape, b map[string]string) {
	p.before = func(w http.ResponseWriter, r *http.Request) bool {
		body, ok := b[strings.TrimPrefix(r.URL.RequestURI(), experimentsPath)]
		if !strings.HasPrefix(r.URL.Path, experimentsPath) {
			return false
		}
		if !ok {
			answer(w, 404, "", "The experiment does not exist")
			return true
		}
		io.WriteString(w, body)
		return true
	}
}

func TestExperiments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTape()
		bodies(p, map[string]string{
			"?take=50":                `{"experiments":[{"id":"exp_1"},{"experiment_id":"exp_2","id":""},{"id":"../../users"},{"id":"exp_gone"}],"next":"c/2 &"}`,
			"?from=c%2F2+%26&take=50": `{"experiments":[{"id":"exp_3"},{}],"next":null}`,
			"/exp_1": `{"id":"exp_1","name":"passkey 10","status":"active","allocation_strategy":"percentage","started_at":"2026-11-01T00:00:00.000Z",
				"ended_at":null,"updated_at":"2026-11-02T00:00:00.5Z","editable_fields":["name","description"],"authentication_flow":"authentication","feature_flag_id":"flg_1",
				"current_level":null,"levels":null,"is_valid":true,"something_new":{"a":[1]},
				"allocations":[{"variation_id":"var_a","variation_name":"control","weight":90,"is_control":true},{"variation_id":"var_b","variation_name":"treatment","weight":10.0,"is_control":false}]}`,
			"/exp_2": `{"experiment_id":"exp_2","status":"paused","allocation_strategy":"segment","assignment_config":{"subject":"device"},
				"allocations":[{"variant_id":"var_a","segment_id":"seg_1","is_fallback":false,"priority":1},{"variation_id":"var_b","is_control":true,"segment_id":null}]}`,
			"/exp_old": `{"id":"exp_old","status":"archived","allocation_strategy":"percentage"}`,
			"/exp_3":   `{"name":"ramp","status":"draft","levels":[10,25,50],"current_level":25,"started_at":"","updated_at":"yesterday","allocations":[]}`,
		})
		got, err := client(t, p).Experiments(t.Context(), []string{"exp_1", "exp_old", "exp_elsewhere", "../../users"})
		if err != nil {
			t.Fatal(err)
		}
		micros := func(s string) store.Micros {
			at, err := time.Parse(time.RFC3339, s)
			if err != nil {
				t.Fatal(err)
			}
			return at.UnixMicro()
		}
		now := time.Now().UnixMicro()
		want := []store.Observation{
			{Experiment: "exp_1", Seen: now, Name: "passkey 10", Status: "active", Strategy: "percentage", Flag: "flg_1", Flow: "authentication", Started: micros("2026-11-01T00:00:00Z"),
				Updated: micros("2026-11-02T00:00:00.5Z"), Level: -1, Editable: []string{"name", "description"},
				Arms: []store.Arm{{Variation: "var_a", Name: "control", Weight: 90, Control: true}, {Variation: "var_b", Name: "treatment", Weight: 10}}},
			{Experiment: "exp_2", Seen: now, Status: "paused", Strategy: "segment", Subject: "device", Level: -1,
				Arms: []store.Arm{{Variation: "var_a", Weight: -1, Segment: "seg_1"}, {Variation: "var_b", Weight: -1, Control: true}}},
			{Experiment: "exp_3", Seen: now, Name: "ramp", Status: "draft", Level: 25, Levels: []int{10, 25, 50}},
			{Experiment: "exp_old", Seen: now, Status: "archived", Strategy: "percentage", Level: -1},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

// TestExperimentsDown: the log waits a minute for experiments that cannot be told, and no longer.
func TestExperimentsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTape()
		p.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == experimentsPath {
				answer(w, 500, "", "")
			}
			return r.URL.Path == experimentsPath
		}
		began := time.Now()
		_, err := client(t, p).Experiments(t.Context(), nil)
		if took := time.Since(began); !errors.Is(err, ErrUpstream) || took < besides/4 || took > besides {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// TestExperimentsInPart: one that cannot be told does not hide the others; after a second one nobody waits any more.
func TestExperimentsInPart(t *testing.T) {
	for name, c := range map[string]struct {
		broken, told []string
		longest      time.Duration
	}{
		"one":  {[]string{"exp_1"}, []string{"exp_2", "exp_3", "exp_4"}, besides},
		"two":  {[]string{"exp_1", "exp_3"}, []string{"exp_2"}, 2 * besides},
		"last": {[]string{"exp_4"}, []string{"exp_1", "exp_2", "exp_3"}, besides},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newTape()
				p.before = func(w http.ResponseWriter, r *http.Request) bool {
					id, ok := strings.CutPrefix(r.URL.Path, experimentsPath+"/")
					switch {
					case r.URL.Path == experimentsPath:
						io.WriteString(w, `{"experiments":[{"id":"exp_1"},{"id":"exp_2"},{"id":"exp_3"},{"id":"exp_4"}]}`)
					case ok && slices.Contains(c.broken, id):
						answer(w, 500, "", "")
					case ok:
						fmt.Fprintf(w, `{"id":%q,"status":"active"}`, id)
					default:
						return false
					}
					return true
				}
				began := time.Now()
				all, err := client(t, p).Experiments(t.Context(), nil)
				var told []string
				for _, o := range all {
					told = append(told, o.Experiment)
				}
				if d := cmp.Diff(c.told, told); d != "" || !errors.Is(err, ErrUpstream) || !strings.Contains(err.Error(), c.broken[len(c.broken)-1]) {
					t.Errorf("error %v, told %s", err, d)
				}
				if took := time.Since(began); took > c.longest {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// TestNoExperiments: a tenant that does not tell is no failure of the run.
func TestNoExperiments(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		code   string
		want   error
		says   string
	}{
		"not entitled":  {403, featureMissing, ErrNoExperiments, "entitled"},
		"missing scope": {403, "insufficient_scope", ErrNoExperiments, "read:experimentation"},
		"unknown path":  {404, "", ErrNoExperiments, "no Experiment Center"},
		"unauthorized":  {401, "", ErrAuth, "token"},
		"bad request":   {400, "", ErrUpstream, "400"},
		"broken":        {500, "", ErrUpstream, "500"},
		"another shape": {200, "", ErrUpstream, "shape"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newTape()
				p.before = func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path != experimentsPath {
						return false
					}
					if c.status == 200 {
						io.WriteString(w, `{"experiments":{"a":1}}`)
					} else {
						answer(w, c.status, c.code, "pat@example.org")
					}
					return true
				}
				_, err := client(t, p).Experiments(t.Context(), nil)
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "@") {
					t.Errorf("error %v", err)
				}
				if errors.Is(err, ErrNoExperiments) && errors.Is(err, ErrAuth) {
					t.Error("no information must not pass for a refused login")
				}
			})
		})
	}
}

// TestScopeNeverGranted: runs of a tenant without the scope share a token, and
// learn of a scope within an hour of its grant.
func TestScopeNeverGranted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTape()
		p.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == experimentsPath {
				answer(w, 403, "insufficient_scope", "Insufficient scope, expected any of: read:experimentation")
			}
			return r.URL.Path == experimentsPath
		}
		file := filepath.Join(t.TempDir(), "token")
		for range 12 {
			c := client(t, p, func(c *Config) { c.TokenFile = file })
			if _, err := c.Experiments(t.Context(), nil); !errors.Is(err, ErrNoExperiments) {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
		}
		if n := p.asked(tokenPath); n > 3 {
			t.Errorf("two hours of runs took %d tokens", n)
		}
	})
}

// TestEndlessList ends.
func TestEndlessList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, n := newTape(), 0
		p.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != experimentsPath {
				return false
			}
			n++
			io.WriteString(w, `{"experiments":[],"next":"`+strings.Repeat("x", n%3+1)+`"}`)
			return true
		}
		if _, err := client(t, p).Experiments(t.Context(), nil); !errors.Is(err, ErrUpstream) || n > maxLists {
			t.Errorf("%d requests, error %v", n, err)
		}
	})
}

// FuzzExperiments: whatever a list or an experiment says, nothing but an experiment's own
// path is asked for, and what comes back can be stored.
func FuzzExperiments(f *testing.F) {
	for _, s := range []string{
		`{"experiments":[{"id":"exp_1"},{"experiment_id":"exp_2"}],"next":"c"}`, `{"experiments":null,"next":null}`, `{"experiments":[{"id":"../logs"}]}`, `{"experiments":{}}`,
		`{"id":"exp_1","allocations":[{"weight":1e99},{"weight":-0.5}],"levels":[10,1e300,"x"],"current_level":null}`,
		`{"id":7,"started_at":7,"ended_at":{},"updated_at":"0000-00-00T00:00:00Z"}`, `{"allocations":[[]]}`, `[]`, ``, `{"editable_fields":[null,"a"]}`, strings.Repeat(`{"experiments":[`, 2000),
	} {
		f.Add([]byte(s), []byte(s))
	}
	f.Fuzz(func(t *testing.T, list, one []byte) {
		lists := 0
		c := client(t, overHandler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == tokenPath:
				io.WriteString(w, `{"access_token":"t"}`)
			case r.URL.Path == experimentsPath && lists > 2:
				io.WriteString(w, `{"experiments":[]}`)
			case r.URL.Path == experimentsPath:
				lists++
				w.Write(list)
			default:
				if !idForm.MatchString(strings.TrimPrefix(r.URL.Path, experimentsPath+"/")) {
					t.Errorf("asked for %s", r.URL)
				}
				w.Write(one)
			}
		})}, func(c *Config) { c.MaxElapsed = time.Nanosecond })
		got, err := c.Experiments(t.Context(), nil)
		if err != nil && got != nil {
			t.Error("experiments beside an error")
		}
		for _, o := range got {
			if o.Experiment == "" || len(o.Arms) > ingest.MaxElements || len(o.Levels) > ingest.MaxElements || len(o.Editable) > ingest.MaxElements {
				t.Errorf("%+v", o)
			}
			for _, a := range o.Arms {
				if a.Weight < math.MinInt32 || a.Weight > math.MaxInt32 {
					t.Errorf("weight %d", a.Weight)
				}
			}
		}
	})
}
