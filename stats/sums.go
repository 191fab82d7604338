package stats

import "math"

// Sums are the sufficient statistics of one metric in one arm of one stratum: N subjects, each with an outcome y
// and an exposure x, and the sums of y, x, y², x² and xy over them. For a binary outcome x is 1, so X = XX = N and
// XY = YY = Y; for a ratio (successful of attempted logins) 0 <= y <= x.
//
// They are integers, so adding is exact and the order of adding cannot be seen: up to 1e9 subjects with 1e4 logins
// each fit. Only sums over disjoint sets of subjects may be added: the square of a sum over two days is not the sum
// of the squares.
type Sums struct{ N, Y, X, YY, XX, XY int64 }

// Add returns the sums of the union of two disjoint sets of subjects.
func (s Sums) Add(o Sums) Sums {
	return Sums{s.N + o.N, s.Y + o.Y, s.X + o.X, s.YY + o.YY, s.XX + o.XX, s.XY + o.XY}
}

// SubjectSums returns the sums of a single subject with outcome y and exposure x.
func SubjectSums(y, x int64) Sums { return Sums{1, y, x, y * y, x * x, x * y} }

// BinarySums returns the sums of n subjects of whom k had the outcome.
func BinarySums(k, n int64) Sums { return Sums{N: n, Y: k, X: n, YY: k, XX: n, XY: k} }

// Kind says what one subject contributes.
type Kind int

const (
	Binary Kind = iota // one outcome, 0 or 1, per subject
	Ratio              // y of x trials per subject: the rate is a ratio of sums, and subjects are clusters
)

// A Stratum holds both arms of one comparison among subjects who had the same chance of treatment: T is treatment,
// C control.
type Stratum struct{ T, C Sums }

// usable says whether the stratum can tell the arms apart: trials in both and rates between 0 and 1.
func (s Stratum) usable() bool { return s.T.valid() && s.C.valid() }

func (s Sums) valid() bool { return s.X > 0 && s.Y >= 0 && s.Y <= s.X }

// rate is Y/X; only for X > 0.
func (s Sums) rate() float64 { return float64(s.Y) / float64(s.X) }

// spread is the sum of (y - r x)² over subjects, with r = y0/x0, clipped at 0.
//
// It is written over successes y and failures f = x-y, as the sum of ((1-r) y - r f)². The textbook form YY - 2r XY
// + r² XX cancels nearly all its digits when the rate is close to 1, where login success lives.
func (s Sums) spread(y0, x0 int64) float64 {
	r, q := float64(y0)/float64(x0), float64(x0-y0)/float64(x0)
	yf, ff := s.XY-s.YY, s.XX-2*s.XY+s.YY // exact in integers
	return math.Max(0, q*q*float64(s.YY)-2*q*r*float64(yf)+r*r*float64(ff))
}

// small is n/(n-1), the small-sample factor of a variance; 1 for a single subject.
func small(n int64) float64 { return float64(n) / math.Max(float64(n-1), 1) }

// PooledDeff returns the design effect of both arms around their common rate: how many times larger the variance is
// than if each trial were a subject of its own. It is at least 1, and 1 for a binary outcome, when the common rate
// is 0 or 1, or when there are no trials.
//
// Source: Rao & Scott (1992), Biometrics 48, 577–585; the linearised variance is that of Deng, Knoblich & Lu
// (2018), KDD.
func PooledDeff(kind Kind, t, c Sums) float64 {
	both := t.Add(c)
	if kind == Binary || both.Y <= 0 || both.Y >= both.X {
		return 1
	}
	r, q := both.rate(), float64(both.X-both.Y)/float64(both.X)
	return math.Max(1, small(both.N)*(t.spread(both.Y, both.X)+c.spread(both.Y, both.X))/(r*q*float64(both.X)))
}

// DesignEffect returns the design effect of one arm around its own rate: its variance with subjects as clusters
// over the binomial one. It may be below 1. ok is false when the rate is 0 or 1, where the data say nothing about
// it.
//
// Source: Rao & Scott (1992), Biometrics 48, 577–585; Deng, Knoblich & Lu (2018), KDD.
func DesignEffect(s Sums) (deff float64, ok bool) {
	if s.Y <= 0 || s.Y >= s.X {
		return 0, false
	}
	q := float64(s.X-s.Y) / float64(s.X)
	return small(s.N) * s.spread(s.Y, s.X) / (s.rate() * q * float64(s.X)), true
}
