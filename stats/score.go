package stats

import "math"

// MarginTest is a score test of "difference = margin". RestrictedC is the control rate that fits best under it. ZMN
// carries Miettinen & Nurminen's factor N/(N-1) in the variance, ZFM, Farrington & Manning's, does not. PGreater is
// one-sided, from ZMN: the difference is larger than the margin. A z may be ±Inf, when the data are impossible
// under the margin.
type MarginTest struct{ RestrictedC, ZMN, ZFM, PGreater float64 }

// ScoreTest tests whether the rate sT/nT minus the rate sC/nC differs from a margin in (-1, 1); -0.02 is "no more
// than two points lower". ok is false if an arm is empty, a count out of range or the margin outside (-1, 1). For
// enrollment with fewer than 5 expected events in an arm it is not safe: see Boschloo.
//
// Source: Miettinen & Nurminen (1985), Stat. Med. 4, 213–226; Farrington & Manning (1990), Stat. Med. 9, 1447–1454.
func ScoreTest(sT, nT, sC, nC int64, margin float64) (MarginTest, bool) {
	if !counts(sT, nT) || !counts(sC, nC) || !(math.Abs(margin) < 1) {
		return MarginTest{}, false
	}
	d := twoArms{float64(sT), float64(nT), float64(sC), float64(nC)}
	p, zmn, zfm := d.differenceZ(margin)
	return MarginTest{p, zmn, zfm, NormalSurvival(zmn)}, true
}

// MiettinenNurminen returns the score interval of the difference of two rates at two-sided level 1-alpha: the
// margins that ScoreTest does not reject. An empty arm gives [-1, 1].
//
// Source: Miettinen & Nurminen (1985), Stat. Med. 4, 213–226.
func MiettinenNurminen(sT, nT, sC, nC int64, alpha float64) Interval {
	if !counts(sT, nT) || !counts(sC, nC) {
		return Interval{-1, 1}
	}
	d, z := twoArms{float64(sT), float64(nT), float64(sC), float64(nC)}, criticalZ(alpha)
	diff := d.sT/d.nT - d.sC/d.nC
	return Interval{
		Lo: bisect(-1, diff, func(m float64) bool { _, at, _ := d.differenceZ(m); return at > z }),
		Hi: bisect(diff, 1, func(m float64) bool { _, at, _ := d.differenceZ(m); return at > -z }),
	}
}

// ScoreRatio returns the score interval of the ratio (treatment rate)/(control rate) at two-sided level 1-alpha. It
// is defined for any counts: Lo is 0 without a success in treatment, Hi is +Inf without one in control, an empty
// arm gives [0, +Inf].
//
// Source: Miettinen & Nurminen (1985), Stat. Med. 4, 213–226; Koopman (1984), Biometrics 40, 513–517.
func ScoreRatio(sT, nT, sC, nC int64, alpha float64) Interval {
	out := Interval{0, math.Inf(1)}
	if !counts(sT, nT) || !counts(sC, nC) {
		return out
	}
	d, z := twoArms{float64(sT), float64(nT), float64(sC), float64(nC)}, criticalZ(alpha)
	const far = 60 // on the log scale
	at := math.Log(d.sT / d.nT / (d.sC / d.nC))
	if sT == 0 || sC == 0 {
		at = 0 // then only one end is searched, over the whole line
	}
	start := func(empty bool, end float64) float64 {
		if empty {
			return end
		}
		return at
	}
	if sT > 0 {
		out.Lo = math.Exp(bisect(-far, start(sC == 0, far), func(l float64) bool { return d.ratioZ(math.Exp(l)) > z }))
	}
	if sC > 0 {
		out.Hi = math.Exp(bisect(start(sT == 0, -far), far, func(l float64) bool { return d.ratioZ(math.Exp(l)) > -z }))
	}
	return out
}

type twoArms struct{ sT, nT, sC, nC float64 }

// differenceZ finds the control rate p that fits best when treatment's is p+margin, and the score statistics there.
// The slope of the likelihood falls in p, so bisection finds its root. A closed cubic exists; a widely used library
// has it wrong, and divides by zero when control has no events.
func (d twoArms) differenceZ(margin float64) (p, zmn, zfm float64) {
	rising := func(p float64) bool {
		t := p + margin
		return ratioOrZero(d.sT, t)-ratioOrZero(d.nT-d.sT, 1-t)+ratioOrZero(d.sC, p)-ratioOrZero(d.nC-d.sC, 1-p) > 0
	}
	lo, hi := math.Max(0, -margin), math.Min(1, 1-margin)
	p = edge(lo, hi, bisect(lo, hi, rising))
	t := math.Min(1, math.Max(0, p+margin))
	off := d.sT/d.nT - d.sC/d.nC - margin
	v := t*(1-t)/d.nT + p*(1-p)/d.nC
	n := d.nT + d.nC
	return p, standardise(off, v*n/(n-1)), standardise(off, v)
}

// ratioZ is the score statistic of "treatment rate = ratio · control rate".
func (d twoArms) ratioZ(ratio float64) float64 {
	rising := func(p float64) bool {
		return ratioOrZero(d.sT+d.sC, p)-ratio*ratioOrZero(d.nT-d.sT, 1-ratio*p)-ratioOrZero(d.nC-d.sC, 1-p) > 0
	}
	hi := math.Min(1, 1/ratio)
	p := edge(0, hi, bisect(0, hi, rising))
	t := math.Min(1, ratio*p)
	n := d.nT + d.nC
	return standardise(d.sT/d.nT-ratio*(d.sC/d.nC), (t*(1-t)/d.nT+ratio*ratio*p*(1-p)/d.nC)*n/(n-1))
}

// ratioOrZero is s/p, and 0 for s = 0 whatever p is: outcomes that did not happen have no slope.
func ratioOrZero(s, p float64) float64 {
	if s == 0 {
		return 0
	}
	return s / math.Max(p, 0)
}

// edge moves a root within rounding of an end onto it, where the variance is exactly 0.
func edge(lo, hi, x float64) float64 {
	const tiny = 1e-15
	switch {
	case x-lo <= tiny*lo || x < 1e-50:
		return lo
	case hi-x <= tiny*hi:
		return hi
	}
	return x
}

func standardise(off, v float64) float64 {
	switch {
	case off == 0:
		return 0
	case v <= 0:
		return math.Copysign(math.Inf(1), off)
	}
	return off / math.Sqrt(v)
}
