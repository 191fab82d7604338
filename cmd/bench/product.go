package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"keyramp/cmd/bench/synth"
)

// settings writes the settings file that tells the product the weights.
func (b *bench) settings() error {
	var y strings.Builder
	y.WriteString("experiments:\n")
	for _, x := range synth.Experiments {
		fmt.Fprintf(&y, "  %s:\n    control: %s\n    phases:\n      - from: %s\n        weights: {", x.ID, x.Variations[0].ID, synth.Begin.Format("2006-01-02T15:04:05Z"))
		for i, v := range x.Variations {
			if i > 0 {
				y.WriteString(", ")
			}
			fmt.Fprintf(&y, "%s: %d", v.ID, v.Weight)
		}
		y.WriteString("}\n")
	}
	if err := os.MkdirAll(b.cache, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.cache, "keyramp.yaml"), []byte(y.String()), 0o644)
}

// recipe fails unless the report's plain recipe has the logins of the truth.
func recipe(report []byte, truth synth.Truth) error {
	var doc struct {
		Report struct {
			Recipe struct {
				Variations []struct {
					ID     string `json:"variation_id"`
					Logins int64  `json:"logins"`
				} `json:"variations"`
			} `json:"recipe"`
		} `json:"report"`
	}
	if err := json.Unmarshal(report, &doc); err != nil {
		return fmt.Errorf("the report is no JSON: %w", err)
	}
	got := map[synth.Tag]int64{}
	for _, v := range doc.Report.Recipe.Variations {
		got[synth.Tag{Experiment: synth.Experiments[0].ID, Variation: v.ID, Type: "s"}] += v.Logins
	}
	logins := slices.DeleteFunc(slices.Clone(truth), func(g synth.Group) bool {
		return g.Experiment != synth.Experiments[0].ID || g.Type != "s"
	})
	return agree(got, logins, byEvents)
}

// prove compares everything that the product's store in a folder holds with the
// truth: every group that carries an experiment by its exported rows, every
// type that was only counted, and the rest, which no export lists, in sum.
func (b *bench) prove(ctx context.Context, dir string, truth synth.Truth) error {
	got, exported, err := b.exported(ctx, dir)
	if err != nil {
		return err
	}
	out, _, err := measure(ctx, dir, step{args: []string{b.keyramp, "status", "--store", storeName, "-f", "json"}})
	if err != nil {
		return err
	}
	var status struct {
		Events   int64
		Filtered []struct {
			Type  string
			Count int64
		}
		Sources []struct{ Received, Rejected, Conflicts int64 }
	}
	if err := json.Unmarshal(out, &status); err != nil {
		return err
	}
	for _, f := range status.Filtered {
		got[synth.Tag{Type: f.Type}] = f.Count
	}
	var bare int64
	shown := slices.DeleteFunc(slices.Clone(truth), func(g synth.Group) bool {
		hidden := g.Experiment == "" && !onlyCounted(g)
		if hidden {
			bare += g.Events
		}
		return hidden
	})
	faults := []error{agree(got, shown, asKept)}
	if n := status.Events - exported; n != bare {
		faults = append(faults, fmt.Errorf("%d stored events carry no experiment, and %d should", n, bare))
	}
	var received, bad int64
	for _, s := range status.Sources {
		received += s.Received
		bad += s.Rejected + s.Conflicts
	}
	if received != truth.Lines() || bad > 0 {
		faults = append(faults, fmt.Errorf("%d lines received of %d, %d of them unusable", received, truth.Lines(), bad))
	}
	return errors.Join(faults...)
}

// exported counts the rows of the product's export of events.
func (b *bench) exported(ctx context.Context, dir string) (map[synth.Tag]int64, int64, error) {
	if _, _, err := measure(ctx, dir, step{args: []string{b.keyramp, "export", "events", "--store", storeName, "--out", "export", "--quiet"}}); err != nil {
		return nil, 0, err
	}
	paths, _ := filepath.Glob(filepath.Join(dir, "export", "events", "*.csv"))
	if len(paths) != 1 {
		return nil, 0, fmt.Errorf("the export has %d CSV files", len(paths))
	}
	f, err := os.Open(paths[0])
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	rows := csv.NewReader(f)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil {
		return nil, 0, err
	}
	x, v, t := slices.Index(head, "experiment_id"), slices.Index(head, "variation_id"), slices.Index(head, "type")
	if min(x, v, t) < 0 {
		return nil, 0, fmt.Errorf("the export's columns are %v", head)
	}
	counts, n := map[synth.Tag]int64{}, int64(0)
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return counts, n, os.RemoveAll(filepath.Join(dir, "export"))
		}
		if err != nil {
			return nil, 0, err
		}
		n++
		counts[synth.Tag{Experiment: row[x], Variation: row[v], Type: row[t]}]++
	}
}
