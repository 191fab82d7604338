package ingest

import "testing"

// Names of members match exactly: an experiment in other letters is none.
func TestNamesMatchExactly(t *testing.T) {
	e, err := decodeOne(t, `{"log_id":"1","date":"2026-11-03T09:14:11Z","type":"s","Experiment":{"experiment_id":"e","variation_id":"v"},"DETAILS":{"session_id":"s"},"Log_ID":"2"}`)
	if err != nil || e.Experiment != 0 || e.Session != 0 || e.LogID != testKey.LogID("1") {
		t.Errorf("%v, %+v", err, e)
	}
}
