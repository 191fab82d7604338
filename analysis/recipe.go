package analysis

import (
	"slices"
	"strings"

	"keyramp/queries/store"
	"keyramp/stats"
)

// recipeTest is the name of the recipe's test wherever it is printed.
const recipeTest = "pooled two-proportion z test on events (descriptive: logins of one person are not independent)"

// recipe counts logins and enrollments per variation, as a person would by hand.
func (d *design) recipe(rows []store.SeedRow) Recipe {
	out := Recipe{Method: recipeTest, Variations: []RecipeRow{}, Phases: []RecipeRow{}, Tests: []RecipeZ{}}
	totals := map[string]*RecipeRow{}
	perPhase := map[int]int64{}
	for _, r := range rows {
		out.Logins += r.Logins
		perPhase[r.Phase] += r.Logins
		id := d.canonical(r.Variation)
		t := totals[id]
		if t == nil {
			t = &RecipeRow{Variation: id}
			totals[id] = t
		}
		t.Logins += r.Logins
		t.SSO += r.SSO
		t.Enrollments += r.PageCompleted
		t.LogEnrolled += r.LogEnrolled
	}
	for _, v := range append(slices.Clone(d.controls), d.treatments...) {
		if totals[v.ID] == nil { // promised by the tenant, never seen
			totals[v.ID] = &RecipeRow{Variation: v.ID}
		}
	}
	for _, t := range totals {
		d.finish(t, out.Logins)
		out.Variations = append(out.Variations, *t)
	}
	slices.SortFunc(out.Variations, func(a, b RecipeRow) int { return d.order(a.Variation, b.Variation) })
	for _, r := range rows {
		row := RecipeRow{Phase: r.Phase, Variation: r.Variation, Logins: r.Logins, SSO: r.SSO,
			Enrollments: r.PageCompleted, LogEnrolled: r.LogEnrolled}
		d.finish(&row, perPhase[r.Phase])
		out.Phases = append(out.Phases, row)
	}
	slices.SortStableFunc(out.Phases, func(a, b RecipeRow) int {
		if a.Phase != b.Phase {
			return a.Phase - b.Phase
		}
		return d.order(d.canonical(a.Variation), d.canonical(b.Variation))
	})
	if len(d.controls) > 0 {
		for _, t := range d.treatments {
			treated, control := *totals[t.ID], *totals[d.controls[0].ID]
			out.Tests = append(out.Tests, recipeZ(t.ID, "page", treated.Enrollments, treated.Logins, control.Enrollments, control.Logins))
			if treated.LogEnrolled+control.LogEnrolled > 0 {
				out.Tests = append(out.Tests, recipeZ(t.ID, "tenant_log", treated.LogEnrolled, treated.Logins, control.LogEnrolled, control.Logins))
			}
		}
	}
	return out
}

// finish fills the name and the quotients of a row.
func (d *design) finish(r *RecipeRow, logins int64) {
	r.Name, r.Control = d.name(r.Variation)
	if logins > 0 {
		r.Share = ptr(float64(r.Logins) / float64(logins))
	}
	if r.Logins > 0 {
		r.Rate = ptr(float64(r.Enrollments) / float64(r.Logins))
		r.LogRate = ptr(float64(r.LogEnrolled) / float64(r.Logins))
	}
}

func recipeZ(treatment, source string, yT, nT, yC, nC int64) RecipeZ {
	out := RecipeZ{Treatment: treatment, Source: source}
	switch z, ok := stats.PooledZ(yT, nT, yC, nC); {
	case nT == 0 || nC == 0:
		out.Reason = "a variation has no logins"
	case yT+yC == 0:
		out.Reason = "nobody enrolled"
	case yT > nT || yC > nC:
		out.Reason = "more enrollments than logins"
	case ok:
		out.Z, out.P = &z.Z, &z.PTwoSided
	default:
		out.Reason = "every login enrolled"
	}
	return out
}

// name finds what the phases call a variation, and whether they mark it as control.
func (d *design) name(id string) (name string, control bool) {
	for _, p := range d.phases {
		for _, a := range p.Arms {
			if a.Variation == id {
				if a.Name != "" {
					name = a.Name
				}
				control = control || a.Control
			}
		}
	}
	return name, control
}

// order sorts control first, then its twins, treatments and what nobody knows.
func (d *design) order(a, b string) int {
	rank := func(id string) int {
		if i := slices.IndexFunc(d.controls, func(v Variation) bool { return v.ID == id }); i >= 0 {
			return i
		}
		if i := slices.IndexFunc(d.treatments, func(v Variation) bool { return v.ID == id }); i >= 0 {
			return len(d.controls) + i
		}
		return 1 << 20
	}
	if x, y := rank(a), rank(b); x != y {
		return x - y
	}
	return strings.Compare(a, b)
}
