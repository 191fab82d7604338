package stats

import "math"

// binomialLimit is the number of trials above which BinomialTest declines: a normal test is then as good.
const binomialLimit = 10_000_000

// ExactTest holds the p-values of an exact test of treatment against control: Greater and Less are one-sided, for a
// treatment that is higher and one that is lower.
type ExactTest struct{ Greater, Less, TwoSided float64 }

// BinomialTest returns the exact two-sided p-value of k successes in n trials of probability p in (0, 1): the
// probability of all outcomes that are no more likely than the one seen. ok is false for n = 0, k outside 0..n, p
// outside (0, 1), and above 1e7 trials.
//
// Source: Clopper & Pearson (1934), Biometrika 26, 404–413; the two-sided rule is that of R's binom.test.
func BinomialTest(k, n int64, p float64) (pTwoSided float64, ok bool) {
	if n <= 0 || n > binomialLimit || k < 0 || k > n || !(p > 0) || !(p < 1) {
		return 0, false
	}
	d := discrete{
		lo: 0, hi: n, mode: min(n, int64(float64(n+1)*p)),
		log: func(k int64) float64 { return binomialLog(k, n, p) },
	}
	// P(X <= k) and P(X >= k) through the beta distribution
	d.upTo = func(k int64) float64 {
		if k >= n {
			return 1
		}
		return BetaSurvival(p, float64(k+1), float64(n-k))
	}
	d.from = func(k int64) float64 {
		if k <= 0 {
			return 1
		}
		return BetaCDF(p, float64(k), float64(n-k+1))
	}
	return d.twoSided(k), true
}

// Fisher returns Fisher's exact test of sT of nT against sC of nC. TwoSided sums all tables with the same margins
// that are no more likely than the one seen. ok is false if an arm is empty or a count is out of range. It is
// conservative: at 1/10 against 0/90 it says 0.10 where Boschloo says 0.057.
//
// Source: Fisher (1935), JRSS 98, 39–82; two-sided as R's fisher.test.
func Fisher(sT, nT, sC, nC int64) (ExactTest, bool) {
	if !counts(sT, nT) || !counts(sC, nC) {
		return ExactTest{}, false
	}
	h := newHypergeometric(nT, nC, sT+sC)
	return ExactTest{Greater: h.from(sT), Less: h.upTo(sT), TwoSided: h.twoSided(sT)}, true
}

func counts(s, n int64) bool { return n > 0 && s >= 0 && s <= n }

// discrete is a unimodal distribution on lo..hi.
type discrete struct {
	lo, hi, mode int64
	log          func(k int64) float64 // ln P(X = k)
	upTo, from   func(k int64) float64 // P(X <= k), P(X >= k)
}

// twoSided sums the outcomes that are no more likely than k. Equal probabilities reached by different roundings
// count as equal, hence the tolerance.
func (d discrete) twoSided(k int64) float64 {
	limit := d.log(k) + 1e-7
	if limit >= d.log(d.mode) {
		return 1
	}
	if k < d.mode { // the other tail begins at the first outcome above the mode that is unlikely enough
		lo, hi := d.mode, d.hi+1
		for hi-lo > 1 {
			if mid := lo + (hi-lo)/2; d.log(mid) <= limit {
				hi = mid
			} else {
				lo = mid
			}
		}
		if hi > d.hi {
			return d.upTo(k)
		}
		return math.Min(1, d.upTo(k)+d.from(hi))
	}
	lo, hi := d.lo-1, d.mode
	for hi-lo > 1 {
		if mid := lo + (hi-lo)/2; d.log(mid) <= limit {
			lo = mid
		} else {
			hi = mid
		}
	}
	if lo < d.lo {
		return d.from(k)
	}
	return math.Min(1, d.from(k)+d.upTo(lo))
}

// binomialLog is ln of the binomial probability of k in n.
func binomialLog(k, n int64, p float64) float64 {
	switch {
	case k < 0 || k > n:
		return math.Inf(-1)
	case k == 0:
		return float64(n) * math.Log1p(-p)
	case k == n:
		return float64(n) * math.Log(p)
	}
	a, b := float64(k), float64(n-k)
	return betaLogMass(p, 1-p, a, b) + math.Log(float64(n)/a/b)
}

// newHypergeometric is the number of successes in treatment when nT + nC subjects have m of them.
func newHypergeometric(nT, nC, m int64) discrete {
	n := nT + nC
	d := discrete{lo: max(0, m-nC), hi: min(nT, m)}
	d.mode = min(d.hi, max(d.lo, int64(float64(m+1)*(float64(nT+1)/float64(n+2)))))
	if m == 0 || m == n {
		d.log = func(k int64) float64 { return math.Log(b2f(k == d.lo)) }
	} else {
		// As a ratio of binomials with p = m/n nothing in it is larger than a few hundred (Loader 2000).
		p := float64(m) / float64(n)
		whole := binomialLog(m, n, p)
		d.log = func(k int64) float64 { return binomialLog(k, nT, p) + binomialLog(m-k, nC, p) - whole }
	}
	up := func(k int64) float64 { // P(X = k+1) / P(X = k)
		return float64(nT-k) / float64(k+1) * (float64(m-k) / float64(nC-m+k+1))
	}
	below := func(k int64) float64 { // P(X <= k), for k below the mode
		sum, term := 1.0, 1.0
		for i := k; i > d.lo && term > 1e-18*sum; i-- {
			term /= up(i - 1)
			sum += term
		}
		return math.Exp(d.log(k)) * sum
	}
	above := func(k int64) float64 { // P(X >= k), for k above the mode
		sum, term := 1.0, 1.0
		for i := k; i < d.hi && term > 1e-18*sum; i++ {
			term *= up(i)
			sum += term
		}
		return math.Exp(d.log(k)) * sum
	}
	d.upTo = func(k int64) float64 {
		switch {
		case k < d.lo:
			return 0
		case k >= d.hi:
			return 1
		case k < d.mode:
			return below(k)
		}
		return 1 - above(k+1)
	}
	d.from = func(k int64) float64 {
		switch {
		case k > d.hi:
			return 0
		case k <= d.lo:
			return 1
		case k > d.mode:
			return above(k)
		}
		return 1 - below(k-1)
	}
	return d
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// boschlooLimit bounds the number of tables Boschloo looks at.
const boschlooLimit = 1_000_000

// Boschloo returns Boschloo's unconditional exact test of sT of nT against sC of nC: Fisher's one-sided p-value as
// the statistic, and the largest probability, over the unknown common rate, of one as small. TwoSided is twice the
// smaller side, at most 1. It is never less powerful than Fisher's test, and stays valid where the score test does
// not. ok is false where Fisher is undefined and for nT·nC above 1e6.
//
// Source: Boschloo (1970), Stat. Neerl. 24, 1–35.
func Boschloo(sT, nT, sC, nC int64) (ExactTest, bool) {
	if !counts(sT, nT) || !counts(sC, nC) || nT > boschlooLimit || nC > boschlooLimit || nT*nC > boschlooLimit {
		return ExactTest{}, false
	}
	t := ExactTest{Greater: boschlooGreater(sT, nT, sC, nC), Less: boschlooGreater(sC, nC, sT, nT)}
	t.TwoSided = math.Min(1, 2*math.Min(t.Greater, t.Less))
	return t, true
}

// boschlooGreater splits the probability of a table into that of its total, which depends on the common rate, and
// that of the table given its total, which does not. The second part is, per total, the largest Fisher p-value that
// is no larger than the one seen.
func boschlooGreater(sT, nT, sC, nC int64) float64 {
	n := nT + nC
	seen := newHypergeometric(nT, nC, sT+sC).from(sT) * (1 + 1e-9)
	level := make([]float64, n+1)
	for m := range level {
		h := newHypergeometric(nT, nC, int64(m))
		// The p-value falls as the treatment's successes rise: find the first that is small enough.
		lo, hi := h.lo-1, h.hi+1
		for hi-lo > 1 {
			if mid := lo + (hi-lo)/2; h.from(mid) <= seen {
				hi = mid
			} else {
				lo = mid
			}
		}
		level[m] = h.from(hi)
	}
	// The size of the test as a function of theta, where the rate is sin²(theta): there the binomial has the same
	// width everywhere.
	size := func(theta float64) (sum float64) {
		p := sq(math.Sin(theta))
		if !open(p) {
			return level[int64(p)*n]
		}
		mode, odds := min(n, int64(float64(n+1)*p)), p/(1-p)
		top := math.Exp(binomialLog(mode, n, p))
		for m, mass := mode, top; m <= n && mass > 1e-20; m++ {
			sum += mass * level[m]
			mass *= float64(n-m) / float64(m+1) * odds
		}
		for m, mass := mode, top; m > 0 && mass > 1e-20; m-- {
			mass *= float64(m) / float64(n-m+1) / odds
			sum += mass * level[m-1]
		}
		return sum
	}
	points := max(400, int(16*math.Sqrt(float64(n))))
	step := math.Pi / 2 / float64(points)
	values := make([]float64, points+1)
	var best float64
	for i := range values {
		values[i] = size(step * float64(i))
		best = math.Max(best, values[i])
	}
	floor := 0.99 * best
	for i := 1; i < points; i++ { // refine the local maxima that can win
		if values[i] >= floor && values[i] >= values[i-1] && values[i] >= values[i+1] {
			best = math.Max(best, maximum(step*float64(i-1), step*float64(i+1), size))
		}
	}
	return math.Min(1, best)
}

// maximum is the largest value that a golden-section search of f on [lo, hi] meets.
func maximum(lo, hi float64, f func(float64) float64) float64 {
	const golden = 0.6180339887498949
	a, b := hi-golden*(hi-lo), lo+golden*(hi-lo)
	fa, fb := f(a), f(b)
	for range 25 {
		if fa > fb {
			hi, b, fb = b, a, fa
			a = hi - golden*(hi-lo)
			fa = f(a)
		} else {
			lo, a, fa = a, b, fb
			b = lo + golden*(hi-lo)
			fb = f(b)
		}
	}
	return math.Max(fa, fb)
}
