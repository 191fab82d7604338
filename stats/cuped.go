package stats

import "math"

// CovariateSums are Sums with those of a covariate p >= 0 that each subject had before the experiment, such as its failed
// logins of the weeks before: of p, p², py and px. A subject without history has p = 0. Anything that the experiment may
// have changed is no covariate.
type CovariateSums struct {
	Sums
	P, PP, PY, PX int64
}

// Add returns the sums of the union of two disjoint sets of subjects.
func (s CovariateSums) Add(o CovariateSums) CovariateSums {
	return CovariateSums{s.Sums.Add(o.Sums), s.P + o.P, s.PP + o.PP, s.PY + o.PY, s.PX + o.PX}
}

// CovariateSubject returns the sums of a single subject with outcome y, exposure x and covariate p.
func CovariateSubject(y, x, p int64) CovariateSums {
	return CovariateSums{SubjectSums(y, x), p, p * p, p * y, p * x}
}

// A CovariateStratum holds both arms of one comparison.
type CovariateStratum struct{ T, C CovariateSums }

// spreadAfter is the sum of (y - r x - theta (p - mean))² over subjects, clipped at 0, with r = y0/x0.
func (s CovariateSums) spreadAfter(y0, x0 int64, theta, mean float64) float64 {
	r := float64(y0) / float64(x0)
	together := float64(s.PY) - r*float64(s.PX) - mean*(float64(s.Y)-r*float64(s.X))
	alone := float64(s.PP) - 2*mean*float64(s.P) + mean*mean*float64(s.N)
	return math.Max(0, s.spread(y0, x0)-2*theta*together+theta*theta*alone)
}

// slope is what one unit of the covariate goes with in y - r x, within arms: cov/var pooled over both. 0 where the
// covariate does not vary.
func (s CovariateStratum) slope() float64 {
	var cov, v float64
	for _, a := range []CovariateSums{s.T, s.C} {
		cov += float64(a.PY) - a.rate()*float64(a.PX)
		v += float64(a.PP) - sq(float64(a.P))/float64(a.N)
	}
	if !(v > 1e-9*float64(s.T.PP+s.C.PP)) { // all the same: what is left is rounding
		return 0
	}
	return cov / v
}

// CUPED is SequentialDifference of a ratio metric with what a covariate foretold taken out of both arms: each subject's
// y - R x becomes y - R x - theta (p - mean of p). Arms that started out unlike each other by chance are set straight, and
// the part of the design effect that the covariate explains is gone; a design effect is never taken below 1, so that
// much and no more can be gained. Random assignment makes the adjustment 0 on average, whatever the covariate is. It
// returns the thetas, one per used stratum, in units of y per unit of p. A covariate that does not vary changes nothing.
//
// Source: Deng, Xu, Kohavi & Walker (2013), WSDM, Improving the sensitivity of online controlled experiments by utilizing
// pre-experiment data; for ratios through the linearisation of Deng, Knoblich & Lu (2018), KDD.
func CUPED(strata []CovariateStratum, tau, alpha float64) (d Difference, thetas []float64) {
	d = Difference{Lo: -1, Hi: 1}
	sum := summation{d: &d}
	for _, s := range strata {
		plain := Stratum{s.T.Sums, s.C.Sums}
		if !plain.usable() {
			continue
		}
		both := s.T.Add(s.C)
		theta, mean := s.slope(), float64(both.P)/float64(both.N)
		thetas = append(thetas, theta)

		pool := 1.0
		if both.Y > 0 && both.Y < both.X {
			pool = math.Max(1, small(both.N)*(s.T.spreadAfter(both.Y, both.X, theta, mean)+s.C.spreadAfter(both.Y, both.X, theta, mean))/
				(both.rate()*float64(both.X-both.Y)))
		}
		own := func(a CovariateSums) float64 {
			if a.Y <= 0 || a.Y >= a.X {
				return pool
			}
			return math.Max(pool, small(a.N)*a.spreadAfter(a.Y, a.X, theta, float64(a.P)/float64(a.N))/(a.rate()*float64(a.X-a.Y)))
		}
		straight := func(a CovariateSums) float64 {
			return math.Min(1, math.Max(0, a.rate()-theta*(float64(a.P)-mean*float64(a.N))/float64(a.X)))
		}
		sum.add(plain, pool, own(s.T), own(s.C), straight(s.T), straight(s.C))
	}
	arms := sum.done()
	if d.Defined {
		if tau > 0 {
			d.R = tau * tau / d.V
		}
		d.Z = SequentialZ(d.R, alpha)
		d.limits(arms)
	}
	return d, thetas
}
