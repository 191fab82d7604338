package analysis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"keyramp/queries/store"
)

// fewAttempts is how many attempts may pass without a single failed one before
// it looks as if failures were not read at all. Far fewer than a ramp needs.
const fewAttempts = 1000

// A judge collects flags.
type judge struct{ flags []Flag }

// above raises a flag when count/of is above the limit. Without anything to divide by nothing is raised.
func (j *judge) above(name string, count, of int64, limit float64, words, do string) {
	if of <= 0 || float64(count)/float64(of) <= limit {
		return
	}
	j.flags = append(j.flags, Flag{Name: name, Blocking: true, Count: &count, Of: &of,
		Value: ptr(float64(count) / float64(of)), Limit: &limit, Words: words, Do: do})
}

// block raises a flag that needs no limit.
func (j *judge) block(name string, count *int64, words, do string) {
	j.flags = append(j.flags, Flag{Name: name, Blocking: true, Count: count, Words: words, Do: do})
}

// tell reports count of a whole as information when there is any; of 0 means that there is no whole.
func (j *judge) tell(name string, count, of int64, words, do string) {
	if count == 0 {
		return
	}
	f := Flag{Name: name, Count: &count, Words: words, Do: do}
	if of > 0 {
		f.Of, f.Value = &of, ptr(float64(count)/float64(of))
	}
	j.flags = append(j.flags, f)
}

// quality raises the flags: first those of the sample ratio and the guardrail, then the others in order of weight,
// then information.
func (d *design) quality(r *Report, in Input, unlinked bool) []Flag {
	q, limits := in.Counts.Quality, r.Plan.Limits
	j := &judge{flags: []Flag{}}

	if purged(in) {
		j.block("purged", nil,
			"Events from before "+Time(in.Purged).String()+" were purged, so a phase that is asked about lacks its beginning: who came first, and in which variation, is not known.",
			"Ask with --since at that time or later, or purge only what is older than the experiment.")
	}
	if r.SampleRatio.Mismatch {
		j.flags = append(j.flags, Flag{Name: "sample_ratio_mismatch", Blocking: true,
			Value: r.SampleRatio.MaxLogE, Limit: &r.SampleRatio.Threshold,
			Words: "Subjects did not fall to the variations as the weights promise, so the groups differ in more than the prompt.",
			Do:    "Look for pinned clients, a redirect that loses logins, a weight that changed unseen, and logs that are not read completely."})
	}
	var attributed, failed, attempts int64
	for _, a := range r.Attribution {
		attempts += a.Total
		if a.Role == store.RoleFailure {
			failed += a.Total
			attributed += a.Total - a.None
		}
	}
	// A young experiment in which nobody has failed yet lacks time, not attribution.
	young := failed == 0 && attempts > 0 && attempts < fewAttempts
	if attributed == 0 && !young {
		j.block("guardrail_unavailable", &attributed,
			"No failed login can be attributed to a person and a variation, so it is not known whether logins suffer.",
			"Check that failure events (f, fp, fu …) are read, and that they carry the experiment, a transaction, a session or a user.")
	}
	if r.SampleRatio.Zero > 0 {
		j.block("impossible_assignment", &r.SampleRatio.Zero,
			"Subjects were seen in a variation that the phase does not give out.",
			"Look for forced assignments (experiment_id and variation_id on /authorize), and for a change of weights that nobody told.")
	}
	if d.bySegment(q) {
		j.block("not_randomised", &q.Segment,
			"The experiment allocates by segment: variations differ by who is in them, so differences are descriptive.",
			"Use the percentage strategy when the question is whether the prompt works.")
	}
	if n, last := d.unknownWeights(in.Counts); n > 0 || last {
		do := "Let pull read the experiment (scope read:experimentation), or state the phases with their weights in the configuration."
		if r.Exposure != nil && r.Exposure.Reading == UnknownReading {
			do = "Wait until more people are seen, which shows what a level means; or state the phases with their weights in the configuration."
		}
		words := "The weights of a phase in which people were seen are not known."
		if n == 0 {
			words = "The weights of the last phase are not known."
		}
		j.block("weights_unknown", &n, words, do)
	}
	worst := store.CrossRow{Subjects: 1}
	for _, c := range in.Counts.Crossed {
		if c.Crossed*worst.Subjects > worst.Crossed*c.Subjects {
			worst = c
		}
	}
	j.above("crossover", worst.Crossed, worst.Subjects, limits.Crossover,
		fmt.Sprintf("Many people were seen in two variations inside phase %d, more than several devices per person explain.", worst.Phase),
		"Check that assignment is sticky: cookies of the login domain, a custom domain that changed, a client that pins variations.")
	j.above("forced_assignment", q.ForcedSubjects, q.ExposedSubjects, limits.ForcedAssignment,
		"Forced or test traffic is more than a trace. These people are left out of every number.",
		"Find the clients that set variation_id on /authorize, and events of the experiment while it was not active.")
	j.above("unknown_variation", q.UnknownVariation, q.Carried, limits.UnknownVariation,
		"Events name variations that the experiment does not have.",
		"Compare the variation ids with the tenant's; if the experiment was edited, let pull read it again.")
	nameless, of, words := q.MissingSubject, q.Carried, "Events of the experiment name no user, also not by transaction or session."
	if failures := attributed + q.NamelessFailures; q.NamelessFailures >= enoughEvents && q.NamelessFailures*of > nameless*failures {
		nameless, of = q.NamelessFailures, failures
		words = "Failed logins of a known variation name no user, also not by transaction or session: a drop of login success may hide in them."
	}
	j.above("missing_subject", nameless, of, limits.MissingSubject, words,
		"Check which event types and clients they are; people behind them are not counted.")
	const unread = "bad_experiment" // of package ingest
	for _, lost := range r.Rejects {
		if lost.Reason == unread {
			j.above("unreadable_experiment", lost.Count, q.Carried+lost.Count, limits.UnknownVariation,
				"Events with experiment data that cannot be read were put aside: nobody knows which variation they belong to.",
				"See `keyramp rejects`, and `keyramp rejects retry` once the cause is gone.")
		}
	}
	gaps(j, r, true)
	quiet := d.quietDays(in)
	quiet.raise(j, limits.PageGap, true)
	edited, pageEvents := d.editedIDs(in.Counts)
	if unlinked {
		j.above("page_edited_ids", edited, pageEvents, limits.UnknownVariation,
			"Page events that name control, which is never sent to the page, or a variation that does not exist: the ids in the link were edited. The page names no user, so its counts go by these ids.",
			"Sign the ids into the token that the page reads.")
	}
	j.above("unmatched_enrollment", q.PageUnmatched, q.PageCompletedUser, limits.UnmatchedEnrollment,
		"The page reports enrollments of people who were never seen in the experiment.",
		"Check that page and tenant use the same user ids and the same key, and that the tenant's logs have no gap.")
	if n := len(d.phases); n > 0 && in.AsOf > 0 {
		last := d.phases[n-1]
		active := last.Until == 0 || last.Until >= in.AsOf
		quiet := (time.Duration(in.AsOf-max(q.LastEvent, last.From)) * time.Microsecond).Hours()
		// In hours: a limit that is meant to be never reached may be longer than a Duration can be.
		if limit := float64(limits.StaleHours); active && quiet > limit {
			j.flags = append(j.flags, Flag{Name: "stale", Blocking: true, Value: &quiet, Limit: &limit,
				Words: "No event of the experiment for too many hours although it is active.",
				Do:    "Run pull, look at status, and check that the experiment is still active at the tenant."})
		}
	}

	d.information(j, r, in, unlinked)
	return j.flags
}

// information tells what a reader should know and what does not block.
func (d *design) information(j *judge, r *Report, in Input, unlinked bool) {
	q := in.Counts.Quality
	if n := int64(len(r.PlanChanges)); n > 0 {
		var words []string
		for _, c := range r.PlanChanges {
			words = append(words, c.String())
		}
		j.tell("plan_changed", n, 0,
			"The plan was changed after the first recorded decision, and what is promised of errors holds for a plan that is kept. "+strings.Join(words, "; ")+".",
			"Read earlier verdicts with the plan that they were taken under: `keyramp decisions list`.")
	}
	gaps(j, r, false)
	d.quietDays(in).raise(j, r.Plan.Limits.PageGap, false)
	if share := float64(q.ForcedSubjects) / float64(max(1, q.ExposedSubjects)); share <= r.Plan.Limits.ForcedAssignment {
		j.tell("forced_assignment", q.ForcedSubjects, q.ExposedSubjects, "A trace of forced or test traffic, left out of every number.", "")
	}
	if edited, of := d.editedIDs(in.Counts); !unlinked {
		j.tell("page_edited_ids", edited, of,
			"Page events that name control, which is never sent to the page, or a variation that does not exist: the ids in the link were edited. People are placed by the tenant's log, so they change no number of the comparison.",
			"Sign the ids into the token that the page reads.")
	}
	dated, undated := r.aside()
	j.tell("rejected_records", dated+undated, 0,
		"Records that could not be read were put aside: of the analysed time, or of a time that nobody knows.",
		"`keyramp rejects` says where and why; `keyramp rejects retry` reads them again.")
	var differ int64
	for _, c := range r.Conflicts {
		differ += c.Count
	}
	j.tell("conflicting_records", differ, 0,
		"Events that came again with another content. What came first counts.", "")
	if in.Purged != 0 && !purged(in) {
		j.tell("purged_history", 1, 0,
			"Events from before "+Time(in.Purged).String()+" were purged: whoever had enrolled by then counts as somebody who had not.", "")
	}
	without := q.PageCompleted - q.PageCompletedUser
	if unlinked {
		j.tell("enrollment_unlinked", without, q.PageCompleted,
			"The page's enrollments name no user. They are counted per variation and not joined, so repeats by one person, carry-over and edited ids cannot be seen.",
			"Let the page send user_id, from a signed token.")
	} else {
		j.tell("enrollment_unlinked", without, q.PageCompleted,
			"Enrollments of the page that name no user are left out of the comparison.",
			"Let the page send user_id, from a signed token.")
	}
	if r.EnrollmentSignal == SignalPage || r.EnrollmentSignal == SignalUnlinked {
		j.tell("structural_zero", q.PageCompleted, 0,
			"Enrollments are known from the prompt's page alone, which control does not see: the difference is the prompt's gross yield, and a ratio above 1 is no finding.",
			"Let the tenant's enrollment events be read (gd_enrollment_complete); they exist in both variations.")
	}
	if r.EnrollmentSignal == SignalBoth {
		j.tell("page_only_enrollments", q.PageOnlyEnrollments, q.PageOnlyEnrollments+q.LogEnrollments,
			"Enrollments that the page reports and the tenant log does not know. Only treatment can have them, so they lift its rate.",
			"Check that the tenant's enrollment events are read completely.")
	}
	j.tell("no_experiment", q.LoginsWithout, q.LoginsInScope,
		"Interactive logins without experiment data while a phase was open: another flow, or the assignment failed. They are never counted as control.", "")
	j.tell("control_enrollment", q.PageControl, q.PageCompletedUser,
		"Completed events of the prompt's page by people first seen in control: a second device or browser gave them the prompt, they reached the page without one, or the id was edited.", "")
	j.tell("page_variation_differs", q.PageVariationDiffers, q.PageCompletedUser,
		"The page names another variation than the person was first seen in. The person's own is used.", "")
	j.tell("carry_over", q.CarryOver, q.ExposedSubjects,
		"People once treated who came back in a later phase. They are left out of the comparison there.", "")
	unused := int64(0)
	for _, u := range d.uses {
		if !u.InDifference {
			unused += u.Subjects
		}
	}
	j.tell("returning_unused", unused, q.ExposedSubjects,
		"Returning control subjects whose chance of treatment is not known. They are left out of the comparison.", "")
	j.tell("lost_prompts", q.Lost, 0,
		"Prompts after which the person did not log in within 30 minutes. Each counts as one failed attempt.", "")
	j.tell("unplaced_attempts", q.UnplacedAttempts, 0,
		"Attempts with a variation in which their person was never seen. They are left out.", "")
	j.tell("late_data", q.Late, q.Carried,
		"Events that were logged more than five minutes after their date.", "")
	for _, c := range r.Comparisons {
		if c.SimpsonReversal {
			j.tell("simpson_reversal", 1, 0,
				"Ignoring the phases would turn the sign of the enrollment difference. The stratified one is right.", "")
			break
		}
	}
	if n := len(d.phases); n > 0 {
		if last := d.phases[n-1]; last.Until > 0 && last.Until < in.AsOf {
			j.flags = append(j.flags, Flag{Name: "not_active",
				Words: "The last phase has ended: the experiment was paused or completed.",
				Do:    "Numbers stand still until it is active again."})
		}
	}
}

// gaps raises the flags of lost stretches of time, those that block or those that do not: too much is lost, or little. What the tenant log lost is lost in all
// variations alike: it biases no difference, but a verdict may not rest on a time that nobody saw. What the page's
// events lost is lost of treatment alone, and lost prompts would be missing where they count.
func gaps(j *judge, r *Report, blocking bool) {
	var log, page int64
	for _, g := range r.Gaps {
		if g.OneSided {
			page++
		} else {
			log++
		}
	}
	flag := func(name string, n int64, share *float64, limit float64, words, do string) {
		if n == 0 {
			return
		}
		f := Flag{Name: name, Count: &n, Value: share, Limit: &limit, Words: words, Do: do}
		if f.Blocking = share != nil && *share > limit; f.Blocking == blocking {
			j.flags = append(j.flags, f)
		}
	}
	const mend = "Import the stretch from a log stream or a bucket if there is one, or begin after it with --since."
	flag("data_gap", log, r.GapShare, r.Plan.Limits.Gap,
		"The tenant's log no longer held some of the analysed time: what happened then is missing in all variations.", mend)
	flag("page_gap", page, r.PageGapShare, r.Plan.Limits.PageGap,
		"The page no longer held its events of some of the analysed time: they are missing in treatment alone, and with them prompts that lost a login.", mend)
}

// purged tells whether a phase of the scope began before the limit of a purge.
// What is left of it cannot be analysed as if it were whole.
func purged(in Input) bool {
	for _, p := range in.Scope.Phases {
		from, until := max(p.From, in.Scope.Since), in.Scope.Until
		if p.Until != 0 && (until == 0 || p.Until < until) {
			until = p.Until
		}
		if from < in.Purged && (until == 0 || from < until) {
			return true
		}
	}
	return false
}

// bySegment tells whether who is in a variation follows from what they are, by the phases or by the events.
func (d *design) bySegment(q store.Quality) bool {
	return q.Segment > 0 || slices.ContainsFunc(d.phases, func(p store.Phase) bool { return p.Strategy == "segment" })
}

// unknownWeights counts the people seen in randomised phases whose weights nobody told, and says whether the last phase,
// from which a ramp would go on, is one.
func (d *design) unknownWeights(c *store.Counts) (n int64, last bool) {
	unknown := func(p *store.Phase) bool {
		return p != nil && p.Strategy != "segment" &&
			(!p.Known || slices.ContainsFunc(p.Arms, func(a store.Arm) bool { return a.Weight < 0 }))
	}
	for _, a := range c.Arrivals {
		if unknown(d.phase(a.Phase)) {
			n += a.Subjects
		}
	}
	return n, unknown(d.phase(len(d.phases)))
}
