package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// madeUp is when the events of a made-up store begin; they last four weeks.
var madeUp = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)

// report measures the report of one experiment as the store grows: the first one, which counts everything; one when
// nothing is new; and one after a few new events.
func report(ctx context.Context, b *bench, out io.Writer) error {
	t := table{head: []string{"events", "people", "store MB", "first s", "peak MB", fmt.Sprintf("%d new s", newEvents), "nothing new s"}}
	millions := []int{1, 10}
	if b.large {
		millions = append(millions, 50)
	}
	for _, n := range millions {
		if err := b.reports(ctx, n, &t); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "`keyramp report` of one experiment, with every question, check and the verdict, as whole processes. The events are made inside the store: one person in six events, a tenth of them in treatment, of a hundred events two failures without an experiment and one that names nobody. The last two columns are medians of %d.\n\n%s\n%s\n",
		b.rounds, t.String(), b.machine(nil))
	return nil
}

func (b *bench) reports(ctx context.Context, millions int, t *table) error {
	dir, done, err := b.work()
	if err != nil {
		return err
	}
	defer done()
	b.say("report: making %d million events", millions)
	folder := filepath.Join(dir, storeName)
	maker := exec.CommandContext(ctx, "go", "test", "./queries/duckdb", "-run", "^TestMadeUpStore$", "-count=1", "-timeout=1h")
	maker.Env = append(os.Environ(), "KEYRAMP_MADE_UP="+folder, "KEYRAMP_MILLIONS="+strconv.Itoa(millions), "KEYRAMP_FROM="+madeUp.Format(time.RFC3339))
	if text, err := maker.CombinedOutput(); err != nil {
		return fmt.Errorf("the store cannot be made, from the top of the source tree: %w\n%s", err, text)
	}
	if err := os.WriteFile(filepath.Join(folder, "pseudonym.key"), []byte(strings.Repeat("07", 16)+"\n"), 0o600); err != nil {
		return err
	}
	size, err := stored(folder)
	if err != nil {
		return err
	}
	settings := filepath.Join(dir, "keyramp.yaml")
	if err := os.WriteFile(settings, fmt.Appendf(nil, "experiments:\n  exp_1:\n    control: var_c\n    phases:\n      - from: %s\n        weights: {var_c: 90, var_t: 10}\n", madeUp.Add(-time.Hour).Format(time.RFC3339)), 0o600); err != nil {
		return err
	}
	ask := func() (usage, string, error) {
		text, u, err := measure(ctx, dir, step{args: []string{b.keyramp, "report", "exp_1", "--store", storeName, "-c", settings, "-f", "json"}})
		if err != nil {
			return u, "", err
		}
		n, err := people(text)
		return u, n, err
	}
	b.say("report: %d million events, everything", millions)
	first, subjects, err := ask()
	if err != nil {
		return err
	}
	var none, few []usage
	for i := range b.rounds {
		u, _, err := ask()
		if err != nil {
			return err
		}
		none = append(none, u)
		log := filepath.Join(dir, "new.ndjson")
		if err := os.WriteFile(log, fresh(i), 0o600); err != nil {
			return err
		}
		if _, _, err := measure(ctx, dir, step{args: []string{b.keyramp, "import", "logs", "-q", "--store", storeName, log}}); err != nil {
			return err
		}
		if u, _, err = ask(); err != nil {
			return err
		}
		few = append(few, u)
	}
	t.add(thousands(int64(millions)*1_000_000), subjects, megabytes(size), seconds(first.wall.Seconds()), megabytes(first.peak),
		seconds(medianOf(few, wallOf)), seconds(medianOf(none, wallOf)))
	return nil
}

// people are the subjects of a report as JSON.
func people(report []byte) (string, error) {
	var doc struct {
		Report struct {
			Comparisons []struct {
				Enrollment struct{ Treatment, Control struct{ Subjects int64 } }
			}
		}
	}
	if err := json.Unmarshal(report, &doc); err != nil || len(doc.Report.Comparisons) != 1 {
		return "", fmt.Errorf("the report compares %d treatments: %w", len(doc.Report.Comparisons), err)
	}
	e := doc.Report.Comparisons[0].Enrollment
	return thousands(e.Treatment.Subjects + e.Control.Subjects), nil
}

// fresh are the lines of new events: logins of people who may be there already.
func fresh(round int) []byte {
	var lines []byte
	for i := range newEvents {
		variation := "var_c"
		if i%10 == 0 {
			variation = "var_t"
		}
		at := madeUp.Add(27*24*time.Hour + time.Duration(round*newEvents+i)*time.Second)
		lines = fmt.Appendf(lines, `{"log_id":"new-%d-%d","date":%q,"type":"s","client_id":"app","user_id":"auth0|%d","details":{"prompts":[{}],"session_id":"s%d","experiment":{"experiment_id":"exp_1","variation_id":%q,"allocation_strategy":"percentage"}}}`+"\n",
			round, i, at.Format(time.RFC3339), i, i, variation)
	}
	return lines
}
