package main

import (
	"fmt"
	"strconv"
	"strings"
)

// exitMap says with which status a run ends instead of its own.
type exitMap map[int]int

// parseExitMap reads 6=0,12=99. What is mapped is one of keyramp's own statuses, each once; a bug and a wrong command
// line are never mapped, because a job that was never right must not look as if it were.
func parseExitMap(text string) (exitMap, error) {
	m := exitMap{}
	if text == "" {
		return m, nil
	}
	for _, pair := range strings.Split(text, ",") {
		from, to, ok := strings.Cut(pair, "=")
		a, err := strconv.ParseUint(from, 10, 8)
		b, err2 := strconv.ParseUint(to, 10, 8)
		if !ok || err != nil || err2 != nil {
			return nil, fmt.Errorf("--map-exit %s: %q is not STATUS=STATUS, such as 6=0", text, pair)
		}
		own := a == exitOK || a >= exitConfig && a <= exitInvestigate || a == exitInterrupt || a == exitTerminated
		if !own {
			return nil, fmt.Errorf("--map-exit %s: %d is no status that can be mapped: 0, 3 to 12, 130 and 143 are", text, a)
		}
		if _, twice := m[int(a)]; twice {
			return nil, fmt.Errorf("--map-exit %s: %d is mapped twice", text, a)
		}
		m[int(a)] = int(b)
	}
	return m, nil
}
