// Package analysis turns counts into a report and a report into a decision.
//
// A Plan is written before the data. Phases turns what the tenant said of an
// experiment, or what the configuration states, into numbered periods with one
// set of weights each. A store counts; Build computes everything that is
// printed as evidence, once; Decide weighs the report against the plan and
// says RAMP, HOLD, ROLL_BACK or INVESTIGATE with the numbers behind it.
//
// Nothing here reads a clock, a flag, a file or a database, so any past
// decision can be replayed from what was stored with it. Rates, shares and
// differences are fractions; differences are treatment minus control. A number
// that could not be computed is absent, with a reason beside it.
//
// A tour: plan.go, phases.go, report.go (what a report holds), build.go (how
// it is put together: design.go says which arms and strata are compared,
// evidence.go compares them, split.go judges the sample ratio, recipe.go is
// the plain recipe, quality.go the flags), decide.go (the table), decision.go.
package analysis
