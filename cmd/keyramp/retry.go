package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"keyramp/ingest"
	"keyramp/ingest/auth0"
	"keyramp/ingest/enrollment"
	"keyramp/ingest/logfile"
	"keyramp/queries/store"
)

// newRetry reads rejects again where they came from: the store keeps no payload of them.
func newRetry(a *app) *cobra.Command {
	r := retry{app: a}
	names := slices.Sorted(maps.Keys(enrollment.Mappings))
	cmd := &cobra.Command{
		Use:   "retry",
		Short: "Read what was put aside again, and store what is usable now",
		Long: `Read the records on the list again where they came from, since the store keeps
nothing of what they held: from their files, and from the tenant and the page by
the cursor of their page, as long as these still hold them. What is usable now
is stored and leaves the list; the rest stays on it, with the reason of today.

Relative paths of files are meant from where the import ran. What came through
standard input cannot be read again.`,
		Example: `  keyramp rejects retry
  keyramp rejects retry --map segment`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.mapping != "" && !slices.Contains(names, r.mapping) {
				return usage(cmd, fmt.Errorf("--map %s: it is one of %s", r.mapping, strings.Join(names, ", ")))
			}
			if _, err := a.format(cmd, "table", "table"); err != nil {
				return err
			}
			if err := a.reading(cmd.Context(), func(context.Context, store.Store) error { return nil }); err != nil {
				return fmt.Errorf("rejects retry: %w", err) // without a store none is made
			}
			if err := a.writing(cmd.Context(), r.run); err != nil {
				return fmt.Errorf("rejects retry: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&r.mapping, "map", "", "read page events as those of another `tool`: "+strings.Join(names, " or "))
	return cmd
}

// A retry is one run of the command.
type retry struct {
	*app
	mapping string
}

func (r *retry) run(ctx context.Context, db store.Store, ids *ingest.Pseudonyms) error {
	list, err := db.Rejects(ctx, 0)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		fmt.Fprintln(r.out, "nothing was put aside")
		return nil
	}
	// One source may have been read as logs and as page events. Files come first: they ask nobody.
	type part struct{ source, kind string }
	parts := map[part][]store.Reject{}
	for _, one := range list {
		p := part{one.Source, kindOf(one)}
		parts[p] = append(parts[p], one)
	}
	order := slices.SortedFunc(maps.Keys(parts), func(x, y part) int {
		last := func(p part) int { // 0 for files
			if strings.HasPrefix(p.source, "file:") {
				return 0
			}
			return 1
		}
		return cmp.Or(last(x)-last(y), cmp.Compare(x.source, y.source), cmp.Compare(x.kind, y.kind))
	})
	for _, p := range order {
		if err := r.source(ctx, db, ids, p.source, p.kind, parts[p]); err != nil {
			return err
		}
	}
	return nil
}

// kindOf is what a reject was read as. Of old rows only the reason tells.
func kindOf(r store.Reject) string {
	if r.Kind == "" && r.Reason == ingest.ReasonContract {
		return store.KindPage
	}
	return cmp.Or(r.Kind, store.KindLog)
}

// source reads the rejects of one source again and stores what came of it.
func (r *retry) source(ctx context.Context, db store.Store, ids *ingest.Pseudonyms, name, kind string, rejects []store.Reject) error {
	src, done, err := r.open(name, rejects)
	if err != nil {
		return err
	}
	if src == nil { // said why
		r.summary.Complete = false
		return nil
	}
	defer done()
	var dec ingest.Decoder = r.logDecoder(ids)
	if kind == store.KindPage {
		dec = r.pageDecoder(ids, r.mapping)
	}
	removed, err := db.Removed(ctx)
	if err != nil {
		return err
	}
	trial, missing, err := ingest.Retry(ctx, src, dec, ids, ingest.NewRemoved(removed, ids), rejects, micros(r.now))
	if err != nil {
		kind := sourceAuth0
		if strings.HasPrefix(name, "page:") {
			kind = sourcePage
		}
		return sourceError(kind, err)
	}
	trial.Source = name
	loaded, err := db.Resettle(ctx, trial)
	if err != nil {
		return err
	}
	loaded.Rejected = int64(len(trial.Still))
	loaded.Received += loaded.Rejected
	s := newSourceSummary(name, loaded)
	r.summary.Sources = append(r.summary.Sources, s)
	r.printAccount(s)
	if n := len(missing); n > 0 {
		r.summary.Complete = false
		r.log.Warn(fmt.Sprintf("%s: %s %s not found again; the list keeps %s", name, group(int64(n)),
			plural(n, "record was", "records were"), plural(n, "it", "them")))
	}
	return nil
}

// open finds where a source can be read again. A nil source without an error means that it cannot, which was said.
func (r *retry) open(name string, rejects []store.Reject) (src ingest.Source, done func() error, err error) {
	cannot := func(why string) (ingest.Source, func() error, error) {
		r.log.Warn(fmt.Sprintf("%s: %s of it cannot be read again: %s", name, group(int64(len(rejects))), why))
		return nil, nil, nil
	}
	manners := ingest.Manners{Rate: r.settings.rate, UserAgent: "keyramp/" + keyrampVersion(), Log: r.log}
	switch kind, place, _ := strings.Cut(name, ":"); kind {
	case "file":
		path := logfile.Named(place)
		info, err := os.Stat(path)
		switch {
		case place == "-":
			return cannot("they came through standard input")
		case errors.Is(err, fs.ErrNotExist):
			return cannot("the file is not there")
		case err != nil:
			return cannot(err.Error())
		case info.IsDir():
			return cannot("it is a folder")
		}
		files, err := logfile.Open([]string{path}, nil, logfile.Options{Skip: []string{r.storeDir()}})
		if err != nil {
			return cannot(err.Error())
		}
		return files[0], files[0].Close, nil
	case "auth0":
		if place != hostOf(r.settings.Auth0.Domain) {
			return cannot("the settings name another tenant, or none (AUTH0_DOMAIN)")
		}
		client, err := auth0.New(auth0.Config{
			Domain: r.settings.Auth0.Domain, ClientID: r.settings.Auth0.ClientID, Secret: r.settings.clientSecret,
			StaticToken: r.settings.auth0Token, Audience: r.settings.Auth0.Audience,
			TokenFile: filepath.Join(r.storeDir(), "auth0.token"), Manners: manners,
		})
		if err != nil {
			return nil, nil, err
		}
		return client.Again(rejects), func() error { client.Close(); return nil }, nil
	case "page":
		if r.settings.Page.URL == "" {
			return cannot("the settings name no page (KEYRAMP_PAGE_URL)")
		}
		api, err := enrollment.NewAPI(enrollment.APIConfig{URL: r.settings.Page.URL, Token: r.settings.pageToken, Manners: manners}, store.Cursor{})
		if err != nil {
			return nil, nil, err
		}
		if api.Name() != name {
			return cannot("the settings name another page (KEYRAMP_PAGE_URL)")
		}
		return api.Again(rejects), api.Close, nil
	}
	return cannot("nothing is known of such a source")
}
