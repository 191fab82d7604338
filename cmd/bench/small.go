package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"keyramp/fixtures/tenant"
)

// What the pulls are measured with.
const (
	newEvents  = 200
	limit      = 2.0 // requests a second
	limitedFor = 30 * time.Second
)

// small measures pulls from a simulated tenant on loopback: everything at once,
// nothing new, a little new, and at an imposed rate.
func small(ctx context.Context, b *bench, out io.Writer) error {
	w := tenant.New(tenant.Config{Seed: b.config.Seed})
	t := table{head: []string{"pull", "wall s", "CPU s", "peak MB", "events", "events a second", "requests a second"}}
	if err := b.unlimited(ctx, w, &t); err != nil {
		return err
	}
	for _, l := range []struct{ name, rate string }{
		{fmt.Sprintf("at most %.0f requests a second (--rate %.0f)", limit, limit), fmt.Sprint(limit)},
		{fmt.Sprintf("the tenant allows %.0f a second after a burst of 10 (--rate 0)", limit), "0"},
	} {
		if err := b.limited(ctx, w, &t, l.name, l.rate); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "Through HTTP from a simulated tenant on loopback, which runs on the same cores: pages of 100 events, %s events in all. Rows with nothing or little new are medians of %d pulls; every pull is a whole process with token, experiments and log.\n\n%s\n%s\n",
		thousands(int64(w.Len())), b.rounds, t.String(), b.machine(nil))
	return nil
}

// unlimited pulls all but the last events, then nothing new, then a few at a time.
func (b *bench) unlimited(ctx context.Context, w *tenant.World, t *table) error {
	held := w.Len() - b.rounds*newEvents // the first event that is not there yet
	s := tenant.NewServer(w, tenant.ServerOptions{Now: w.Logged(held - 1)})
	if err := s.Start("127.0.0.1:0"); err != nil {
		return err
	}
	defer s.Close()
	dir, done, err := b.work()
	if err != nil {
		return err
	}
	defer done()
	row := func(name string, pulls []pulled) {
		var us []usage
		for _, p := range pulls {
			us = append(us, p.usage)
		}
		wall := medianOf(us, wallOf)
		perSecond := "–"
		if pulls[0].received >= 100_000 {
			perSecond = thousands(int64(float64(pulls[0].received) / wall))
		}
		t.add(name, seconds(wall), seconds(medianOf(us, cpuOf)), megabytes(int64(medianOf(us, peakOf))), thousands(pulls[len(pulls)-1].received), perSecond, "–")
	}
	all, err := b.pull(ctx, dir, s, "--rate", "0", "--since", w.Start().Format(time.RFC3339))
	if err != nil {
		return err
	}
	if all.received < int64(held) {
		return fmt.Errorf("%d events pulled, the tenant has %d", all.received, held)
	}
	row("everything, no limit", []pulled{all})
	// The first pull caused events of its own at the tenant: one more takes them.
	if _, err := b.pull(ctx, dir, s, "--rate", "0"); err != nil {
		return err
	}
	var none, few []pulled
	for range b.rounds {
		p, err := b.pull(ctx, dir, s, "--rate", "0")
		if err != nil {
			return err
		}
		none = append(none, p)
	}
	row("nothing new", none)
	for range b.rounds {
		held += newEvents
		s.SetNow(w.Logged(held - 1))
		p, err := b.pull(ctx, dir, s, "--rate", "0")
		if err != nil {
			return err
		}
		if p.received < newEvents {
			return fmt.Errorf("%d events pulled, %d are new", p.received, newEvents)
		}
		few = append(few, p)
	}
	row(fmt.Sprintf("%d new events", newEvents), few)
	return nil
}

// limited pulls for a while from a tenant that allows few requests, and fails
// when the rate that was kept is more than 2 % above it.
func (b *bench) limited(ctx context.Context, w *tenant.World, t *table, name, rate string) error {
	s := tenant.NewServer(w, tenant.ServerOptions{RatePerSecond: limit})
	if err := s.Start("127.0.0.1:0"); err != nil {
		return err
	}
	defer s.Close()
	dir, done, err := b.work()
	if err != nil {
		return err
	}
	defer done()
	p, err := b.pull(ctx, dir, s, "--rate", rate, "--max-duration", limitedFor.String(), "--since", w.Start().Format(time.RFC3339))
	if err != nil {
		return err
	}
	var at []time.Time
	refused := 0
	for _, r := range s.Requests() {
		if strings.HasPrefix(r.Path, "/api/v2/") {
			at = append(at, r.At)
		}
		if r.Status == 429 {
			refused++
		}
	}
	if len(at) < 2 {
		return fmt.Errorf("%d requests in %s", len(at), limitedFor)
	}
	perSecond := float64(len(at)-1) / at[len(at)-1].Sub(at[0]).Seconds()
	if rate != "0" && (perSecond > limit*1.02 || refused > 0) {
		return fmt.Errorf("%.3f requests a second, and %d were refused; the limit is %.0f", perSecond, refused, limit)
	}
	t.add(fmt.Sprintf("%s, %s: %d refused", name, limitedFor, refused), seconds(p.wall.Seconds()), seconds(p.cpu.Seconds()), megabytes(p.peak),
		thousands(p.received), thousands(int64(float64(p.received)/p.wall.Seconds())), fmt.Sprintf("%.3f", perSecond))
	return nil
}

// pulled is what a pull took and got.
type pulled struct {
	usage
	received int64
}

// pull runs the product against a server.
func (b *bench) pull(ctx context.Context, dir string, s *tenant.Server, args ...string) (pulled, error) {
	summary := filepath.Join(dir, "summary.json")
	_, u, err := measure(ctx, dir, step{
		args: append([]string{b.keyramp, "pull", "--store", storeName, "--quiet", "--summary-file", summary}, args...),
		env:  []string{"AUTH0_DOMAIN=" + s.URL(), "AUTH0_CLIENT_ID=" + s.ClientID, "AUTH0_CLIENT_SECRET=" + s.ClientSecret},
	})
	if err != nil {
		return pulled{}, err
	}
	text, err := os.ReadFile(summary)
	if err != nil {
		return pulled{}, err
	}
	var doc struct{ Sources []struct{ Received int64 } }
	if err := json.Unmarshal(text, &doc); err != nil {
		return pulled{}, err
	}
	p := pulled{usage: u}
	for _, src := range doc.Sources {
		p.received += src.Received
	}
	return p, nil
}
