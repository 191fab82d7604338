package stats

import "math"

// Interval is a closed interval of fractions, Lo <= Hi.
type Interval struct{ Lo, Hi float64 }

// Wilson returns the score interval, at two-sided level 1-alpha, for a rate seen as k successes in n trials. It
// lies in [0, 1], contains k/n, and starts at exactly 0 for k = 0 and ends at exactly 1 for k = n. With n = 0
// nothing is known: [0, 1].
//
// The Wald interval shrinks to a point at k = 0, where a 10% arm spends its first day; this one does not.
//
// Source: Wilson (1927), JASA 22(158), 209–212.
func Wilson(k, n int64, alpha float64) Interval {
	if n <= 0 {
		return Interval{0, 1}
	}
	return WilsonZ(float64(k)/float64(n), float64(n), criticalZ(alpha))
}

// WilsonZ is the score interval for any critical value z >= 0 and a number of trials that need not be whole, as
// effective trials (trials over design effect) are not. The rate is a fraction in [0, 1]; trials <= 0 or z = +Inf
// give [0, 1], z = 0 the rate itself.
//
// Source: Wilson (1927), JASA 22(158), 209–212; effective trials: Rao & Scott (1992), Biometrics 48, 577–585.
func WilsonZ(rate, trials, z float64) Interval {
	zz := z * z / trials // z² per trial
	if !(trials > 0) || math.IsInf(zz, 1) || math.IsNaN(zz) || math.IsNaN(rate) {
		return Interval{0, 1}
	}
	rate = math.Min(1, math.Max(0, rate))
	half := math.Sqrt(rate*(1-rate)*zz + zz*zz/4)
	hi := (rate + zz/2 + half) / (1 + zz)
	lo := 0.0
	if rate > 0 {
		lo = rate * rate / ((1 + zz) * hi) // the limits' product is known; centre - half would cancel
	}
	return Interval{math.Min(rate, lo), math.Max(rate, math.Min(hi, 1))} // rounding must not push the rate outside
}

// Rate is one variation's rate on its own: a fraction, its Wilson interval, the design effect (1 or more) and the
// number of independent trials that would be worth as much. It describes one arm; whether two such intervals
// overlap decides nothing.
type Rate struct {
	Rate                  float64
	Interval              Interval
	Deff, EffectiveTrials float64
}

// ArmRate returns the rate Y/X of one arm with the Wilson interval for critical value z (SequentialZ's, or a normal
// quantile). A rate of 0 or 1 shows no spread between subjects, so there pooledDeff, the design effect of both
// arms, is used. ok is false without trials.
//
// Source: Rao & Scott (1992), Biometrics 48, 577–585; Deng, Knoblich & Lu (2018), KDD.
func ArmRate(kind Kind, s Sums, pooledDeff, z float64) (Rate, bool) {
	if !s.valid() {
		return Rate{}, false
	}
	deff := 1.0
	if kind == Ratio {
		own, ok := DesignEffect(s)
		if !ok {
			own = pooledDeff
		}
		deff = math.Max(1, own)
	}
	r, n := s.rate(), float64(s.X)/deff
	return Rate{r, WilsonZ(r, n, z), deff, n}, true
}

// ClopperPearson returns the exact interval, at two-sided level 1-alpha, for a rate seen as k successes in n
// trials: the rates that neither one-sided binomial test at alpha/2 rejects. It never covers less than it says, and
// is wider than Wilson for it. k = 0 starts at exactly 0, k = n ends at exactly 1, n = 0 gives [0, 1].
//
// Source: Clopper & Pearson (1934), Biometrika 26, 404–413.
func ClopperPearson(k, n int64, alpha float64) Interval {
	i := Interval{0, 1}
	if n <= 0 {
		return i
	}
	if k > 0 {
		i.Lo = BetaQuantile(alpha/2, float64(k), float64(n-k+1))
	}
	if k < n {
		i.Hi = betaUpperQuantile(alpha/2, float64(k+1), float64(n-k))
	}
	return i
}
