package main

import (
	"io"
	"testing"
)

// A full disk cannot be had on every machine that runs tests.
func TestDoctorRoom(t *testing.T) {
	for free, want := range map[int64]string{0: "warn", tightDisk - 1: "warn", tightDisk: "ok"} {
		d := doctor{app: newApp(nil, nil, io.Discard, io.Discard)}
		if d.room("/data", free); len(d.found) != 1 || d.found[0].State != want || (want == "warn") != (d.found[0].Todo != "") {
			t.Errorf("%d bytes free: %+v", free, d.found)
		}
	}
}

// The status is that of the failure to mend first.
func TestDoctorVerdict(t *testing.T) {
	d := doctor{found: []finding{{State: "ok"}, {State: "fail", Code: exitStore}, {State: "warn"}, {State: "fail", Code: exitAuth}, {State: "fail", Code: exitResources}}}
	if code, _ := exitCode(t.Context(), d.verdict()); code != exitAuth {
		t.Errorf("status %d", code)
	}
	if err := (&doctor{found: []finding{{State: "ok"}, {State: "warn"}}}).verdict(); err != nil {
		t.Errorf("warnings alone end with %v", err)
	}
}
