package stats

import "math"

func sq(x float64) float64 { return x * x }

// logSumExp is ln of the sum of exp(x), without leaving the range of a float64. Empty: -Inf.
func logSumExp(x []float64) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = math.Max(top, v)
	}
	if math.IsInf(top, 0) {
		return top
	}
	var sum float64
	for _, v := range x {
		if v -= top; v > -50 { // less is not seen beside the largest term, which is 1
			sum += math.Exp(v)
		}
	}
	return top + math.Log(sum)
}

// bisect narrows [lo, hi] to the place where below turns from true to false, until the midpoint equals an end. No
// tolerance to tune: it costs at most some sixty more steps than one would.
func bisect(lo, hi float64, below func(float64) bool) float64 {
	for range 200 {
		mid := lo + (hi-lo)/2
		if mid == lo || mid == hi {
			break
		}
		if below(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo + (hi-lo)/2
}

// lgamma is ln Γ(x) for x > 0.
func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

const halfLog2Pi = 0.91893853320467274178 // ln(2π)/2

// stirling is what Stirling's formula leaves out: ln Γ(x) = (x-1/2) ln x - x + ln(2π)/2 + stirling(x). With it,
// differences of ln Γ at counts near 1e9 can be written so that the large terms cancel on paper and not in the last
// digits.
func stirling(x float64) float64 {
	if x < 10 {
		return lgamma(x) - ((x-0.5)*math.Log(x) - x + halfLog2Pi)
	}
	y := 1 / (x * x)
	return (1.0/12 - y*(1.0/360-y*(1.0/1260-y*(1.0/1680-y*(1.0/1188-y*(691.0/360360-y/156)))))) / x
}
