// Command keyramp tells a team whether to ramp an Auth0 experiment: it reads
// tenant log events and the enrollment page's events, keeps them once, counts
// them, and answers RAMP, HOLD, ROLL_BACK or INVESTIGATE with its reasons.
//
// One file holds one command; run.go is the way in and out.
package main

import (
	"context"
	"io"
	"log"
	"os"
)

func main() {
	// net/http tells the standard logger of odd answers and quotes them: log events
	// hold people's data, and a token's answer the token.
	log.SetOutput(io.Discard)
	os.Exit(run(untilSignal(context.Background()), os.Environ(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
