// Package stats turns counts into evidence: sufficient statistics in, intervals, tests and plans out.
//
// It knows no SQL, clock or file. Rates and differences are fractions (0.05, never 5), differences are
// treatment minus control, and levels are two-sided alphas (0.05 for 95% confidence). What cannot be computed is
// said to be undefined, by an ok that is false or by a field of the result; NaN is never returned and zero never
// stands in for a missing number.
//
// A tour, in the order of use:
//
//   - sums.go: Sums, the sufficient statistics of a metric in one arm of one stratum, and the design effect.
//   - wilson.go: one rate on its own (Wilson, Clopper-Pearson).
//   - sequential.go: the stratified difference of two arms with an interval that stays valid however often one looks.
//   - cuped.go: the same for a ratio, with what a subject did before the experiment taken out.
//   - evidence.go: from an e-value to a p-value.
//   - eprocess.go: the ratio of two enrollment rates, exact at any number of events and any number of looks.
//   - split.go: does the split of subjects agree with the weights, sequentially and at one look.
//   - proportions.go, score.go, exact.go, ratio.go, stratified.go: fixed-sample methods for one declared look.
//   - onelook.go: which of them the counts of one declared look allow.
//   - group.go: boundaries for a declared number of looks (Lan-DeMets).
//   - plan.go: sample size and detectable effect.
//   - multiplicity.go: several comparisons at once.
//   - bayes.go: the probability to beat control, for display only.
//   - heterogeneity.go: whether the effect differs over strata.
//   - normal.go, chisquare.go, beta.go, numeric.go: distributions and numerics.
package stats
