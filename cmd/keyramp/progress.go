package main

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"keyramp/ingest"
)

// A progress tells how far a long run has come: a bar for a person at a
// terminal, a line a minute for a job's log.
type progress struct {
	app  *app
	bar  *progressbar.ProgressBar // nil without a terminal
	last time.Time
}

func (a *app) newProgress() *progress { return a.newCount(-1, "events") }

// newCount follows the count of something; a total of -1 is not known.
func (a *app) newCount(total int, of string) *progress {
	p := &progress{app: a, last: time.Now()}
	if !a.flags.noProgress && !a.flags.quiet && a.env["CI"] == "" && isTerminal(a.errw) {
		p.bar = progressbar.NewOptions64(int64(total),
			progressbar.OptionSetWriter(a.errw),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString(of),
			progressbar.OptionSetWidth(10),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	return p
}

// tell takes the pump's word after each read.
func (p *progress) tell(at ingest.Progress) {
	if p.bar != nil {
		p.bar.Describe(clip(at.Source, 36))
		_ = p.bar.Set64(at.Records) // a terminal that went away is no failure
		return
	}
	if time.Since(p.last) >= time.Minute {
		p.last = time.Now()
		p.app.log.Info(fmt.Sprintf("%s: %s records read, %s stored so far", at.Source, group(at.Records), group(at.Loaded.Stored)))
	}
}

// reach takes the count so far; words are for a job's log.
func (p *progress) reach(n int64, words string) {
	if p.bar != nil {
		_ = p.bar.Set64(n)
	} else if time.Since(p.last) >= time.Minute {
		p.last = time.Now()
		p.app.log.Info(words)
	}
}

// done leaves a clean line.
func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Finish()
		_ = p.bar.Clear()
	}
}
