package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"keyramp/analysis"
	"keyramp/analysis/render"
	"keyramp/fixtures/tenant"
	"keyramp/ingest"
	"keyramp/queries/store"
)

// The demo's folder, and the file that marks it as ours to delete.
const (
	demoDir    = "keyramp-demo"
	demoMarker = ".keyramp-demo"
)

// newDemo shows the whole way from a tenant's log to a verdict on a tenant
// that exists only in memory.
func newDemo(a *app) *cobra.Command {
	d := demo{app: a}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Simulate a tenant, pull it, compare with the truth, judge it",
		Long: `Start a simulated Auth0 tenant and enrollment page on loopback: three weeks of
logins under an experiment that asks 10 % of the devices to enroll a passkey.
Pull both through the real client into the real store, compare what was counted
with what happened, and print the report and the verdict.

Everything lands in ./` + demoDir + `, which the next demo replaces.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if d.users < 100 {
				return usage(cmd, fmt.Errorf("--users %d: it is 100 or more", d.users))
			}
			if _, err := a.format(cmd, "table", "table"); err != nil {
				return err
			}
			if err := d.run(cmd.Context()); err != nil {
				return fmt.Errorf("demo: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&d.users, "users", 20_000, "`people` of the simulated tenant")
	cmd.Flags().Uint64Var(&d.seed, "seed", 1, "`number` that the people are made from")
	return cmd
}

// A demo is one run of the command.
type demo struct {
	*app
	users int
	seed  uint64
}

func (d *demo) run(ctx context.Context) error {
	if err := freshDemo(); err != nil {
		return err
	}
	world := tenant.New(tenant.Config{Seed: d.seed, Users: d.users})
	// The tenant's present lies some hours after the last login, so that the
	// last full hour that was read holds everything.
	d.now = world.End().Add(3 * time.Hour)
	server := tenant.NewServer(world, tenant.ServerOptions{Now: d.now})
	if err := server.Start("127.0.0.1:0"); err != nil {
		return fail(exitResources, err, "the demo needs a free port on 127.0.0.1")
	}
	defer server.Close()
	d.settings = settings{rate: 0, clientSecret: ingest.NewSecret(server.ClientSecret), pageToken: ingest.NewSecret(server.PageToken)}
	d.settings.Store = filepath.Join(demoDir, "store")
	d.settings.Auth0.Domain, d.settings.Auth0.ClientID = server.URL(), server.ClientID
	d.settings.Page.URL = server.PageURL()
	d.settings.Plan = analysis.DefaultPlan()

	d.step("a simulated tenant serves %s log events of %s people, %s to %s",
		group(int64(world.Len())), group(int64(d.users)), world.Start().Format(time.DateOnly), world.End().Format(time.DateOnly))
	began := time.Now()
	p := pull{app: d.app, onGap: "fail", since: world.Start().Add(-time.Hour).Format(time.RFC3339)}
	if err := p.run(ctx, []string{sourceAuth0, sourcePage}); err != nil {
		return err
	}
	d.step("pulled through HTTP into %s in %.1f s", d.settings.Store, time.Since(began).Seconds())

	in, report, decision, err := d.weigh(ctx, question{}, nil)
	if err != nil {
		return err
	}
	if err := d.compare(ctx, world, server, in); err != nil {
		return err
	}
	options := render.Options{Format: render.Table, Color: d.outStyle.on, Width: d.width()}
	fmt.Fprintln(d.out)
	if err := render.Report(d.out, report, decision, options); err != nil {
		return err
	}
	fmt.Fprintln(d.out)
	return d.leave(ctx, report, decision)
}

// step prints one line of the demo's own story.
func (d *demo) step(format string, args ...any) {
	wrapTo(d.out, d.width(), "", d.outStyle.bold("demo:")+" "+fmt.Sprintf(format, args...))
}

// freshDemo makes the demo's folder anew. It deletes only what a demo left.
func freshDemo() error {
	marker := filepath.Join(demoDir, demoMarker)
	if _, err := os.Lstat(demoDir); err == nil {
		if info, err := os.Lstat(marker); err != nil || !info.Mode().IsRegular() {
			return fail(exitUsage, fmt.Errorf("./%s is there and was not made by a demo", demoDir),
				"move it away or go to another folder; nothing was touched")
		}
		if err := os.RemoveAll(demoDir); err != nil {
			return fail(exitResources, err, "")
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fail(exitResources, err, "")
	}
	if err := os.Mkdir(demoDir, 0o700); err != nil {
		return fail(exitResources, err, "the demo needs a folder where it may write")
	}
	return os.WriteFile(marker, []byte("made by keyramp demo; the next demo deletes this folder\n"), 0o600)
}

// compare holds the store against what happened in the simulated world. Any
// difference fails the demo.
func (d *demo) compare(ctx context.Context, w *tenant.World, s *tenant.Server, in analysis.Input) error {
	var status *store.Status
	err := d.reading(ctx, func(ctx context.Context, db store.Store) (err error) {
		status, err = db.Status(ctx)
		return err
	})
	if err != nil {
		return err
	}
	truth := w.TruthAt(s.Now())
	var tokens, received int64 // fetching a token writes an event of its own into the log
	for _, r := range s.Requests() {
		if r.Path == "/oauth/token" && r.Status == 200 {
			tokens++
		}
	}
	for _, src := range status.Sources {
		if strings.HasPrefix(src.Cursor.Source, "auth0:") {
			received += src.Account.Received - src.Account.Duplicate
		}
	}
	c := comparison{}
	c.equal("log events", int64(truth.LogEvents)+tokens, received)
	c.equal("page events", int64(truth.PageEvents), status.Pages)
	phases := truth.Experiments[0].Phases
	for _, ph := range phases {
		for _, v := range ph.Variations {
			var seed store.SeedRow
			for _, row := range in.Counts.Seed {
				if row.Phase == ph.Phase && row.Variation == v.ID {
					seed = row
				}
			}
			c.equal("logins of "+v.ID, int64(v.Successes), seed.Logins)
			c.equal("logins without a prompt of "+v.ID, int64(v.SSO), seed.SSO)
			c.equal("page enrollments of "+v.ID, int64(v.Page["completed"]), seed.PageCompleted)
		}
	}
	for _, st := range truth.StrataAny {
		var n int64
		for _, row := range in.Counts.Sums {
			if row.Metric == store.Enroll && row.Phase == st.Phase && row.Origin == st.Origin && row.Variation == st.VariationID {
				n = row.N
			}
		}
		c.equal(fmt.Sprintf("people first seen in %s, phase %d", st.VariationID, st.Phase), int64(st.Users-st.EnrolledBefore), n)
	}
	if len(c.faults) > 0 {
		return fmt.Errorf("the store differs from what happened:\n%w", errors.Join(c.faults...))
	}
	last := phases[len(phases)-1].Variations
	logins := int64(last[0].Successes + last[1].Successes)
	d.step("%d counts compared with what really happened: all equal, to the last event. "+
		"Treatment has %s of %s logins (%.1f %%)", c.n, group(int64(last[1].Successes)), group(logins), 100*float64(last[1].Successes)/float64(logins))
	return nil
}

// A comparison gathers what differs.
type comparison struct {
	n      int
	faults []error
}

func (c *comparison) equal(what string, want, got int64) {
	c.n++
	if want != got {
		c.faults = append(c.faults, fmt.Errorf("%s: %s happened, %s counted", what, group(want), group(got)))
	}
}

// leave writes the report and the exports as files and says where they are.
func (d *demo) leave(ctx context.Context, r *analysis.Report, dec analysis.Decision) error {
	html := filepath.Join(demoDir, "report.html")
	d.flags.output = html
	err := d.emit(func(w io.Writer) error {
		return render.Report(w, r, dec, render.Options{Format: render.HTML})
	})
	if err != nil {
		return err
	}
	left := []string{html}
	for _, e := range []export{{name: "daily", as: "csv"}, {name: "logins", as: "parquet"}, {name: "enrollments", as: "parquet"}} {
		e.app, e.out = d.app, filepath.Join(demoDir, "exports")
		n, err := e.run(ctx, question{}, nil)
		if err != nil {
			return fmt.Errorf("export %s: %w", e.name, err)
		}
		left = append(left, fmt.Sprintf("%s  %s rows, %s", e.folder(), group(n), e.as))
	}
	d.step("left for you:")
	for _, l := range left {
		fmt.Fprintln(d.out, "  "+l)
	}
	d.step("try next:")
	self := "keyramp"
	if _, err := os.Stat("bin/keyramp"); err == nil { // `make demo` in a checkout
		self = "bin/keyramp"
	}
	for _, l := range []string{"report --as-of 2026-11-08", "decide -f json", "status"} {
		fmt.Fprintf(d.out, "  %s %s --store %s\n", self, l, d.settings.Store)
	}
	return nil
}
