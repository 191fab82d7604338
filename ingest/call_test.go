package ingest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyramp/queries/store"
)

// Calls that changed an experiment are kept with what they changed, and nothing of who made them; all others are only counted.
func TestCalls(t *testing.T) {
	event := func(typ, method, path, body string) string {
		return `{"log_id":"90020260000000000000000000000000000000000000000000000001","date":"2026-11-08T06:00:00Z","type":"` + typ + `","user_name":"ops@example.org",
			"details":{"request":{"method":"` + method + `","path":"` + path + `","ip":"203.0.113.9","auth":{"user":{"email":"ops@example.org"}},"body":` + body + `}}}`
	}
	const at = 1_794_117_600_000_000
	one := "/api/v2/experimentation/experiments/exp_1"
	for _, c := range []struct {
		name, record string
		want         *store.Call
	}{
		{"weights", event("sapi", "patch", one, `{"name":"pat","allocations":[{"variation_id":"a","weight":75,"is_control":true},{"variation_id":"b","weight":25,"is_control":false}]}`),
			&store.Call{At: at, Experiment: "exp_1", Level: -1, Arms: []store.Arm{{Variation: "a", Weight: 75, Control: true}, {Variation: "b", Weight: 25}}}},
		{"weights and status", event("sapi", "PATCH", one, `{"status":"active","allocations":[{"variation_id":"a","is_control":true,"segment_id":"s"}]}`),
			&store.Call{At: at, Experiment: "exp_1", Status: "active", Level: -1, Arms: []store.Arm{{Variation: "a", Weight: -1, Control: true, Segment: "s"}}}},
		{"status", event("sapi", "post", one+"/status", `{"status":"paused"}`), &store.Call{At: at, Experiment: "exp_1", Status: "paused", Level: -1}},
		{"level", event("sapi", "post", one+"/advance-ramp", `{"target_level":25}`), &store.Call{At: at, Experiment: "exp_1", Level: 25}},
		{"numbers with a point", event("sapi", "patch", one, `{"allocations":[{"variation_id":"a","weight":75.0},{"variation_id":"b","weight":25.0}]}`),
			&store.Call{At: at, Experiment: "exp_1", Level: -1, Arms: []store.Arm{{Variation: "a", Weight: 75}, {Variation: "b", Weight: 25}}}},
		{"a name alone", event("sapi", "patch", one, `{"name":"pat"}`), nil},
		{"validate", event("sapi", "post", one+"/validate", `{}`), nil},
		{"a new one", event("sapi", "post", "/api/v2/experimentation/experiments", `{"allocations":[]}`), nil},
		{"another resource", event("sapi", "patch", "/api/v2/clients/abc", `{"status":"active"}`), nil},
		{"refused", event("fapi", "post", one+"/status", `{"status":"paused"}`), nil},
		{"no body", event("sapi", "post", one+"/status", `"status"`), nil},
		{"a weight that is none", event("sapi", "patch", one, `{"allocations":[{"variation_id":"a","weight":"many"}]}`), nil},
	} {
		var b store.Batch
		d := &LogDecoder{Pseudonyms: testKey, Keep: func(store.Word) bool { return false }}
		if err := d.Decode([]byte(c.record), &b); err != nil {
			t.Fatal(err)
		}
		if len(b.Events) != 0 || len(b.Filtered) != 1 {
			t.Errorf("%s: %+v", c.name, b)
		}
		var kept store.Batch // of a tenant whose settings give the type a role
		if err := (&LogDecoder{Pseudonyms: testKey}).Decode([]byte(c.record), &kept); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(b.Calls, kept.Calls); diff != "" || len(kept.Events) != 1 {
			t.Errorf("%s: %d events, and other calls when they are kept: %s", c.name, len(kept.Events), diff)
		}
		var got *store.Call
		if len(b.Calls) == 1 {
			got = &b.Calls[0]
			if got.ID == 0 {
				t.Errorf("%s: no id", c.name)
			}
			got.ID = 0
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
