package ingest

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"keyramp/queries/store"
)

// Spans in microseconds.
const (
	second store.Micros = 1_000_000
	minute              = 60 * second
	hour                = 60 * minute
	day                 = 24 * hour
)

// ParseTime reads the moment of an event as sources write it: RFC 3339, also
// with a space for the T, without a fraction or with up to nanoseconds, and
// without a zone, which then means UTC as Auth0's dates always do; or an epoch
// time in s, ms, µs or ns, recognised by its size. Digits below a microsecond
// are cut. It reports false for anything else, for moments before 1970 and
// for leap seconds, which epoch time cannot tell.
func ParseTime(b []byte) (store.Micros, bool) {
	if len(b) < len("2006-01-02T15:04:05") || b[4] != '-' {
		return ParseEpoch(b)
	}
	// The date and the clock in two words, "2026-11-" and "03T09:14".
	date, clock := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	const dateDigits, clockDigits = 0x00ffff00ffffffff, 0xffff00ffff00ffff
	s10, s1 := b[17]-'0', b[18]-'0'
	if !digitsIn(date, dateDigits) || !digitsIn(clock, clockDigits) || s10 > 9 || s1 > 9 ||
		b[7] != '-' || b[13] != ':' || b[16] != ':' || b[10] != 'T' && b[10] != 't' && b[10] != ' ' {
		return 0, false
	}
	date, clock = pairs(date), pairs(clock)
	year, month, dom := int(date&0xff)*100+int(date>>16&0xff), int(date>>40&0xff), int(clock&0xff)
	h, m, s := clock>>24&0xff, clock>>48&0xff, 10*s10+s1
	if year < 1970 || month < 1 || month > 12 || dom < 1 || dom > daysIn(year, month) || h > 23 || m > 59 || s > 59 {
		return 0, false
	}
	t := civil(year, month, dom)*day + store.Micros(h)*hour + store.Micros(m)*minute + store.Micros(s)*second
	rest := b[19:]
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		unit, n := second/10, 1
		for ; n < len(rest) && '0' <= rest[n] && rest[n] <= '9'; n++ {
			t += store.Micros(rest[n]-'0') * unit
			unit /= 10
		}
		if n == 1 {
			return 0, false
		}
		rest = rest[n:]
	}
	offset, ok := zone(rest)
	if t -= offset; !ok || t <= 0 {
		return 0, false
	}
	return t, true
}

// digitsIn reports whether the bytes of w that the mask selects are digits.
func digitsIn(w, mask uint64) bool {
	// A digit is 3x, and still is when six are added.
	return (w&(0xf0*ones)^0x30*ones)&mask == 0 && ((w+6*ones)&(0xf0*ones)^0x30*ones)&mask == 0
}

// pairs takes each byte of w, the first being the lowest, and the one behind it for the digits of a number, which is
// in the byte of the first.
func pairs(w uint64) uint64 {
	w &= 0x0f * ones
	return w*10 + w>>8
}

// zone reads "", "Z", " UTC", "+hh", "+hhmm" or "+hh:mm" as the offset from UTC.
func zone(b []byte) (store.Micros, bool) {
	switch string(b) {
	case "", "Z", "z", " UTC":
		return 0, true
	}
	b = bytes.TrimPrefix(b, []byte(" "))
	sign := store.Micros(1)
	if len(b) == 0 || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	if b[0] == '-' {
		sign = -1
	}
	b = b[1:]
	if len(b) == 5 && b[2] == ':' {
		b = []byte{b[0], b[1], b[3], b[4]}
	}
	if len(b) == 2 {
		b = []byte{b[0], b[1], '0', '0'}
	}
	if len(b) != 4 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	h, m := store.Micros(b[0]-'0')*10+store.Micros(b[1]-'0'), store.Micros(b[2]-'0')*10+store.Micros(b[3]-'0')
	return sign * (h*hour + m*minute), h < 24 && m < 60
}

// ParseEpoch reads an epoch time, in exact decimal arithmetic: it may have a
// fraction or an exponent, as after a round trip through a float
// (1.793697221402E12). Nine to eleven digits before the point are seconds
// (the years 1973 to 5138), twelve to fourteen milliseconds, then µs and ns.
func ParseEpoch(b []byte) (store.Micros, bool) {
	var mantissa uint64
	digits, scale := 0, 0 // value = mantissa · 10^scale
	point, any := false, false
	i := 0
	for ; i < len(b); i++ {
		c := b[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		any = true
		switch {
		case digits == 19: // what a uint64 surely holds; the rest is below a microsecond or out of range
			if !point {
				scale++
			}
			continue
		case digits > 0 || c != '0':
			digits++
		}
		mantissa = mantissa*10 + uint64(c-'0')
		if point {
			scale--
		}
	}
	if !any || digits == 0 {
		return 0, false
	}
	if i < len(b) {
		exp, ok := exponent(b[i:])
		if !ok {
			return 0, false
		}
		scale += exp
	}
	switch whole := digits + scale; { // digits before the point
	case whole < 9 || whole > 20:
		return 0, false
	case whole < 12:
		scale += 6
	case whole < 15:
		scale += 3
	case whole >= 18:
		scale -= 3
	}
	for ; scale > 0; scale-- {
		hi, lo := bits.Mul64(mantissa, 10)
		if hi != 0 || lo > 1<<62 {
			return 0, false
		}
		mantissa = lo
	}
	for ; scale < 0; scale++ {
		mantissa /= 10
	}
	return store.Micros(mantissa), mantissa > 0 && mantissa < 1<<62
}

// exponent reads "e12", "E+12" or "E-3".
func exponent(b []byte) (int, bool) {
	if len(b) < 2 || b[0]|0x20 != 'e' {
		return 0, false
	}
	b = b[1:]
	sign := 1
	if b[0] == '+' || b[0] == '-' {
		if b[0] == '-' {
			sign = -1
		}
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 3 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return sign * n, true
}

// civil counts the days from 1970-01-01 to a date of the Gregorian calendar,
// from 1970 on. The year begins in March, so that a leap day ends it.
func civil(year, month, dom int) store.Micros {
	month -= 2
	if month <= 0 {
		month += 12
		year--
	}
	const from = 719_499 // of 1970-01-01 in this count
	return store.Micros(365*year + year/4 - year/100 + year/400 + 367*month/12 + dom - from)
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// loggedAt reads the time of ingestion inside a log_id: 900, yyyyMMddHHmmss,
// milliseconds, 56 digits in all. Other forms give 0: the id is then only an
// identity. Later digits look like microseconds in newer ids alone, so they
// are not read.
func loggedAt(id []byte) store.Micros {
	if len(id) != 56 || string(id[:3]) != "900" {
		return 0
	}
	for i := 0; i < len(id); i += 8 {
		if !digitsIn(binary.LittleEndian.Uint64(id[i:]), math.MaxUint64) {
			return 0
		}
	}
	d := id[3:20]
	t, _ := ParseTime([]byte{d[0], d[1], d[2], d[3], '-', d[4], d[5], '-', d[6], d[7], 'T', d[8], d[9], ':',
		d[10], d[11], ':', d[12], d[13], '.', d[14], d[15], d[16]})
	return t
}
