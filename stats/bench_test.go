package stats

import (
	"fmt"
	"testing"
)

// benchmarkStrata are ten strata of a ramp, as they stand after a number of days.
func benchmarkStrata(day int64) (binary, ratio []Stratum, enrolled []Converters, splits []Split) {
	for k := range int64(10) {
		n := (k + 1) * 100 * day
		share := float64(k+1) / 20
		nT := int64(share * float64(n))
		arm := func(n, k int64) Sums { // subjects with 5 logins each, some of them failing twice
			bad := n / (20 + k)
			return Sums{N: n, X: 5 * n, XX: 25 * n, Y: 5*n - 2*bad, YY: 25*n - 16*bad, XY: 25*n - 10*bad}
		}
		binary = append(binary, Stratum{BinarySums(nT/50, nT), BinarySums((n-nT)/80, n-nT)})
		ratio = append(ratio, Stratum{arm(nT, k), arm(n-nT, k+1)})
		enrolled = append(enrolled, Converters{nT / 50, (n - nT) / 80, share})
		splits = append(splits, Split{[]int64{nT, n - nT}, []float64{share, 1 - share}})
	}
	return binary, ratio, enrolled, splits
}

// BenchmarkInference is everything that could be asked of an experiment, asked at every look: 3 treatments against
// control, 10 strata, 90 daily looks. A report asks less: see BenchmarkBuild in analysis.
func BenchmarkInference(b *testing.B) {
	for b.Loop() {
		for range 3 {
			process := new(EProcess)
			for day := range int64(90) {
				binary, ratio, enrolled, splits := benchmarkStrata(day + 1)
				e := SequentialDifference(Binary, binary, 0.01, 0.05/3)
				s := SequentialDifference(Ratio, ratio, 0.01, 0.05/3)
				AlwaysValidP(e)
				AlwaysValidP(s)
				if process.LogE(enrolled); day == 89 {
					process.RateRatio(enrolled, 0.05/3)
				}
				EventsInSmallerArm(binary)
				EffectiveFailures(ratio)
				SampleRatioLogE(splits, 100)
				Heterogeneity(Binary, binary)
			}
		}
	}
}

func BenchmarkRateRatioEProcess(b *testing.B) {
	_, _, enrolled, _ := benchmarkStrata(30)
	for b.Loop() {
		RateRatioEProcess(enrolled, 0.05)
	}
}

func BenchmarkSequentialDifference(b *testing.B) {
	_, ratio, _, _ := benchmarkStrata(30)
	for b.Loop() {
		SequentialDifference(Ratio, ratio, 0.01, 0.05)
	}
}

func BenchmarkBoschloo(b *testing.B) {
	for _, n := range [][2]int64{{100, 900}, {1000, 1000}, {10, 100_000}} {
		b.Run(fmt.Sprintf("%dx%d", n[0], n[1]), func(b *testing.B) {
			for b.Loop() {
				Boschloo(n[0]/20, n[0], n[1]/50, n[1])
			}
		})
	}
}
