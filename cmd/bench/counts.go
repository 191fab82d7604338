package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"keyramp/cmd/bench/synth"
)

// ignored are the types that keyramp counts by day and does not store, unless
// they carry an experiment: none of its questions asks for them.
var ignored = []string{"ssa", "fsa", "slo", "seacft", "sertft", "seccft", "sapi", "mgmt_api_read"}

// A rule says which number of a group a program must find.
type rule func(synth.Group) int64

// byEvents is for programs that take redelivered events out.
func byEvents(g synth.Group) int64 { return g.Events }

// byLines is for programs that count what stands in the files.
func byLines(g synth.Group) int64 { return g.Lines }

// asKept is for programs that store what keyramp stores: what is only counted
// is counted as it arrives.
func asKept(g synth.Group) int64 {
	if onlyCounted(g) {
		return g.Lines
	}
	return g.Events
}

// onlyCounted says whether keyramp counts a group's events instead of storing them.
func onlyCounted(g synth.Group) bool { return g.Experiment == "" && slices.Contains(ignored, g.Type) }

// parseCounts reads rows of experiment, variation, type and count.
func parseCounts(out []byte) (map[synth.Tag]int64, error) {
	counts := map[synth.Tag]int64{}
	for line := range bytes.Lines(out) {
		f := strings.Split(strings.TrimSuffix(string(line), "\n"), "\t")
		if len(f) != 4 {
			return nil, fmt.Errorf("a row of counts has %d columns: %q", len(f), line)
		}
		n, err := strconv.ParseInt(f[3], 10, 64)
		if err != nil {
			return nil, err
		}
		counts[synth.Tag{Experiment: f[0], Variation: f[1], Type: f[2]}] += n
	}
	return counts, nil
}

// agree fails unless the counts are those of the truth, group by group.
func agree(got map[synth.Tag]int64, truth synth.Truth, want rule) error {
	var wrong []string
	for _, g := range truth {
		tag := synth.Tag{Experiment: g.Experiment, Variation: g.Variation, Type: g.Type}
		if got[tag] != want(g) {
			wrong = append(wrong, fmt.Sprintf("%+v: %d instead of %d", tag, got[tag], want(g)))
		}
		delete(got, tag)
	}
	for tag, n := range got {
		wrong = append(wrong, fmt.Sprintf("%+v: %d, and there are none", tag, n))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d groups differ from the truth:\n%s", len(wrong), strings.Join(wrong[:min(5, len(wrong))], "\n"))
	}
	return nil
}
