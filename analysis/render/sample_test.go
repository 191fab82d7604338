package render

import (
	"time"

	"keyramp/analysis"
	"keyramp/queries/store"
)

// The tenants of this file can be counted by hand: every subject tries to log in five times.

var start = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

func at(days int) store.Micros { return start.AddDate(0, 0, days).UnixMicro() }

// A crowd is one variation of one stratum: so many people arrive each day of the phase, so many of them enroll on
// the day they arrive, and one in failEvery fails one of its five logins.
type crowd struct {
	phase, origin int
	variation     string
	fromDay, days int
	perDay        int64
	enrollPerDay  int64
	failEvery     int64
}

func (c crowd) fill(counts *store.Counts) {
	n, y := c.perDay*int64(c.days), c.enrollPerDay*int64(c.days)
	k := n / c.failEvery
	row := func(m store.Metric, n, y, x, yy, xx, xy int64) store.SumsRow {
		return store.SumsRow{Phase: c.phase, Origin: c.origin, Variation: c.variation, Metric: m, N: n, Y: y, X: x, YY: yy, XX: xx, XY: xy}
	}
	counts.Sums = append(counts.Sums,
		row(store.Enroll, n, y, n, y, n, y),
		row(store.EnrollPerLogin, n, y, 5*n-k, y, 25*(n-k)+16*k, 5*y),
		row(store.LoginSuccess, n, 5*n-k, 5*n, 25*(n-k)+16*k, 25*n, 25*(n-k)+20*k))
	for d := range c.days {
		counts.Arrivals = append(counts.Arrivals, store.ArrivalRow{Phase: c.phase, Origin: c.origin, Variation: c.variation,
			Day: at(c.fromDay + d), Subjects: c.perDay, Eligible: c.perDay, Enrolled: c.enrollPerDay})
		if c.origin == 0 {
			counts.LoginDays = append(counts.LoginDays, store.LoginDayRow{Phase: c.phase, Variation: c.variation,
				Day: at(c.fromDay + d), Logins: (5*n - k) / int64(c.days)})
		}
	}
	byPage := y
	if c.variation == "var_c" { // who sees no prompt enrolls elsewhere
		byPage = 0
	}
	counts.Seed = append(counts.Seed, store.SeedRow{Phase: c.phase, Variation: c.variation, Logins: 5*n - k, PageCompleted: byPage, LogEnrolled: y})
	counts.Quality.Carried += 5 * n
	counts.Quality.ExposedSubjects += n
	counts.Quality.PageCompleted += byPage
	counts.Quality.PageCompletedUser += byPage
	counts.Quality.LogEnrollments += y
	counts.Quality.BothEnrollments += byPage
	counts.Quality.LogOnlyControl += y - byPage
	counts.Rules[0].Count += 5*n - k
	counts.Rules[1].Count += k
}

func tenant(plan analysis.Plan, phases []store.Phase, until int, crowds ...crowd) analysis.Input {
	c := &store.Counts{Rules: []store.RuleRow{
		{Type: "s", Role: store.RoleSuccess, Rule: "event"},
		{Type: "fp", Role: store.RoleFailure, Rule: "subject"},
		{Type: "fp", Role: store.RoleFailure, Rule: "none", Count: 25}},
		Roles: map[string]store.Role{"s": store.RoleSuccess, "fp": store.RoleFailure}}
	crossed := map[int]*store.CrossRow{}
	for i, p := range phases {
		crossed[p.Number] = &store.CrossRow{Phase: p.Number}
		phases[i].Number = i + 1
	}
	for _, one := range crowds {
		one.fill(c)
		n := one.perDay * int64(one.days)
		crossed[one.phase].Subjects += n
		for _, a := range phases[one.phase-1].Arms {
			if a.Variation == one.variation && a.Control {
				crossed[one.phase].Control += n
			}
		}
	}
	for _, p := range phases {
		c.Crossed = append(c.Crossed, *crossed[p.Number])
	}
	c.Quality.FirstEvent, c.Quality.LastEvent = at(0), at(until)-1_000_000
	c.Quality.LastLog, c.Quality.LastPage = at(until)-500_000, at(until)-2_000_000
	return analysis.Input{Plan: plan, Name: "Passkey prompt", Counts: c, AsOf: at(until), Watermark: at(until), Version: "test",
		Scope: store.Scope{Experiment: "exp_1", Phases: phases, Until: at(until)}}
}

func phase(number, from, until, treatment int) store.Phase {
	p := store.Phase{Number: number, Experiment: "exp_1", From: at(from), Known: true, Strategy: "percentage", Source: "tenant",
		Arms: []store.Arm{{Variation: "var_c", Name: "control", Weight: 100 - treatment, Control: true},
			{Variation: "var_t", Name: "passkey prompt", Weight: treatment}}}
	if until > 0 {
		p.Until = at(until)
	}
	return p
}

var tenants = map[string]func() analysis.Input{
	// Nine days at 10 %: control enrolls 9 of 9,000 people, treatment 54 of 1,000; one person in twenty fails one of five logins.
	"ramp": func() analysis.Input {
		return tenant(analysis.DefaultPlan(), []store.Phase{phase(1, 0, 0, 10)}, 9,
			crowd{1, 0, "var_c", 0, 9, 9000, 9, 20}, crowd{1, 0, "var_t", 0, 9, 1000, 54, 20})
	},
	// Two quiet days: nobody in control enrolled yet.
	"young": func() analysis.Input {
		return tenant(analysis.DefaultPlan(), []store.Phase{phase(1, 0, 0, 10)}, 2,
			crowd{1, 0, "var_c", 0, 2, 90, 0, 20}, crowd{1, 0, "var_t", 0, 2, 10, 1, 20})
	},
	// One treated person in five fails a login, against one in fifty in control.
	"harm": func() analysis.Input {
		return tenant(analysis.DefaultPlan(), []store.Phase{phase(1, 0, 0, 10)}, 9,
			crowd{1, 0, "var_c", 0, 9, 900, 9, 50}, crowd{1, 0, "var_t", 0, 9, 100, 9, 1})
	},
	// Half of the treated people are missing.
	"mismatch": func() analysis.Input {
		return tenant(analysis.DefaultPlan(), []store.Phase{phase(1, 0, 0, 10)}, 9,
			crowd{1, 0, "var_c", 0, 9, 900, 1, 20}, crowd{1, 0, "var_t", 0, 9, 50, 5, 20})
	},
	// 10 % for nine days, then 25 % for five: buckets are kept, and a base rate three times as high would fool the pooled numbers.
	"phases": func() analysis.Input {
		in := tenant(analysis.DefaultPlan(), []store.Phase{phase(1, 0, 9, 10), phase(2, 9, 0, 25)}, 14,
			crowd{1, 0, "var_c", 0, 9, 900, 9, 20}, crowd{1, 0, "var_t", 0, 9, 100, 6, 20},
			crowd{2, 0, "var_c", 9, 5, 750, 23, 20}, crowd{2, 0, "var_t", 9, 5, 250, 20, 20},
			crowd{2, 1, "var_c", 9, 5, 500, 10, 20}, crowd{2, 1, "var_t", 9, 5, 100, 5, 20})
		in.Counts.Returns = []store.ReturnRow{{From: 1, To: 2, Seen: 600, Still: 599}}
		in.Counts.Quality.CarryOver = 600
		// Of 179 treated people who enrolled the log does not know 3, and the page does not know 2.
		q := &in.Counts.Quality
		q.BothEnrollments, q.PageOnlyEnrollments, q.LogOnlyTreated = q.BothEnrollments-5, 3, 2
		q.LogEnrollments, q.PageCompleted, q.PageCompletedUser = q.LogEnrollments-3, q.PageCompleted-2, q.PageCompletedUser-2
		in.Counts.Seed[1].PageCompleted, in.Counts.Seed[1].LogEnrolled = 54-2, 54-3
		in.Counts.Losses = store.Losses{
			Gaps: []store.Gap{{Source: "auth0:acme.example", From: at(3), Until: at(3) + 3_600_000_000},
				{Source: "page:app.example", From: at(4), Until: at(4) + 5*3_600_000_000, StoredHours: 4}},
			Rejects:   []store.RejectCount{{Reason: "bad_time", Count: 3}},
			Undated:   []store.UndatedCount{{Source: "file:logs/a.ndjson", Run: at(5), Count: 2}},
			Conflicts: []store.ConflictCount{{Source: "auth0:acme.example", Count: 1}},
		}
		return in
	},
	// Nothing but an experiment id, and a name that plays tricks.
	"empty": func() analysis.Input {
		return analysis.Input{Plan: analysis.DefaultPlan(), Name: "a|b `c` <script>\x1b[31m", AsOf: at(1), Version: "test",
			Scope: store.Scope{Experiment: "=cmd()", Until: at(1)}}
	},
	// Weights were never told, and one variation has a hostile name.
	"unknown": func() analysis.Input {
		p := phase(1, 0, 0, 10)
		p.Known, p.Source = false, "events"
		for i := range p.Arms {
			p.Arms[i].Weight = -1
		}
		p.Arms[1].Name = "<b>\u202egnp|`x`"
		return tenant(analysis.DefaultPlan(), []store.Phase{p}, 9,
			crowd{1, 0, "var_c", 0, 9, 900, 1, 20}, crowd{1, 0, "var_t", 0, 9, 100, 5, 20})
	},
	// The tenant of ramp, in a plan with one look on day nine.
	"fixed": func() analysis.Input {
		in := tenant(analysis.DefaultPlan(), []store.Phase{phase(1, 0, 0, 10)}, 9,
			crowd{1, 0, "var_c", 0, 9, 9000, 9, 20}, crowd{1, 0, "var_t", 0, 9, 1000, 54, 20})
		day9 := start.AddDate(0, 0, 9)
		in.Plan.Mode, in.Plan.Method, in.Plan.Horizon = analysis.Fixed, analysis.MethodScore, &day9
		return in
	},
	// The same, asked two days too early.
	"early": func() analysis.Input {
		in := tenant(analysis.DefaultPlan(), []store.Phase{phase(1, 0, 0, 10)}, 7,
			crowd{1, 0, "var_c", 0, 7, 9000, 9, 20}, crowd{1, 0, "var_t", 0, 7, 1000, 54, 20})
		day9 := start.AddDate(0, 0, 9)
		in.Plan.Mode, in.Plan.Horizon = analysis.Fixed, &day9
		return in
	},
	// The tenant of ramp, but everybody in one country gets the prompt.
	"segment": func() analysis.Input {
		p := phase(1, 0, 0, 10)
		p.Strategy = "segment"
		for i := range p.Arms {
			p.Arms[i].Weight = -1
		}
		p.Arms[1].Segment = "country_de"
		return tenant(analysis.DefaultPlan(), []store.Phase{p}, 9,
			crowd{1, 0, "var_c", 0, 9, 9000, 9, 20}, crowd{1, 0, "var_t", 0, 9, 1000, 54, 20})
	},
	// Two prompts against one control.
	"three": func() analysis.Input {
		p := phase(1, 0, 0, 20)
		p.Arms[1].Weight = 10
		p.Arms = append(p.Arms, store.Arm{Variation: "var_u", Name: "loud prompt", Weight: 10})
		return tenant(analysis.DefaultPlan(), []store.Phase{p}, 9, crowd{1, 0, "var_c", 0, 9, 8000, 8, 20},
			crowd{1, 0, "var_t", 0, 9, 1000, 54, 20}, crowd{1, 0, "var_u", 0, 9, 1000, 60, 2})
	},
}
