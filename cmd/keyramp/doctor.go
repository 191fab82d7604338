package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"keyramp/ingest"
	"keyramp/ingest/auth0"
	"keyramp/ingest/enrollment"
	"keyramp/queries/duckdb"
	"keyramp/queries/store"
)

// Where a finding becomes a warning.
const (
	tightDisk  = 1 << 30          // bytes free
	clockDrift = 30 * time.Second // a token of some minutes and the lag of a source bear that much
	patience   = 5 * time.Second  // with what fails: somebody is waiting for the answer
	// staleRead is how long after the last read events may be lost: the shortest retention that Auth0 sells.
	staleRead = 24 * time.Hour
)

// newDoctor looks at everything that a run needs, and says what to do.
func newDoctor(a *app) *cobra.Command {
	d := doctor{app: a}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check settings, credentials, scopes, clock, disk and store",
		Long: `Check what a run needs: settings, credentials and scopes, the tenant's and the
page's answers, clock, disk, permissions, key file, store and what became of the
last runs. Each line says ok, warn or fail, what was found, and what to do.

It changes nothing: it sends one token request and a few GETs to the configured
hosts, and with --offline none. No secret is printed. The exit status is 0 when
nothing failed, else that of the failure with the lowest one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format(cmd, "table", "table", "json")
			if err != nil {
				return err
			}
			d.run(cmd)
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			if err := a.emit(func(w io.Writer) error { return d.write(w, format) }); err != nil {
				return err
			}
			return d.verdict()
		},
	}
	cmd.Flags().BoolVar(&d.offline, "offline", false, "ask no server")
	cmd.Flags().BoolVar(&d.deep, "deep", false, "read every column of every table, to find damage")
	return cmd
}

// A doctor is one run of the command.
type doctor struct {
	*app
	offline, deep bool
	found         []finding
}

// A finding is one line of the result.
type finding struct {
	Check string `json:"check"`
	State string `json:"state"` // ok, warn or fail
	Found string `json:"found"`
	Todo  string `json:"todo"` // "" when there is nothing to do
	Code  int    `json:"exit_code"`
}

func (d *doctor) ok(check, format string, args ...any) {
	d.found = append(d.found, finding{Check: check, State: "ok", Found: fmt.Sprintf(format, args...)})
}

func (d *doctor) warn(check, todo, format string, args ...any) {
	d.found = append(d.found, finding{Check: check, State: "warn", Found: fmt.Sprintf(format, args...), Todo: todo})
}

// fail takes status and advice from the error, as the end of a run would.
func (d *doctor) fail(ctx context.Context, check, todo string, err error) {
	code, hint := exitCode(ctx, err)
	d.found = append(d.found, finding{Check: check, State: "fail", Found: strings.Join(strings.Fields(d.hide.clean(err.Error())), " "),
		Todo: first(todo, hint), Code: code})
}

// refused is a failure of a server or of what we showed it.
func (d *doctor) refused(ctx context.Context, check, source string, err error) {
	todo := ""
	if errors.Is(err, ingest.ErrUpstream) {
		todo = "see that the address is right and can be reached from here, or try again later"
	}
	d.fail(ctx, check, todo, sourceError(source, err))
}

// verdict ends the run: the lowest status among the failures, so that what is
// to be mended first comes first (settings, then credentials, then servers).
func (d *doctor) verdict() error {
	code, failed := 0, 0
	for _, f := range d.found {
		if f.State != "fail" {
			continue
		}
		if failed++; code == 0 || f.Code < code {
			code = f.Code
		}
	}
	if failed == 0 {
		return nil
	}
	return fail(code, fmt.Errorf("doctor: %d of %d checks failed", failed, len(d.found)), "")
}

func (d *doctor) run(cmd *cobra.Command) {
	ctx := cmd.Context()
	var err error
	if d.settings, err = d.loadSettings(cmd); err == nil {
		err = d.loadSecrets(&d.settings)
	}
	if err != nil {
		// Which store and which tenant are meant is not known then.
		d.fail(ctx, "settings", "", err)
		d.temporary(ctx)
		return
	}
	d.ok("settings", "%s", first(d.settings.path, "no file: environment, flags and defaults"))
	d.secretFiles()
	tenant := d.credentials(ctx)
	page := d.pageCredentials(ctx)
	d.temporary(ctx)
	d.folder(ctx)
	if !d.offline && tenant != nil {
		d.tenant(ctx, tenant)
	}
	if !d.offline && page != nil {
		if err := page.Try(ctx); err != nil {
			d.refused(ctx, "page API", sourcePage, err)
		} else {
			d.ok("page API", "%s answers", page.Name())
		}
	}
	if tenant != nil {
		tenant.Close()
	}
	if page != nil {
		page.Close()
	}
}

// secretFiles looks at the files that hold secrets in place of the environment.
func (d *doctor) secretFiles() {
	for _, s := range []struct{ name, configured string }{
		{"AUTH0_CLIENT_SECRET", d.settings.Auth0.ClientSecretFile}, {"KEYRAMP_PAGE_TOKEN", d.settings.Page.TokenFile},
	} {
		path := first(d.env[s.name+"_FILE"], s.configured)
		if d.env[s.name] != "" || path == "" {
			continue
		}
		if info, err := os.Stat(path); err == nil && !private(info) {
			d.warn("secret file", "chmod 600 "+path, "%s: mode %04o lets others read it", path, info.Mode().Perm())
		}
	}
}

func (d *doctor) manners() ingest.Manners {
	return ingest.Manners{Rate: d.settings.rate, MaxElapsed: patience, UserAgent: "keyramp/" + keyrampVersion(), Log: d.log}
}

// credentials tells whether there are any; the client is nil when there are none that could be tried.
func (d *doctor) credentials(ctx context.Context) *auth0.Client {
	s := d.settings
	if s.Auth0.Domain == "" {
		if s.Page.URL == "" {
			d.warn("credentials", "set AUTH0_DOMAIN, AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET; docs/configuration.md",
				"no tenant is configured: files can be imported, and nothing can be pulled")
		} else {
			d.ok("credentials", "no tenant is configured")
		}
		return nil
	}
	client, err := auth0.New(auth0.Config{
		Domain: s.Auth0.Domain, ClientID: s.Auth0.ClientID, Secret: s.clientSecret, StaticToken: s.auth0Token,
		Audience: s.Auth0.Audience, Manners: d.manners(), // no token file: a token that was kept would prove nothing
	})
	if err != nil {
		d.refused(ctx, "credentials", sourceAuth0, err)
		return nil
	}
	kind := "id and secret set " + d.origin("AUTH0_CLIENT_SECRET", s.clientSecret)
	if !s.auth0Token.IsZero() {
		kind = "a token, used as it is " + d.origin("", s.auth0Token)
	}
	d.ok("credentials", "%s: %s", hostOf(s.Auth0.Domain), kind)
	return client
}

func (d *doctor) pageCredentials(ctx context.Context) *enrollment.API {
	if d.settings.Page.URL == "" {
		return nil
	}
	page, err := enrollment.NewAPI(enrollment.APIConfig{URL: d.settings.Page.URL, Token: d.settings.pageToken, Manners: d.manners()}, store.Cursor{})
	if err != nil {
		d.fail(ctx, "page token", "set KEYRAMP_PAGE_URL and KEYRAMP_PAGE_TOKEN", sourceError(sourcePage, err))
		return nil
	}
	d.ok("page token", "%s: a token is set %s", page.Name(), d.origin("KEYRAMP_PAGE_TOKEN", d.settings.pageToken))
	return page
}

// origin says where a secret came from and how long it is: enough to see that
// it is the right one, and that no line end came with it.
func (d *doctor) origin(name string, s ingest.Secret) string {
	from := "env"
	if name != "" && d.env[name] == "" {
		from = "file"
	}
	return fmt.Sprintf("(%s, %d chars)", from, len(s.Reveal()))
}

// temporary tries to write, since modes do not tell of a read-only file system.
func (d *doctor) temporary(ctx context.Context) {
	dir := first(d.env["TMPDIR"], os.TempDir())
	f, err := os.CreateTemp(dir, "keyramp-doctor-*")
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		d.fail(ctx, "temporary files", "let TMPDIR name a folder that you may write to", fail(exitResources, err, ""))
		return
	}
	d.ok("temporary files", "%s can be written to", dir)
}

// folder looks at the store's folder, then into the store.
func (d *doctor) folder(ctx context.Context) {
	dir := d.storeDir()
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.disk(dir)
		d.noStore(dir)
		return
	case err != nil:
		d.fail(ctx, "store folder", "", fail(exitResources, err, "see that the folder is yours"))
		return
	case !info.IsDir():
		d.fail(ctx, "store folder", "", fail(exitConfig, fmt.Errorf("%s is not a folder", dir), "--store or KEYRAMP_STORE names another"))
		return
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real // a link to the folder is not the folder
	}
	if !d.permissions(ctx, dir) {
		return
	}
	if !mayWrite(dir) {
		d.warn("writing", "run pull and import where the folder can be written to", "this run may not write to %s: reports work, pull and import do not", dir)
	}
	d.disk(dir)
	if len(within(dir, "*.duckdb")) == 0 {
		d.noStore(dir)
		return
	}
	d.key(ctx)
	d.contents(ctx)
}

func (d *doctor) noStore(dir string) {
	d.warn("store", "keyramp pull or keyramp import makes it, or --store names another folder", "there is no store yet at %s", dir)
}

// private tells whether only its owner may use a file or folder.
func private(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 == 0 }

// permissions looks at who may use the folder and what is in it, and reports
// whether this run can look at all.
func (d *doctor) permissions(ctx context.Context, dir string) bool {
	var loose, others []string
	var files int
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) { // a run beside us has removed it
			return nil
		}
		if err != nil {
			return err
		}
		files++
		if !private(info) && info.Mode()&fs.ModeSymlink == 0 {
			loose = append(loose, path)
		}
		if uid, known := ownerOf(info); known && uid != os.Geteuid() {
			others = append(others, path)
		}
		return nil
	})
	name := func(paths []string) string {
		text, _ := filepath.Rel(filepath.Dir(dir), paths[0])
		if len(paths) > 1 {
			text += fmt.Sprintf(" and %d more", len(paths)-1)
		}
		return text
	}
	switch {
	case err != nil:
		d.fail(ctx, "permissions", "", fail(exitResources, err, "see that the folder and what is in it are yours"))
	case len(loose) > 0:
		d.warn("permissions", "chmod -R go= "+dir, "others may use %s", name(loose))
	}
	if len(others) > 0 {
		d.warn("owner", "run keyramp as one user always, or chown -R the folder", "another user than this run's owns %s", name(others))
	}
	if err == nil && len(loose)+len(others) == 0 {
		d.ok("permissions", "%s is yours alone", dir)
	}
	return err == nil
}

// disk tells the room where the store is, or will be.
func (d *doctor) disk(dir string) {
	for {
		if _, err := os.Stat(dir); err == nil || filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	if free, known := freeBytes(dir); known {
		d.room(dir, free)
	}
}

func (d *doctor) room(dir string, free int64) {
	switch {
	case free < tightDisk:
		d.warn("disk", "make room, or move the store with --store", "%s free at %s: an import may end half way (what was committed stays)", size(free), dir)
	default:
		d.ok("disk", "%s free at %s", size(free), dir)
	}
}

func (d *doctor) key(ctx context.Context) {
	if err := d.keyKept(); err != nil {
		d.fail(ctx, "key file", "", err)
		return
	}
	// The file exists, so that none is made.
	if _, err := ingest.LoadPseudonyms(d.keyPath()); err != nil {
		d.fail(ctx, "key file", "", fail(exitConfig, err, "chmod 600 it, or restore it from a backup"))
		return
	}
	d.ok("key file", "%s is readable by you alone", d.keyPath())
}

// contents opens the store as a report does.
func (d *doctor) contents(ctx context.Context) {
	var s *store.Status
	var db *duckdb.DB
	err := d.safe(ctx)
	if err == nil {
		db, err = duckdb.Open(ctx, duckdb.Options{Dir: d.storeDir(), ReadOnly: true, LockWait: d.flags.lockWait, Older: d.older})
	}
	if err == nil {
		s, err = db.Status(ctx)
		if err == nil && d.keyKept() == nil { // else loading would make one
			if ids, e := ingest.LoadPseudonyms(d.keyPath()); e == nil { // else the check before told what is wrong
				if _, e := d.keyOf(ctx, db, ids, false); e != nil {
					d.fail(ctx, "key", "", e)
				}
			}
		}
		err = errors.Join(err, db.Close())
	}
	switch {
	case errors.Is(err, store.ErrMissing):
		d.noStore(d.storeDir())
		return
	case err != nil:
		d.fail(ctx, "store", "", err)
		return
	}
	d.ok("store", "schema %d, %s events, %s page events, %s", s.Schema, group(s.Events), group(s.Pages), size(s.Bytes))
	if d.deep {
		d.depth(ctx)
	}
	for _, src := range s.Sources {
		d.source(src)
	}
	if n := len(s.Gaps); n > 0 {
		g := s.Gaps[n-1]
		d.warn("gaps", "pull more often than the tenant's log retention; reports of that time say it",
			"%d %s, for instance %s from %s to %s may be missing for ever", n, plural(n, "gap", "gaps"), g.Source, stamp(g.From), stamp(g.Until))
	} else {
		d.ok("gaps", "none")
	}
	var rejects int64
	var reasons []string
	for _, r := range s.Rejects {
		rejects += r.Count
		reasons = append(reasons, fmt.Sprintf("%s %s", group(r.Count), r.Reason))
	}
	if rejects > 0 {
		d.warn("rejects", "`keyramp rejects` lists them with the rule that each broke",
			"%s %s put aside: %s", group(rejects), plural(int(rejects), "record was", "records were"), strings.Join(reasons, ", "))
	} else {
		d.ok("rejects", "none")
	}
}

// depth reads the whole store: what opens may still be damaged inside.
func (d *doctor) depth(ctx context.Context) {
	found, err := d.examine(ctx, d.storeDir(), "")
	if err == nil && !found.Whole() {
		err = &toldError{found.Why(), store.ErrDamaged}
	}
	if err != nil {
		d.fail(ctx, "store, in depth", "", err)
		return
	}
	d.ok("store, in depth", "every column of %d tables was read, %s rows", len(found.Tables), group(found.Rows()))
}

// source tells how old the cursor of a source is that is pulled.
func (d *doctor) source(src store.SourceStatus) {
	c := src.Cursor
	kind, _, _ := strings.Cut(c.Source, ":")
	if kind != "auth0" && kind != "page" || c.Watermark == 0 {
		return
	}
	check := "last pull"
	age := max(0, d.now.Sub(time.UnixMicro(c.Watermark))).Round(time.Second)
	switch {
	case age > staleRead:
		d.warn(check, "keyramp pull; run it from cron at least daily: a tenant keeps its log 1 to 30 days, by plan",
			"%s was read until %s, %d hours ago", c.Source, stamp(c.Watermark), int(age.Hours()))
	case !c.Complete:
		d.warn(check, "keyramp pull goes on there", "%s was read until %s, and there was more", c.Source, stamp(c.Watermark))
	default:
		d.ok(check, "%s was read until %s, %v ago", c.Source, stamp(c.Watermark), age)
	}
}

// tenant asks the tenant what a pull would ask.
func (d *doctor) tenant(ctx context.Context, client *auth0.Client) {
	idle, err := client.TryToken(ctx)
	if err != nil {
		d.refused(ctx, "token", sourceAuth0, err)
	} else {
		switch {
		case len(idle) > 0:
			d.warn("token", "grant the application read:logs and read:experimentation alone: whoever gets its secret has the rest, too",
				"it allows more than keyramp needs: %s", strings.Join(idle[:min(len(idle), 5)], ", "))
		case d.settings.auth0Token.IsZero():
			d.ok("token", "the tenant gives one")
		}
		if err := client.TryLogs(ctx); err != nil {
			d.refused(ctx, "read:logs", sourceAuth0, err)
		} else {
			d.ok("read:logs", "the log can be read")
		}
		err := client.TryExperiments(ctx)
		switch {
		case err == nil:
			d.ok("read:experimentation", "experiments can be read")
		case errors.Is(err, auth0.ErrNoExperiments):
			d.warn("read:experimentation", "grant it, or state the phases under experiments: in keyramp.yaml",
				"%v; without either the weights are not known and the sample ratio is not checked", err)
		default:
			d.refused(ctx, "read:experimentation", sourceAuth0, err)
		}
	}
	ahead, known := client.Ahead()
	switch {
	case !known:
	case ahead.Abs() > clockDrift:
		where := "ahead of"
		if ahead < 0 {
			where = "behind"
		}
		d.warn("clock", "set this machine's clock, for instance with NTP: the age of tokens and of sources is told by it",
			"the tenant's is %v %s this machine's", ahead.Abs().Round(time.Second), where)
	default:
		d.ok("clock", "within %v of the tenant's", clockDrift)
	}
}

func (d *doctor) write(w io.Writer, format string) error {
	if format == "json" {
		doc := struct {
			SchemaVersion int       `json:"schema_version"`
			Checks        []finding `json:"checks"`
		}{1, d.found}
		return writeJSON(w, doc)
	}
	width, column := d.width(), 0
	for _, f := range d.found {
		column = max(column, len(f.Check))
	}
	column += 8
	for _, f := range d.found {
		state := fmt.Sprintf("%-4s", f.State)
		switch f.State {
		case "warn":
			state = d.outStyle.bold(state)
		case "fail":
			state = d.outStyle.red(state)
		}
		fmt.Fprintf(w, "%s  %-*s", state, column-6, f.Check)
		words := strings.Fields(visible(f.Found))
		for i := range words { // a path can be long
			words[i] = clip(words[i], width-column)
		}
		wrapFrom(w, width, column, strings.Join(words, " "))
		if f.Todo != "" {
			fmt.Fprint(w, strings.Repeat(" ", 6))
			wrapFrom(w, width, 6, "-> "+visible(f.Todo)) // whole words: some are to be copied
		}
	}
	return nil
}
