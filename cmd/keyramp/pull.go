package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rivo/uniseg"
	"github.com/spf13/cobra"

	"keyramp/ingest"
	"keyramp/ingest/auth0"
	"keyramp/ingest/enrollment"
	"keyramp/queries/store"
)

// The sources that pull knows by name.
const (
	sourceAuth0 = "auth0"
	sourcePage  = "enrollments"
)

// newPull reads what is new at the tenant and at the enrollment page.
func newPull(a *app) *cobra.Command {
	p := pull{app: a}
	cmd := &cobra.Command{
		Use:   "pull [auth0] [enrollments]",
		Short: "Fetch what is new from the tenant and from the enrollment page",
		Long: `Fetch new events from the configured sources, all of them unless some are named,
and continue where the last run ended. One that fails does not hold up the
others. Rows and cursor are committed together, so a run that dies is simply
started again.

Credentials come by environment: AUTH0_DOMAIN, AUTH0_CLIENT_ID and
AUTH0_CLIENT_SECRET (or AUTH0_CLIENT_SECRET_FILE), or AUTH0_API_TOKEN; for the
page's API KEYRAMP_PAGE_URL and KEYRAMP_PAGE_TOKEN. The application needs the
scope read:logs, and read:experimentation to see weights and phases.`,
		Example: `  keyramp pull --since 7d
  keyramp pull --max-duration 8m`,
		Args:      cobra.OnlyValidArgs,
		ValidArgs: []string{sourceAuth0, sourcePage},
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.onGap != "fail" && p.onGap != "warn" {
				return usage(cmd, fmt.Errorf("--on-gap %s: it is fail or warn", p.onGap))
			}
			if p.maxPages < 0 || p.maxDuration < 0 || p.rate < 0 {
				return usage(cmd, errors.New("--max-pages, --max-duration and --rate are 0 or more"))
			}
			if cmd.Flags().Changed("rate") {
				a.settings.rate = p.rate
			}
			if _, err := a.format(cmd, "table", "table"); err != nil {
				return err
			}
			if err := p.run(cmd.Context(), args); err != nil {
				return fmt.Errorf("pull: %w", err)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&p.since, "since", "", "where the first run begins: a `time` or 7d back")
	f.Int64Var(&p.maxPages, "max-pages", 0, "end after `N` pages of each source; 0 = no limit")
	f.DurationVar(&p.maxDuration, "max-duration", 0, "end cleanly after this `time`; 0 = no limit")
	f.StringVar(&p.onGap, "on-gap", "fail", "fail or warn, when a source no longer holds what came next;\neither way the rest is fetched")
	f.Float64Var(&p.rate, "rate", defaultRate, "`requests` a second; 0 = as fast as the headers allow")
	return cmd
}

// A pull is one run of the command.
type pull struct {
	*app
	since, onGap string
	maxPages     int64
	maxDuration  time.Duration
	rate         float64

	gaps int
	read int64 // answers of all sources
}

// errTimeUp ends a run that has lasted as long as it may.
var errTimeUp = errors.New("the time that --max-duration gives is over")

func (p *pull) run(ctx context.Context, names []string) error {
	if len(names) == 0 {
		if p.settings.Auth0.Domain != "" {
			names = append(names, sourceAuth0)
		}
		if p.settings.Page.URL != "" {
			names = append(names, sourcePage)
		}
	}
	if len(names) == 0 {
		return fail(exitConfig, errors.New("no source is configured"),
			"set AUTH0_DOMAIN and its credentials, or KEYRAMP_PAGE_URL; docs/configuration.md")
	}
	manners := ingest.Manners{Rate: p.settings.rate, UserAgent: "keyramp/" + keyrampVersion(), Log: p.log}
	limited := ctx
	if p.maxDuration > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeoutCause(ctx, p.maxDuration, errTimeUp)
		defer cancel()
	}
	err := p.writing(ctx, func(ctx context.Context, db store.Store, ids *ingest.Pseudonyms) error {
		var failed error // of a source, of which the others know nothing
		for _, name := range names {
			open := p.openAuth0
			if name == sourcePage {
				open = p.openPage
			}
			err := open(limited, db, ids, manners)
			if err != nil && context.Cause(limited) == errTimeUp {
				if err := p.timeUp(name); err != nil {
					return err
				}
				continue
			}
			if err == nil {
				continue
			}
			err = sourceError(name, err)
			switch {
			case ctx.Err() != nil || !errors.Is(err, ingest.ErrAuth) && !errors.Is(err, ingest.ErrConfig) && !errors.Is(err, ingest.ErrUpstream):
				return err
			case failed == nil:
				failed = err
			default:
				p.log.Warn(name+" failed, too", "why", err)
			}
		}
		return failed
	})
	if err == nil && p.gaps > 0 && p.onGap == "fail" {
		return fail(exitData, fmt.Errorf("%d %s recorded: a source no longer held what came after the last run", p.gaps, plural(p.gaps, "gap was", "gaps were")),
			"reports of that time show it; pull more often than the tenant's log retention (1 to 30 days by plan)")
	}
	return err
}

// timeUp ends a source that --max-duration stopped. That is a clean end, unless
// the source had given nothing by then: somebody must hear of that.
func (p *pull) timeUp(name string) error {
	p.summary.Complete = false
	if p.read == 0 {
		return fail(exitUpstream, fmt.Errorf("%s: nothing could be read: %w", name, errTimeUp), "run with -v to see what the server answers")
	}
	p.log.Info(fmt.Sprintf("%s: stopped by --max-duration; the next run goes on from here", name))
	return nil
}

// openAuth0 observes the tenant's experiments, then pumps its log.
func (p *pull) openAuth0(ctx context.Context, db store.Store, ids *ingest.Pseudonyms, m ingest.Manners) error {
	client, err := auth0.New(auth0.Config{
		Domain: p.settings.Auth0.Domain, ClientID: p.settings.Auth0.ClientID, Secret: p.settings.clientSecret,
		StaticToken: p.settings.auth0Token, Audience: p.settings.Auth0.Audience,
		TokenFile: p.tokenPath(), Manners: m,
	})
	if err != nil {
		return err
	}
	defer client.Close()
	source := "auth0:" + hostOf(p.settings.Auth0.Domain)
	from, known, err := db.Cursor(ctx, source)
	if err != nil {
		return err
	}
	var since time.Time
	switch {
	case p.since != "":
		if since, err = parseTime(p.since, p.now); err != nil {
			return fail(exitUsage, fmt.Errorf("--since: %w", err), "")
		}
		if since.After(p.now) {
			return fail(exitUsage, fmt.Errorf("--since %s: it lies in the future, and later runs would begin there, too", p.since), "")
		}
		if known {
			p.log.Info("--since is for the first run; going on where the last one ended", "source", source)
		}
	case !known:
		return fail(exitUsage, fmt.Errorf("%s: the first run needs to know where to begin", source),
			"--since 7d fetches a week; a tenant keeps 1 to 30 days, by plan")
	}
	// Weights belong to the time at which they were seen, so they are asked for
	// first. The log must not wait for them: it is what the tenant forgets.
	running, err := runningExperiments(ctx, db)
	if err != nil {
		return err
	}
	seen, err := client.Experiments(ctx, running)
	if len(seen) > 0 { // with an error, too
		if err := db.Observe(ctx, seen); err != nil {
			return err
		}
		if err := p.confirm(ctx, db, seen); err != nil {
			return err
		}
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, auth0.ErrNoExperiments):
		p.log.Info("the tenant tells nothing of its experiments; weights come from the settings file", "why", err)
	case errors.Is(err, auth0.ErrAuth):
		return err
	default:
		p.log.Warn("not all experiments were read this time", "why", err)
	}
	logs, err := client.Logs(from, since)
	if err != nil {
		return err
	}
	defer logs.Close()
	return p.pump(ctx, db, ids, logs, p.logDecoder(ids))
}

// openPage pumps the events that the enrollment page offers.
func (p *pull) openPage(ctx context.Context, db store.Store, ids *ingest.Pseudonyms, m ingest.Manners) error {
	c := enrollment.APIConfig{URL: p.settings.Page.URL, Token: p.settings.pageToken, Manners: m}
	fresh, err := enrollment.NewAPI(c, store.Cursor{})
	if err != nil {
		return err
	}
	from, _, err := db.Cursor(ctx, fresh.Name())
	if err != nil {
		return err
	}
	api, err := enrollment.NewAPI(c, from)
	if err != nil {
		return err
	}
	defer api.Close()
	return p.pump(ctx, db, ids, api, p.pageDecoder(ids, ""))
}

// batchRecords is the size of a commit; 0 is the pump's own. A test makes it
// small, so that a run can be killed between many commits.
var batchRecords = 0

// pump moves one source into the store and prints its account.
func (p *pull) pump(ctx context.Context, db store.Store, ids *ingest.Pseudonyms, src ingest.Source, dec ingest.Decoder) error {
	counted := &pages{Source: src, max: p.maxPages}
	bar := p.newProgress()
	removed, err := db.Removed(ctx)
	if err != nil {
		return err
	}
	pump := ingest.Pump{Sink: db, Recorder: db, Decoder: dec, Pseudonyms: ids, Removed: ingest.NewRemoved(removed, ids),
		Progress: bar.tell, BatchRecords: batchRecords}
	account, err := pump.Run(ctx, counted)
	bar.done()
	s := newSourceSummary(account.Source, account.Loaded)
	s.Pages = counted.n
	p.read += counted.answers
	// What was committed is asked of the store: an error may come with a part of the run.
	if c, ok, cerr := db.Cursor(context.WithoutCancel(ctx), src.Name()); cerr == nil && ok {
		s.setWatermark(c, time.UnixMicro(c.At))
	}
	p.printAccount(s)
	p.tell(&s, account)
	p.gaps += len(account.Gaps)
	p.summary.Sources = append(p.summary.Sources, s)
	p.summary.Complete = p.summary.Complete && account.Complete
	p.tellRemoved(account)
	if account.Note != "" {
		p.log.Warn(account.Source + ": " + account.Note)
	}
	return err
}

// pages counts the pages of a source and ends it after so many.
type pages struct {
	ingest.Source
	n, max  int64 // pages with records
	answers int64 // empty ones too
}

// Note implements ingest.Noter.
func (s *pages) Note() string {
	if n, ok := s.Source.(ingest.Noter); ok {
		return n.Note()
	}
	return ""
}

// Read implements ingest.Source.
func (s *pages) Read(ctx context.Context, c *ingest.Chunk) error {
	err := s.Source.Read(ctx, c)
	if err == nil || err == io.EOF {
		s.answers++
	}
	if len(c.Records) > 0 {
		s.n++
	}
	if err == nil && s.max > 0 && s.n >= s.max {
		return io.EOF
	}
	return err
}

// sourceError gives the errors of sources their exit status.
func sourceError(name string, err error) error {
	var known *exitError
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, ingest.ErrAuth):
		hint := "check AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET, and that the application is granted read:logs"
		if name == sourcePage {
			hint = "check KEYRAMP_PAGE_TOKEN"
		}
		return fail(exitAuth, err, hint)
	case errors.Is(err, ingest.ErrConfig):
		return fail(exitConfig, err, "")
	case errors.Is(err, ingest.ErrUpstream):
		return fail(exitUpstream, err, "what was read is stored; run the same command again later")
	}
	return err
}

// logDecoder makes the decoder of tenant log events from the settings.
func (a *app) logDecoder(ids *ingest.Pseudonyms) *ingest.LogDecoder {
	roles := store.DefaultRoles()
	maps.Copy(roles, a.settings.EventTypes)
	test := map[string]bool{}
	for _, addr := range a.settings.TestTraffic.Addresses {
		if ip, err := parseAddress(addr); err == nil { // checked when the settings were read
			test[ip] = true
		}
	}
	return &ingest.LogDecoder{Pseudonyms: ids, Keep: ingest.KeepRoles(roles), TestAddresses: test}
}

// printAccount writes the account of one source: a line of its own in a job's
// log, folded to the width of a terminal.
func (a *app) printAccount(s sourceSummary) {
	head, account := visible(s.Source), s.line()
	if s.Pages > 0 {
		head += fmt.Sprintf("  %s %s", group(s.Pages), plural(int(s.Pages), "page", "pages"))
	}
	if s.LagS != nil {
		account += "  lag " + (time.Duration(*s.LagS) * time.Second).String()
	}
	width := a.width()
	if a.env["COLUMNS"] == "" && !isTerminal(a.out) || uniseg.StringWidth(head+"  "+account) <= width {
		fmt.Fprintf(a.out, "%s  %s\n", head, account)
		return
	}
	fmt.Fprintln(a.out, clip(head, width))
	wrapTo(a.out, width, "  ", account)
}

// tellRemoved says what was left out because it was removed once.
func (a *app) tellRemoved(account ingest.Account) {
	for _, part := range []struct {
		n   int64
		why string
	}{{account.Forgotten, "of people who were forgotten"}, {account.Purged, "from before a purge"}} {
		if part.n > 0 {
			a.log.Warn(fmt.Sprintf("%s: %s %s left out: %s", account.Source, group(part.n), plural(int(part.n), "record was", "records were"), part.why))
		}
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// hostOf is the host of a domain that may be written as a URL.
func hostOf(domain string) string {
	if _, host, ok := strings.Cut(domain, "://"); ok {
		domain = host
	}
	return strings.ToLower(strings.TrimRight(domain, "/"))
}

// runningExperiments are those that had not ended when the tenant was last asked.
func runningExperiments(ctx context.Context, db store.Store) (ids []string, err error) {
	told, err := db.Observations(ctx, "")
	status := map[string]string{}
	for _, o := range told {
		status[o.Experiment] = o.Status
	}
	for _, id := range slices.Sorted(maps.Keys(status)) {
		if status[id] == "active" || status[id] == "paused" {
			ids = append(ids, id)
		}
	}
	return ids, err
}
