// Command chaos runs the tests of keyramp's promises at the size of a tier and closes
// with one table: the row of docs/reliability.md, the rounds that ran, the violations.
// It ends with 1 when a test failed. `make chaos` and `make soak` call it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"keyramp/fixtures/tier"
)

func main() {
	level := pflag.String("tier", "chaos", "how many rounds: test, chaos or soak")
	run := pflag.String("run", "", "only tests whose name matches, as go test -run")
	timeout := pflag.Duration("timeout", 2*time.Hour, "how long one package may take")
	race := pflag.Bool("race", false, "with the race detector")
	pflag.Parse()
	packages := pflag.Args()
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	args := []string{"test", "-json", "-count=1", "-timeout", timeout.String()}
	if *run != "" {
		args = append(args, "-run", *run)
	}
	if *race {
		args = append(args, "-race")
	}
	os.Exit(chaos(*level, append(args, packages...)))
}

// chaos runs go test and prints the table of what its rows found. An interrupt goes
// to go test too, and the rows that were finished are still printed.
func chaos(level string, args []string) int {
	signal.Ignore(os.Interrupt)
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), tier.Env+"="+level)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	found, err := gather(out, os.Stderr)
	if ended := cmd.Wait(); err == nil {
		err = ended
	}
	table(os.Stdout, found)
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	return 0
}

// A row is what one test told of itself.
type row struct {
	id, test, rounds, violations string
	figures                      []string
	seconds                      float64
}

// gather reads go test's events (go doc test2json), passes the output of failed
// tests on, and returns the rows in the order of their ids.
func gather(events io.Reader, failed io.Writer) ([]row, error) {
	type key struct{ pkg, test string }
	rows := map[key]*row{}
	said := map[key]*strings.Builder{}
	dec := json.NewDecoder(bufio.NewReader(events))
	for {
		var e struct {
			Action, Package, Test, Output, Key, Value string
			Elapsed                                   float64
		}
		if err := dec.Decode(&e); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("output of go test: %w", err)
		}
		k := key{e.Package, e.Test}
		switch e.Action {
		case "output":
			if said[k] == nil {
				said[k] = &strings.Builder{}
			}
			said[k].WriteString(e.Output)
		case "attr":
			if rows[k] == nil {
				rows[k] = &row{test: e.Test}
			}
			rows[k].tell(e.Key, e.Value)
		case "pass", "skip", "fail":
			if rows[k] != nil {
				rows[k].seconds = e.Elapsed
			}
			if e.Action == "fail" && said[k] != nil {
				io.WriteString(failed, said[k].String())
			}
			delete(said, k)
			if e.Action != "skip" && e.Test == "" {
				fmt.Fprintf(failed, "%s %s %.0f s\n", e.Action, e.Package, e.Elapsed)
			}
		}
	}
	var out []row
	for _, r := range rows {
		if r.id != "" {
			out = append(out, *r)
		}
	}
	slices.SortFunc(out, func(a, b row) int { return strings.Compare(a.id+a.test, b.id+b.test) })
	return out, nil
}

func (r *row) tell(key, value string) {
	switch key {
	case "row":
		r.id = value
	case "rounds":
		r.rounds = value
	case "violations":
		r.violations = value
	case "figure":
		r.figures = append(r.figures, value)
	}
}

func table(w io.Writer, rows []row) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "row\ttest\trounds\tviolations\tseconds\tfigures")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.0f\t%s\n", r.id, r.test, r.rounds, r.violations, r.seconds, strings.Join(r.figures, "; "))
	}
	t.Flush()
}
