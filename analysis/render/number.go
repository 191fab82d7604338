package render

import (
	"math"
	"strconv"
	"strings"
	"time"

	"keyramp/analysis"
)

// absent stands where a number could not be computed.
const absent = "–"

// count writes a number with thousands separators.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return sign + b.String()
}

// places is how many decimals show two significant digits of a half width in percent: 0.73 takes two, 4.5 one.
func places(half float64) int {
	if !(half > 0) {
		return 2
	}
	return min(6, max(0, 1-int(math.Floor(math.Log10(half)))))
}

// halfWidth is half of an interval in percent; 0 without one.
func halfWidth(lo, hi *float64) float64 {
	if lo == nil || hi == nil {
		return 0
	}
	return (*hi - *lo) / 2 * 100
}

// apart is how many decimals, of at least so many, show on which side of a limit a number is.
func apart(v, limit float64, decimals int) int {
	for decimals < 12 && v != limit && fixed(v, decimals) == fixed(limit, decimals) {
		decimals++
	}
	return decimals
}

func fixed(v float64, decimals int) string {
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" { // -0.00 is 0.00
		s = strings.TrimPrefix(s, "-")
	}
	whole, rest, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return s
	}
	if sign := strings.HasPrefix(whole, "-"); n == 0 && sign {
		whole = "-0"
	} else {
		whole = count(n)
	}
	if rest == "" {
		return whole
	}
	return whole + "." + rest
}

// percent writes a fraction as percent.
func percent(v *float64, decimals int) string {
	if v == nil {
		return absent
	}
	return fixed(*v*100, decimals) + " %"
}

// share writes a weight: whole percents where they are whole.
func share(v *float64) string {
	if v == nil {
		return "unknown"
	}
	return strconv.FormatFloat(math.Round(*v*1e4)/100, 'f', -1, 64) + " %"
}

// points writes a difference of fractions in percentage points, with its sign.
func points(v float64, decimals int) string {
	s := fixed(v*100, decimals)
	if v > 0 && !strings.HasPrefix(s, "-") && strings.Trim(s, "0.") != "" {
		s = "+" + s
	}
	return s
}

// difference writes a difference with its interval, or why there is none.
func difference(d analysis.Difference) string {
	if d.Diff == nil {
		return absent
	}
	n := places(halfWidth(d.Lower, d.Upper))
	return points(*d.Diff, n) + " pp " + interval(points(*d.Lower, n), points(*d.Upper, n))
}

func interval(lo, hi string) string { return "[" + lo + ", " + hi + "]" }

// rateOf writes a rate with as many digits as the difference of its comparison carries, else as its own interval does.
func rateOf(r analysis.Rate, d analysis.Difference) string {
	half := halfWidth(d.Lower, d.Upper)
	if half == 0 {
		half = halfWidth(r.Lower, r.Upper)
	}
	return percent(r.Rate, max(1, places(half)))
}

// significant writes a number with three digits.
func significant(v *float64) string {
	switch {
	case v == nil:
		return absent
	case *v != 0 && (math.Abs(*v) >= 1e6 || math.Abs(*v) < 1e-3):
		return strconv.FormatFloat(*v, 'e', 1, 64)
	case math.Abs(*v) >= 100:
		return fixed(*v, 0)
	}
	return strconv.FormatFloat(*v, 'g', 3, 64)
}

// pValue writes a p-value with its sign of comparison: "= 0.032", "< 0.0001".
func pValue(v *float64) string {
	switch {
	case v == nil:
		return "= " + absent
	case *v < 0.0001:
		return "< 0.0001"
	}
	return "= " + strconv.FormatFloat(*v, 'g', 2, 64)
}

// moment writes a time to the minute in UTC.
func moment(t analysis.Time) string {
	if t == 0 {
		return "never"
	}
	return t.Std().Format("2006-01-02 15:04 UTC")
}

// dayOf writes the day of a time in UTC.
func dayOf(t analysis.Time) string {
	if t == 0 {
		return "open"
	}
	return t.Std().Format(time.DateOnly)
}

// days writes a number of days.
func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return count(int64(n)) + " days"
}
