package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"keyramp/analysis"
	"keyramp/queries/store"
)

// rateFlags are the rates that a person states, as text so that what was not stated can be told from 0.
type rateFlags struct {
	enrollment, effect, success, deff string
	logins, people, share, treatments string
	power                             float64
	days                              int
}

// newPlan tells what evidence each step of the ramp needs, and how long that takes.
func newPlan(a *app) *cobra.Command {
	var f rateFlags
	var q question
	cmd := &cobra.Command{
		Use:   "plan [EXPERIMENT]",
		Short: "What evidence each step of the ramp needs, and how many days",
		Long: `Compute for each step of the ramp how many login attempts and how many people
it takes to show that login success stays within the margin and that the gain in
enrollment is above the smallest one worth a ramp.

Rates come from the store: of EXPERIMENT, or of the only one. Flags replace
them. With --enrollment-rate or --success and no EXPERIMENT no store is read, so
that one can plan before there is any data. Rates are fractions: 0.98 is 98 %.
The plan itself (rungs, margins, alpha) is that of the settings file.`,
		Example: `  keyramp plan --success 0.98 --enrollment-rate 0.01 --effect 0.03 \
      --logins-per-day 4000 --subjects-per-day 800
  keyramp plan exp_5Dt3
  keyramp plan exp_5Dt3 --effect 0.02 --power 0.9 -f json`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.experimentArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := a.format(cmd, a.documentFormat(), listFormats...)
			if err != nil {
				return err
			}
			stated, err := f.rates()
			if err != nil {
				return usage(cmd, err)
			}
			var rates analysis.Rates
			var id string
			if len(args) == 1 || stated.Enrollment == nil && stated.Success == nil {
				in, r, _, err := a.weigh(cmd.Context(), q, args)
				if errors.Is(err, store.ErrMissing) {
					return fail(exitConfig, fmt.Errorf("plan: %w", err), "before any data, state --success and --enrollment-rate")
				}
				if err != nil {
					return fmt.Errorf("plan: %w", err)
				}
				rates, id = analysis.RatesOf(in, r), r.Experiment
			}
			p := analysis.NewPlanning(a.settings.Plan, over(rates, stated), f.power, f.days)
			p.Version, p.Experiment = keyrampVersion(), id
			return a.emit(func(w io.Writer) error { return writePlan(w, p, format, a.width()) })
		},
	}
	v := cmd.Flags()
	v.StringVar(&f.enrollment, "enrollment-rate", "", "people of control who enroll, as a `fraction`")
	v.StringVar(&f.effect, "effect", "", "`fraction` by which treatment is above that (default: as observed)")
	v.StringVar(&f.success, "success", "", "successful of attempted logins, as a `fraction`")
	v.StringVar(&f.deff, "deff", "", "design effect of attempts, `1` or more (default: as observed, else 1.9)")
	v.StringVar(&f.logins, "logins-per-day", "", "login attempts a day, all variations: a `number`")
	v.StringVar(&f.people, "subjects-per-day", "", "people first seen on a day, all variations: a `number`")
	v.StringVar(&f.share, "share", "", "treatment's share now, a `fraction` (default: as it is, else the first rung)")
	v.StringVar(&f.treatments, "treatments", "", "`number` of treatments set against control (default: as it is, else 1)")
	v.Float64Var(&f.power, "power", 0.8, "chance of an answer with the sizes told, as a `fraction`")
	v.IntVar(&f.days, "days", 28, "tell what `number` of days can find")
	q.flags(cmd)
	return cmd
}

// rates checks what was stated and reports the first fault.
func (f rateFlags) rates() (r analysis.Rates, err error) {
	if !(f.power > 0 && f.power < 1) {
		return r, fmt.Errorf("--power %v: give a fraction above 0 and below 1, such as 0.8", f.power)
	}
	if f.days < 1 || f.days > 3650 {
		return r, fmt.Errorf("--days %d: give a number of days from 1 to 3650", f.days)
	}
	var treatments *float64
	for _, one := range []struct {
		name, text, want string
		to               **float64
		fits             func(float64) bool
	}{
		{"enrollment-rate", f.enrollment, "a fraction from 0 to below 1, such as 0.01", &r.Enrollment, func(v float64) bool { return v >= 0 && v < 1 }},
		{"effect", f.effect, "a fraction above 0 and below 1, such as 0.03", &r.Effect, between},
		{"success", f.success, "a fraction above 0 and below 1, such as 0.98", &r.Success, between},
		{"deff", f.deff, "a number from 1 to 1000", &r.Deff, func(v float64) bool { return v >= 1 && v <= 1000 }},
		{"logins-per-day", f.logins, "a number above 0", &r.LoginsPerDay, positive},
		{"subjects-per-day", f.people, "a number above 0", &r.SubjectsPerDay, positive},
		{"share", f.share, "a fraction above 0 and below 1, such as 0.1", &r.Share, between},
		{"treatments", f.treatments, "a whole number from 1 to 20", &treatments, func(v float64) bool { return v >= 1 && v <= 20 && v == math.Trunc(v) }},
	} {
		if one.text == "" {
			continue
		}
		v, err := strconv.ParseFloat(one.text, 64)
		if err != nil || !one.fits(v) {
			return r, fmt.Errorf("--%s %s: give %s", one.name, one.text, one.want)
		}
		*one.to = &v
	}
	if treatments != nil {
		r.Treatments = int(*treatments)
	}
	if r.Enrollment != nil && r.Effect != nil && *r.Enrollment+*r.Effect > 1 {
		return r, fmt.Errorf("--enrollment-rate %s and --effect %s: together they are above 1", f.enrollment, f.effect)
	}
	return r, nil
}

func between(v float64) bool  { return v > 0 && v < 1 }
func positive(v float64) bool { return v > 0 && v <= 1e12 }

// over lays stated rates over those of the store.
func over(r, stated analysis.Rates) analysis.Rates {
	for _, one := range []struct{ to, from **float64 }{
		{&r.Enrollment, &stated.Enrollment}, {&r.Effect, &stated.Effect}, {&r.Success, &stated.Success}, {&r.Deff, &stated.Deff},
		{&r.LoginsPerDay, &stated.LoginsPerDay}, {&r.SubjectsPerDay, &stated.SubjectsPerDay}, {&r.Share, &stated.Share},
	} {
		if *one.from != nil {
			*one.to = *one.from
		}
	}
	if stated.Treatments > 0 {
		r.Treatments, r.Running = stated.Treatments, 0
	}
	return r
}

var gateNames = map[string]string{"login_success": "login success", "enrollment": "enrollment"}

// writePlan writes the table; people also get what it stands on.
func writePlan(w io.Writer, p *analysis.Planning, format string, width int) error {
	people := format == "table" || format == "markdown"
	table := listing{head: []string{"share_percent", "next_percent", "gate", "unit", "effect_pp", "needed", "needed_one_look", "cost",
		"days", "days_one_look", "found_pp", "reason"}}
	if people {
		table = listing{head: []string{"share", "to show", "pp", "needs", "one look", "cost", "days", "found"}, right: []int{2, 3, 4, 5, 6, 7}}
	}
	for _, s := range p.Steps {
		for _, g := range s.Gates {
			if people {
				table.add(short(s.From*100)+" -> "+short(s.To*100)+" %", gateNames[g.Gate], cell(g.Effect, 100, 2), cell(g.Needed, 1, 0),
					cell(g.Fixed, 1, 0), cell(g.Cost, 1, 2), cell(g.Days, 1, 0), cell(g.Found, 100, 2))
				continue
			}
			table.add(short(s.From*100), short(s.To*100), g.Gate, g.Unit, raw(g.Effect, 100), raw(g.Needed, 1), raw(g.Fixed, 1), raw(g.Cost, 1),
				raw(g.Days, 1), raw(g.DaysFix, 1), raw(g.Found, 100), g.Reason)
		}
	}
	if !people || format == "json" {
		return table.write(w, format, width, p)
	}
	start, bullet := "", ""
	if format == "markdown" {
		start, bullet = "# ", "- "
	}
	of := "before any data"
	if p.Experiment != "" {
		of = "of " + strings.Trim(strconv.QuoteToGraphic(p.Experiment), `"`)
	}
	if _, err := fmt.Fprintf(w, "%sWhat each step of the ramp needs, %s\n\n", start, of); err != nil {
		return err
	}
	if err := table.write(w, format, width, nil); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	for _, line := range planNotes(p) {
		fmt.Fprint(w, bullet)
		wrapFrom(w, width, len(bullet), line)
	}
	return nil
}

// planNotes say what the table stands on, and how long the ramp takes.
func planNotes(p *analysis.Planning) []string {
	r := p.Rates
	known := func(name string, v *float64, times float64, decimals int, unit string) string {
		if v == nil {
			return name + " unknown"
		}
		return name + " " + cell(v, times, decimals) + unit
	}
	notes := []string{"Rates: " + known("enrollment of control", r.Enrollment, 100, 2, " %") + ", " + known("gain", r.Effect, 100, 2, " pp") + "; " +
		known("login success", r.Success, 100, 2, " %") + ", " + known("design effect", r.Deff, 1, 2, "") + "; " +
		known("login attempts a day", r.LoginsPerDay, 1, 0, "") + ", " + known("new people a day", r.SubjectsPerDay, 1, 0, "") + "."}
	notes = append(notes, fmt.Sprintf("needs: login attempts for login success, people for enrollment, starting from none, for %s %% power at two-sided %s %%, looking as often as one likes. "+
		"one look: the same with a single look at a time fixed beforehand; cost is what any number of looks costs over it, at worst.",
		short(p.Power*100), short(p.Alpha*100)),
		fmt.Sprintf("pp: the distance to be shown: the margin of login success if treatment changes nothing; the gain less the smallest one worth a ramp (%s pp). "+
			"found: what %d days can show, likewise, but as the whole gain.", short(p.Plan.DeltaMin*100), p.HorizonDays))
	told := map[string]bool{}
	for _, s := range p.Steps {
		for _, g := range s.Gates {
			if g.Reason != "" && !told[g.Reason] {
				told[g.Reason] = true
				notes = append(notes, gateNames[g.Gate]+": "+g.Reason+".")
			}
		}
	}
	if len(p.Steps) == 0 {
		return append(notes, "The last rung is reached: there is no next step.")
	}
	for _, s := range p.Steps {
		if s.Days == nil {
			return append(notes, "How long the ramp takes cannot be told: "+s.Reason+".")
		}
		notes = append(notes, fmt.Sprintf("%s -> %s %%: %s days with the evidence kept from the steps before; reached on day %s.",
			short(s.From*100), short(s.To*100), cell(s.Days, 1, 0), cell(s.Until, 1, 0)))
	}
	return append(notes, "New people grow fewer as everybody has been seen; then enrollment takes longer.")
}

// cell is a number for people; absent as a dash. Counts are rounded up: half a person is one.
func cell(v *float64, times float64, decimals int) string {
	if v == nil {
		return "-"
	}
	x := *v * times
	if decimals > 0 {
		return strconv.FormatFloat(x, 'f', decimals, 64)
	}
	if x = math.Ceil(x - 1e-9); x >= 1e15 {
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	return group(int64(x))
}

// raw is a number for machines; absent as nothing.
func raw(v *float64, times float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v*times, 'g', -1, 64)
}

// short is a number without needless decimals.
func short(v float64) string { return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64) }
