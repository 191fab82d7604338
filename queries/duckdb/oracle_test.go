package duckdb

import (
	"cmp"
	"maps"
	"slices"

	"keyramp/queries/store"
)

// oracle counts a report's answers a second time, with maps and loops over the
// rows in memory. It shares nothing with the SQL but the meaning.
type oracle struct {
	scope  store.Scope
	events []store.Event
	page   []store.PageEvent
	roles  map[string]store.Role

	forced map[uint64]bool
	people map[phaseUser]*person
	first  map[uint64]*enrolledAt
}

type phaseUser struct {
	phase int
	user  uint64
}

type enrolledAt struct{ log, page, first int64 }

// A person is one subject in one phase.
type person struct {
	origin    int
	variation string
	control   bool
	at        moment
	met       map[string]moment // first exposure to each variation
	logins    int64
	ok        map[string]int64
	failed    map[string]int64
	lost      map[string]int64
	enrolled  *enrolledAt
}

type moment struct {
	at  int64
	log uint64
}

func (m moment) before(o moment) bool {
	return cmp.Or(cmp.Compare(m.at, o.at), cmp.Compare(m.log, o.log)) < 0
}

type attempt struct {
	event     store.Event
	role      store.Role
	phase     int
	user      uint64
	variation string
	rule      string
}

func recount(s store.Scope, events []store.Event, page []store.PageEvent) *store.Counts {
	o := &oracle{scope: s, roles: roles(s.Roles), forced: map[uint64]bool{}, people: map[phaseUser]*person{},
		first: map[uint64]*enrolledAt{}}
	known := map[uint64]bool{}
	for _, e := range events { // first wins
		if !known[e.LogID] && e.At < s.Until {
			o.events = append(o.events, e)
		}
		known[e.LogID] = true
	}
	clear(known)
	for _, p := range page {
		if !known[p.ID] && p.At < s.Until {
			o.page = append(o.page, p)
		}
		known[p.ID] = true
	}
	c := o.count()
	if n := conflicts(events, page, s.Begin(c.Quality.FirstEvent), s.Until); n > 0 {
		c.Conflicts = []store.ConflictCount{{Source: "test", Count: n}}
	}
	return c
}

// conflicts counts the ids of which a copy, dated in [from, until), differs from what came first.
func conflicts(events []store.Event, page []store.PageEvent, from, until store.Micros) int64 {
	differ := map[uint64]bool{}
	first := map[uint64]uint64{}
	copied := func(id, content uint64, at store.Micros) {
		if was, known := first[id]; !known {
			first[id] = content
		} else if was != content && at >= from && at < until {
			differ[id] = true
		}
	}
	for _, e := range events {
		copied(e.LogID, e.Content(), e.At)
	}
	clear(first)
	for _, p := range page {
		copied(p.ID, p.Content(), p.At)
	}
	return int64(len(differ))
}

func (o *oracle) mine(experiment string) bool { return slices.Contains(chain(o.scope), experiment) }

func (o *oracle) window(at int64) bool { return at >= o.scope.Since }

// phaseOf is the phase that was open at a time; any experiment when experiment is "".
func (o *oracle) phaseOf(experiment string, at int64) int {
	for _, p := range slices.Backward(o.scope.Phases) {
		if (experiment == "" || p.Experiment == experiment) && at >= p.From && (p.Until == 0 || at < p.Until) {
			return p.Number
		}
	}
	return 0
}

func (o *oracle) phase(number int) store.Phase {
	return o.scope.Phases[slices.IndexFunc(o.scope.Phases, func(p store.Phase) bool { return p.Number == number })]
}

func (o *oracle) arm(phase int, variation string) (store.Arm, bool) {
	for _, a := range o.phase(phase).Arms {
		if a.Variation == variation {
			return a, true
		}
	}
	return store.Arm{}, false
}

func (o *oracle) known(e store.Event) bool {
	for _, p := range o.scope.Phases {
		if _, ok := o.arm(p.Number, e.Variation.String()); ok && p.Experiment == e.Experiment.String() {
			return true
		}
	}
	return false
}

func (o *oracle) inFlight(e store.Event) bool {
	if o.phaseOf(e.Experiment.String(), e.Assigned) != 0 {
		return false
	}
	for _, p := range o.scope.Phases {
		ended := p.Experiment == e.Experiment.String() && p.Until != 0 && e.Assigned >= p.Until
		if ended && (e.Interactive == store.No || e.Assigned < p.Until+grace.Microseconds()) {
			return true
		}
	}
	return false
}

func (o *oracle) count() *store.Counts {
	c := &store.Counts{Roles: o.roles}
	var carried []store.Event
	for _, e := range o.events {
		if o.mine(e.Experiment.String()) && o.window(e.At) {
			carried = append(carried, e)
		}
	}
	slices.SortFunc(carried, func(a, b store.Event) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.LogID, b.LogID)) })

	// threads: the earliest event that tells
	type thread struct {
		variation string
		at        int64 // of the event that told it
		user      uint64
	}
	transactions, sessions := map[uint64]thread{}, map[uint64]thread{}
	learn := func(threads map[uint64]thread, key uint64, e store.Event) {
		if key == 0 {
			return
		}
		t := threads[key]
		if o.known(e) && (t.variation == "" || e.At == t.at && e.Variation.String() < t.variation) {
			t.variation, t.at = e.Variation.String(), e.At
		}
		if t.user == 0 {
			t.user = e.User
		}
		threads[key] = t
	}
	for _, e := range carried {
		learn(transactions, e.Transaction, e)
		learn(sessions, e.Session, e)
	}
	userOf := func(e store.Event) uint64 {
		if e.User != 0 {
			return e.User
		}
		if u := transactions[e.Transaction].user; e.Transaction != 0 && u != 0 {
			return u
		}
		if e.Session != 0 {
			return sessions[e.Session].user
		}
		return 0
	}

	q := &c.Quality
	exposed := map[uint64]bool{}
	tested := func(e store.Event) bool {
		return e.Test || slices.Contains(o.scope.TestClients, e.ClientID.String()) || slices.Contains(o.scope.TestUsers, e.User)
	}
	for _, e := range carried {
		phase := o.phaseOf(e.Experiment.String(), e.Assigned)
		q.Carried++
		add(&q.UnknownVariation, !o.known(e))
		add(&q.MissingSubject, userOf(e) == 0)
		add(&q.Segment, e.Allocation.String() == "segment")
		add(&q.Inactive, phase == 0)
		add(&q.InFlight, o.inFlight(e))
		add(&q.Late, e.Logged > e.At+300e6)
		if u := userOf(e); u != 0 {
			exposed[u] = true
			if tested(e) || (phase == 0 && !o.inFlight(e)) {
				o.forced[u] = true
			}
		}
		if q.FirstEvent == 0 {
			q.FirstEvent = e.At
		}
		q.LastEvent = e.At
	}
	q.ExposedSubjects, q.ForcedSubjects = int64(len(exposed)), int64(len(o.forced))

	for _, e := range carried {
		phase, user := o.phaseOf(e.Experiment.String(), e.Assigned), userOf(e)
		if phase == 0 || !o.known(e) || user == 0 || o.forced[user] {
			continue
		}
		key, when := phaseUser{phase, user}, moment{e.At, e.LogID}
		p := o.people[key]
		if p == nil {
			p = &person{variation: e.Variation.String(), at: when, met: map[string]moment{},
				ok: map[string]int64{}, failed: map[string]int64{}, lost: map[string]int64{}}
			o.people[key] = p
		}
		if when.at == p.at.at && e.Variation.String() <= p.variation { // at one moment, the smaller id
			arm, _ := o.arm(phase, e.Variation.String())
			p.variation, p.control = e.Variation.String(), arm.Control
		}
		if _, ok := p.met[e.Variation.String()]; !ok {
			p.met[e.Variation.String()] = when
		}
	}
	for key, p := range o.people {
		for earlier := 1; earlier < key.phase; earlier++ {
			before := o.people[phaseUser{earlier, key.user}]
			if before == nil {
				continue
			}
			if p.origin != -1 {
				p.origin = earlier
			}
			if o.treated(earlier, before) {
				p.origin = -1
			}
		}
	}

	for _, e := range o.events {
		if o.roles[e.Type.String()] == store.RoleEnrollment && e.Authenticator.String() == "passkey" && e.User != 0 {
			o.enroll(e.User, e.At, true)
		}
	}
	for _, p := range o.page {
		if p.Phase == store.Completed && p.User != 0 && o.mine(p.Experiment) {
			o.enroll(p.User, p.At, false)
		}
	}
	for key, p := range o.people {
		p.enrolled = o.first[key.user]
	}

	// attempts
	var attempts []attempt
	for _, e := range o.events {
		role := o.roles[e.Type.String()]
		carries := o.mine(e.Experiment.String())
		if !o.window(e.At) || (role != store.RoleSuccess && role != store.RoleFailure) {
			continue
		}
		a := attempt{event: e, role: role, user: userOf(e), rule: "none"}
		switch {
		case carries && !tested(e):
			a.phase = o.phaseOf(e.Experiment.String(), e.Assigned)
		case role == store.RoleFailure && e.Experiment.String() == "":
			if a.phase = o.phaseOf("", e.Assigned); a.phase == 0 {
				continue
			}
		default:
			continue
		}
		if o.forced[a.user] {
			continue
		}
		person := o.people[phaseUser{a.phase, a.user}]
		switch {
		case carries && o.known(e):
			a.variation, a.rule = e.Variation.String(), "event"
		case e.Transaction != 0 && transactions[e.Transaction].variation != "":
			a.variation, a.rule = transactions[e.Transaction].variation, "transaction"
		case e.Session != 0 && sessions[e.Session].variation != "":
			a.variation, a.rule = sessions[e.Session].variation, "session"
		case person != nil && a.user != 0:
			a.variation, a.rule = person.variation, "subject"
		}
		if a.user == 0 {
			add(&q.NamelessFailures, role == store.RoleFailure && a.rule != "none")
			a.rule = "none"
		}
		attempts = append(attempts, a)
	}
	rules := map[store.RuleRow]int64{}
	for _, a := range attempts {
		rules[store.RuleRow{Type: a.event.Type.String(), Role: a.role, Rule: a.rule}]++
		p := o.people[phaseUser{a.phase, a.user}]
		placed := p != nil
		if placed {
			_, placed = p.met[a.variation]
		}
		add(&q.UnplacedAttempts, a.rule != "none" && !placed)
		if p != nil && a.event.Type.String() == "s" && a.rule == "event" {
			p.logins++
		}
		if !placed {
			continue
		}
		if a.role == store.RoleFailure {
			p.failed[a.variation]++
		} else if a.event.Interactive != store.No {
			p.ok[a.variation]++
		}
	}
	for r, n := range rules {
		r.Count = n
		c.Rules = append(c.Rules, r)
	}
	slices.SortFunc(c.Rules, func(a, b store.RuleRow) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Rule, b.Rule))
	})

	o.lost(q)
	o.sums(c)
	o.arrivals(c)
	o.loginDays(c, carried)
	o.crossedAndReturns(c)
	o.seed(c, carried)
	o.pageCounts(c)
	o.enrollmentQuality(q)
	for _, e := range o.events {
		q.LastLog = max(q.LastLog, e.At)
		if q.FirstLog == 0 || e.At < q.FirstLog {
			q.FirstLog = e.At
		}
		of := e.Experiment.String() // an event of another experiment, or of none, meets any phase
		if !o.mine(of) {
			of = ""
		}
		if e.Type.String() == "s" && e.Interactive != store.No && o.window(e.At) && o.phaseOf(of, e.Assigned) != 0 {
			q.LoginsInScope++
			add(&q.LoginsWithout, e.Experiment.String() == "")
		}
	}
	for _, p := range o.page {
		q.LastPage = max(q.LastPage, p.At)
	}
	carry := map[uint64]bool{}
	for key, p := range o.people {
		if p.origin == -1 {
			carry[key.user] = true
		}
	}
	q.CarryOver = int64(len(carry))
	return c
}

func (o *oracle) treated(phase int, p *person) bool {
	for v := range p.met {
		if arm, _ := o.arm(phase, v); !arm.Control {
			return true
		}
	}
	return false
}

func (o *oracle) enroll(user uint64, at int64, log bool) {
	e := o.first[user]
	if e == nil {
		e = &enrolledAt{}
		o.first[user] = e
	}
	earliest := func(t *int64) {
		if *t == 0 || at < *t {
			*t = at
		}
	}
	earliest(&e.first)
	if log {
		earliest(&e.log)
	} else {
		earliest(&e.page)
	}
}

func (o *oracle) lost(q *store.Quality) {
	const half = 30 * 60 * 1_000_000
	var shown []store.PageEvent
	for _, p := range o.page {
		if p.Phase == store.Shown && p.User != 0 && o.mine(p.Experiment) && o.window(p.At) && !o.forced[p.User] &&
			o.phaseOf(p.Experiment, p.At) != 0 {
			shown = append(shown, p)
		}
	}
	for _, p := range shown {
		if p.At+half > o.scope.Until {
			continue
		}
		again := slices.ContainsFunc(shown, func(other store.PageEvent) bool {
			return other.User == p.User && other.At <= p.At+half && moment{p.At, p.ID}.before(moment{other.At, other.ID})
		})
		answered := slices.ContainsFunc(o.events, func(e store.Event) bool {
			return e.Type.String() == "s" && e.User == p.User && e.At >= p.At && e.At <= p.At+half
		})
		if again || answered {
			continue
		}
		q.Lost++
		if person := o.people[phaseUser{o.phaseOf(p.Experiment, p.At), p.User}]; person != nil {
			variation := person.variation
			if _, ok := person.met[p.Variation]; ok {
				variation = p.Variation
			}
			person.lost[variation]++
		}
	}
}

// inPhase tells whether a person may count for enrollment in a phase, and whether it enrolled there.
func (o *oracle) inPhase(phase int, p *person) (eligible, enrolled bool) {
	window := o.phase(phase)
	if p.enrolled == nil {
		return true, false
	}
	if p.enrolled.first < max(window.From, o.scope.Since) {
		return false, false
	}
	return true, window.Until == 0 || p.enrolled.first < window.Until
}

func (o *oracle) sums(c *store.Counts) {
	type key struct {
		row       store.SumsRow
		uncrossed bool
	}
	all := map[key]*store.SumsRow{}
	observe := func(phase int, p *person, variation string, m store.Metric, y, x int64) {
		if p.origin < 0 {
			return
		}
		for _, uncrossed := range []bool{false, true} {
			if uncrossed && len(p.met) > 1 {
				continue
			}
			k := key{store.SumsRow{Phase: phase, Origin: p.origin, Variation: variation, Metric: m}, uncrossed}
			r := all[k]
			if r == nil {
				copied := k.row
				r = &copied
				all[k] = r
			}
			r.N++
			r.Y, r.X, r.YY, r.XX, r.XY = r.Y+y, r.X+x, r.YY+y*y, r.XX+x*x, r.XY+x*y
		}
	}
	for k, p := range o.people {
		if eligible, enrolled := o.inPhase(k.phase, p); eligible {
			y := int64(0)
			add(&y, enrolled)
			observe(k.phase, p, p.variation, store.Enroll, y, 1)
			observe(k.phase, p, p.variation, store.EnrollPerLogin, y, max(p.logins, y))
		}
		for v := range p.met {
			if x := p.ok[v] + p.failed[v] + p.lost[v]; x > 0 {
				observe(k.phase, p, v, store.LoginSuccess, p.ok[v], x)
				o.before(c, k, p, v, p.ok[v], x)
			}
		}
	}
	slices.SortFunc(c.Before, func(a, b store.CovariateRow) int {
		return cmp.Or(cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Variation, b.Variation))
	})
	for k, r := range all {
		if k.uncrossed {
			c.Uncrossed = append(c.Uncrossed, *r)
		} else {
			c.Sums = append(c.Sums, *r)
		}
	}
	order := func(a, b store.SumsRow) int {
		return cmp.Or(cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Origin, b.Origin),
			cmp.Compare(a.Variation, b.Variation), cmp.Compare(a.Metric, b.Metric))
	}
	slices.SortFunc(c.Sums, order)
	slices.SortFunc(c.Uncrossed, order)
}

// before adds a subject's failed attempts before the first phase to its row.
func (o *oracle) before(c *store.Counts, k phaseUser, p *person, variation string, y, x int64) {
	if !o.scope.Covariates || p.origin < 0 {
		return
	}
	failures := int64(0)
	for _, e := range o.events {
		add(&failures, e.User == k.user && o.roles[e.Type.String()] == store.RoleFailure && e.At < o.scope.Phases[0].From)
	}
	if failures == 0 {
		return
	}
	i := slices.IndexFunc(c.Before, func(r store.CovariateRow) bool {
		return r.Phase == k.phase && r.Origin == p.origin && r.Variation == variation
	})
	if i < 0 {
		i = len(c.Before)
		c.Before = append(c.Before, store.CovariateRow{Phase: k.phase, Origin: p.origin, Variation: variation})
	}
	r := &c.Before[i]
	r.P, r.PP, r.PY, r.PX = r.P+failures, r.PP+failures*failures, r.PY+failures*y, r.PX+failures*x
}

func day(at int64) int64 { return at - at%86_400_000_000 }

func (o *oracle) arrivals(c *store.Counts) {
	type key struct {
		phase, origin int
		variation     string
		day           int64
	}
	all := map[key]*store.ArrivalRow{}
	at := func(phase int, p *person, when int64) *store.ArrivalRow {
		k := key{phase, p.origin, p.variation, day(when)}
		if all[k] == nil {
			all[k] = &store.ArrivalRow{Phase: phase, Origin: p.origin, Variation: p.variation, Day: k.day}
		}
		return all[k]
	}
	for k, p := range o.people {
		if p.origin < 0 {
			continue
		}
		eligible, enrolled := o.inPhase(k.phase, p)
		r := at(k.phase, p, p.at.at)
		r.Subjects++
		add(&r.Eligible, eligible)
		if enrolled {
			at(k.phase, p, max(p.at.at, p.enrolled.first)).Enrolled++
		}
	}
	for _, r := range all {
		c.Arrivals = append(c.Arrivals, *r)
	}
	slices.SortFunc(c.Arrivals, func(a, b store.ArrivalRow) int {
		return cmp.Or(cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Origin, b.Origin),
			cmp.Compare(a.Variation, b.Variation), cmp.Compare(a.Day, b.Day))
	})
}

func (o *oracle) loginDays(c *store.Counts, carried []store.Event) {
	all := map[store.LoginDayRow]int64{}
	for _, e := range carried {
		tested := e.Test || slices.Contains(o.scope.TestClients, e.ClientID.String()) || slices.Contains(o.scope.TestUsers, e.User)
		phase := o.phaseOf(e.Experiment.String(), e.Assigned)
		if o.roles[e.Type.String()] == store.RoleSuccess && e.Interactive != store.No && o.known(e) && phase > 0 && !tested && !o.forced[e.User] {
			all[store.LoginDayRow{Phase: phase, Variation: e.Variation.String(), Day: day(e.At)}]++
		}
	}
	for r, n := range all {
		r.Logins = n
		c.LoginDays = append(c.LoginDays, r)
	}
	slices.SortFunc(c.LoginDays, func(a, b store.LoginDayRow) int {
		return cmp.Or(cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Variation, b.Variation), cmp.Compare(a.Day, b.Day))
	})
}

func (o *oracle) crossedAndReturns(c *store.Counts) {
	crossed, returns := map[int]*store.CrossRow{}, map[[2]int]*store.ReturnRow{}
	for k, p := range o.people {
		r := crossed[k.phase]
		if r == nil {
			r = &store.CrossRow{Phase: k.phase}
			crossed[k.phase] = r
		}
		r.Subjects++
		add(&r.Crossed, len(p.met) > 1)
		add(&r.Control, p.control)
		add(&r.Left, p.control && o.treated(k.phase, p))
		for later := k.phase + 1; !p.control && later <= len(o.scope.Phases); later++ {
			again := o.people[phaseUser{later, k.user}]
			if again == nil {
				continue
			}
			pair := [2]int{k.phase, later}
			if returns[pair] == nil {
				returns[pair] = &store.ReturnRow{From: k.phase, To: later}
			}
			returns[pair].Seen++
			add(&returns[pair].Still, !again.control)
		}
	}
	for _, phase := range slices.Sorted(maps.Keys(crossed)) {
		c.Crossed = append(c.Crossed, *crossed[phase])
	}
	for _, r := range returns {
		c.Returns = append(c.Returns, *r)
	}
	slices.SortFunc(c.Returns, func(a, b store.ReturnRow) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
}

func (o *oracle) seed(c *store.Counts, carried []store.Event) {
	all := map[store.SeedRow]*store.SeedRow{}
	at := func(phase int, variation string) *store.SeedRow {
		k := store.SeedRow{Phase: phase, Variation: variation}
		if all[k] == nil {
			copied := k
			all[k] = &copied
		}
		return all[k]
	}
	for _, e := range carried {
		if e.Type.String() == "s" {
			r := at(o.phaseOf(e.Experiment.String(), e.Assigned), e.Variation.String())
			r.Logins++
			add(&r.SSO, e.Interactive == store.No)
		}
	}
	for _, p := range o.page {
		if p.Phase == store.Completed && o.mine(p.Experiment) && o.window(p.At) {
			at(o.phaseOf(p.Experiment, p.At), p.Variation).PageCompleted++
		}
	}
	for k, p := range o.people {
		window := o.phase(k.phase)
		if p.enrolled != nil && p.enrolled.log > 0 && p.enrolled.log >= max(window.From, o.scope.Since) &&
			(window.Until == 0 || p.enrolled.log < window.Until) {
			at(k.phase, p.variation).LogEnrolled++
		}
	}
	for _, r := range all {
		c.Seed = append(c.Seed, *r)
	}
	slices.SortFunc(c.Seed, func(a, b store.SeedRow) int {
		return cmp.Or(cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Variation, b.Variation))
	})
}

func (o *oracle) pageCounts(c *store.Counts) {
	all := map[store.PageRow]*store.PageRow{}
	for _, p := range o.page {
		if !o.mine(p.Experiment) || !o.window(p.At) {
			continue
		}
		k := store.PageRow{Phase: o.phaseOf(p.Experiment, p.At), Variation: p.Variation, Event: p.Phase, Day: day(p.At)}
		if all[k] == nil {
			copied := k
			all[k] = &copied
		}
		all[k].Events++
		add(&all[k].WithUser, p.User != 0)
		add(&all[k].Verified, p.Verified)
	}
	for _, r := range all {
		c.Page = append(c.Page, *r)
	}
	slices.SortFunc(c.Page, func(a, b store.PageRow) int {
		return cmp.Or(cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Variation, b.Variation),
			cmp.Compare(a.Event, b.Event), cmp.Compare(a.Day, b.Day))
	})
}

func (o *oracle) enrollmentQuality(q *store.Quality) {
	first := map[uint64]*person{}
	for phase := len(o.scope.Phases); phase > 0; phase-- {
		for k, p := range o.people {
			if k.phase == phase {
				first[k.user] = p
			}
		}
	}
	for _, p := range o.page {
		if p.Phase != store.Completed || !o.mine(p.Experiment) || !o.window(p.At) {
			continue
		}
		q.PageCompleted++
		if p.User == 0 || o.forced[p.User] {
			continue
		}
		q.PageCompletedUser++
		person := first[p.User]
		add(&q.PageUnmatched, person == nil)
		add(&q.PageControl, person != nil && person.control)
		add(&q.PageVariationDiffers, person != nil && person.variation != p.Variation)
	}
	for user, person := range first {
		e := o.first[user]
		if e == nil {
			continue
		}
		add(&q.LogEnrollments, e.log > 0)
		add(&q.BothEnrollments, e.log > 0 && e.page > 0)
		add(&q.PageOnlyEnrollments, e.log == 0 && e.page > 0)
		add(&q.LogOnlyTreated, e.log > 0 && e.page == 0 && !person.control)
		add(&q.BothControl, e.log > 0 && e.page > 0 && person.control)
		add(&q.PageOnlyControl, e.log == 0 && e.page > 0 && person.control)
		add(&q.LogOnlyControl, e.log > 0 && e.page == 0 && person.control)
	}
}

func add(n *int64, when bool) {
	if when {
		*n++
	}
}
