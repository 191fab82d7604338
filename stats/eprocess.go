package stats

import "math"

// Converters are the enrolled subjects of one stratum by arm, and the known probability, in (0, 1), that a subject
// of the stratum belongs to treatment.
type Converters struct {
	T, C  int64
	Share float64
}

// RateRatio is the evidence about R = (treatment rate)/(control rate). LogE is the natural logarithm of the e-value
// against R = 1: 1/e is a p-value valid at every look, and e multiplies over independent experiments. Lo and Hi are
// the always-valid limits of R: Lo = 0 when nobody in treatment enrolled, Hi = +Inf when nobody in control did.
type RateRatio struct{ LogE, Lo, Hi float64 }

// The prior over psi = ln R: half N(0, 0.5²) for lifts one may hope for, half N(0, 2²) for those one may fear, on a
// fixed grid, so that two machines get the same digits.
const (
	psiFirst, psiStep, psiCount = -12.0, 0.02, 1201
	psiFar                      = 60.0 // limits are searched up to R = e^±60
)

var psiLogPrior = func() []float64 {
	p := make([]float64, psiCount)
	for i := range p {
		x := psiAt(i)
		p[i] = math.Log(math.Exp(-x*x/(2*0.25)) + 0.25*math.Exp(-x*x/(2*4)))
	}
	total := logSumExp(p)
	for i := range p {
		p[i] -= total
	}
	return p
}()

func psiAt(i int) float64 { return psiFirst + psiStep*float64(i) }

// RateRatioEProcess compares enrollment rates through the enrolled subjects alone: without an effect each of them
// belongs to treatment with the known probability Share, whatever the enrollment rate does over time. It is exact
// at every look, for any number of looks and any weight chosen from earlier data; strata multiply. It needs random
// assignment with a known share, and each subject counted once in a stratum. Strata with a share outside (0, 1) are
// skipped; with nobody enrolled LogE is 0 and the interval [0, +Inf].
//
// Limits are no finer than the grid of the prior, 2% of R: with millions enrolled they stay valid and get a little
// wide.
//
// Four enrolled in a 10% treatment and none in control are already e = 224: that control is empty is no obstacle.
//
// Source: Lindon & Malek (2022), NeurIPS, Anytime-valid inference for multinomial count data.
func RateRatioEProcess(strata []Converters, alpha float64) RateRatio {
	return new(EProcess).RateRatio(strata, alpha)
}

// An EProcess computes RateRatioEProcess at many looks. It keeps, for each share it meets, the logarithms over the
// grid that no count changes, so a further look takes no logarithm at all but those of the limits. The zero value is
// ready; it is not safe for use by several goroutines at once.
type EProcess struct {
	columns map[float64][]float64 // by share: logMiss at each point of the grid
	terms   []float64
}

// logMiss is ln of how much less likely control is for an enrolled subject under psi than under psi = 0, negated:
// -ln((1-q)/(1-rho)). The same for treatment is logMiss - psi. Neither takes a logarithm of a rounded probability.
func logMiss(psi, share float64) float64 { return math.Log1p(share * math.Expm1(psi)) }

// LogE returns the LogE of RateRatioEProcess.
func (p *EProcess) LogE(strata []Converters) float64 {
	if p.columns == nil {
		p.columns, p.terms = map[float64][]float64{}, make([]float64, psiCount)
	}
	copy(p.terms, psiLogPrior)
	var t int64
	for _, s := range strata {
		if !s.tells() {
			continue
		}
		t += s.T
		column := p.columns[s.Share]
		if column == nil {
			column = make([]float64, psiCount)
			for i := range column {
				column[i] = logMiss(psiAt(i), s.Share)
			}
			p.columns[s.Share] = column
		}
		n := float64(s.T + s.C)
		for i, v := range column {
			p.terms[i] -= n * v
		}
	}
	for i := range p.terms {
		p.terms[i] += float64(t) * psiAt(i)
	}
	return logSumExp(p.terms)
}

// tells says whether the stratum has enrolled subjects of a share that leaves both arms possible.
func (s Converters) tells() bool { return s.Share > 0 && s.Share < 1 && (s.T > 0 || s.C > 0) }

// RateRatio returns what RateRatioEProcess does.
func (p *EProcess) RateRatio(strata []Converters, alpha float64) RateRatio {
	var used []Converters
	var t, c int64
	for _, s := range strata {
		if s.tells() {
			used = append(used, s)
			t, c = t+s.T, c+s.C
		}
	}
	if len(used) == 0 {
		return RateRatio{0, 0, math.Inf(1)}
	}
	// gain is the log likelihood of psi over that of psi = 0.
	gain := func(psi float64) (sum float64) {
		up, down := math.Expm1(psi), math.Expm1(-psi)
		for _, s := range used {
			if s.T > 0 {
				sum -= float64(s.T) * math.Log1p((1-s.Share)*down)
			}
			if s.C > 0 {
				sum -= float64(s.C) * math.Log1p(s.Share*up)
			}
		}
		return sum
	}
	// rising is the sign of the likelihood's slope: treatment converters seen, less those expected under psi.
	rising := func(psi float64) bool {
		odds, excess := math.Exp(psi), float64(t)
		for _, s := range used {
			excess -= float64(s.T+s.C) * s.Share * odds / (1 - s.Share + s.Share*odds)
		}
		return excess > 0
	}
	out := RateRatio{LogE: p.LogE(used), Lo: 0, Hi: math.Inf(1)}
	inside := func(psi float64) bool { return gain(psi) >= out.LogE+math.Log(alpha) }
	best := bisect(-psiFar, psiFar, rising)
	if t > 0 {
		out.Lo = math.Exp(bisect(-psiFar, best, func(x float64) bool { return !inside(x) }))
	}
	if c > 0 {
		out.Hi = math.Exp(bisect(best, psiFar, inside))
	}
	return out
}

// EventsInSmallerArm returns the number of events of a binary metric expected in the smaller arm if the arms do not
// differ, summed over strata. Below 10 the asymptotic interval of SequentialDifference may not decide alone. A stratum
// with an empty arm adds 0; without subjects it is 0.
//
// Source: none; the expected count of Pearson's test, as a gate whose limit was chosen by simulation.
func EventsInSmallerArm(strata []Stratum) float64 {
	var sum float64
	for _, s := range strata {
		if n := s.T.N + s.C.N; n > 0 {
			sum += float64(s.T.Y+s.C.Y) * float64(min(s.T.N, s.C.N)) / float64(n)
		}
	}
	return sum
}

// EffectiveFailures returns the number of failures of a ratio metric expected in the smaller arm if the arms do not
// differ, counted as independent ones (divided by the design effect) and summed over strata. Below 5 no drop may be
// declared. A stratum with an empty arm adds 0; without trials it is 0.
//
// Source: Rao & Scott (1992), Biometrics 48, 577–585, for effective counts; its limit was chosen by simulation.
func EffectiveFailures(strata []Stratum) float64 {
	var sum float64
	for _, s := range strata {
		if both := s.T.Add(s.C); both.X > 0 {
			failing := float64(both.X-both.Y) / float64(both.X)
			sum += float64(min(s.T.X, s.C.X)) * failing / PooledDeff(Ratio, s.T, s.C)
		}
	}
	return sum
}

// HalfNormalLogE returns the natural logarithm of the e-value for "the effect is above 0" against "it is not": the
// likelihood exp(lambda·score - lambda²·info/2), mixed over a half-normal prior of scale tau > 0 on lambda > 0.
// score is the sum of standardised increments and info >= 0 its variance. ok is false if tau or info is out of
// range.
//
// Source: Howard, Ramdas, McAuliffe & Sekhon (2021), Ann. Stat. 49, 1055–1080 (one-sided normal mixture).
func HalfNormalLogE(score, info, tau float64) (logE float64, ok bool) {
	if !(tau > 0) || !(info >= 0) || math.IsNaN(score) || math.IsInf(score, 0) || math.IsInf(tau*tau*info, 0) {
		return 0, false
	}
	spread := 1 + tau*tau*info
	x := score * tau / math.Sqrt(spread)
	return math.Ln2 - math.Log(spread)/2 + x*x/2 + logNormalCDF(x), true
}
