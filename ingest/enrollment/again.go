package enrollment

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"

	"keyramp/ingest"
	"keyramp/queries/store"
)

// Again reads answers of the page's API that were read before, for records of
// them that were put aside. What the page no longer keeps is not among them.
// The stored cursor has no part in it.
func (a *API) Again(rejects []store.Reject) ingest.Source {
	s := &again{API: a}
	for _, r := range rejects {
		if page, ok := ingest.PageOf(r.Place); ok && !slices.Contains(s.pages, page) {
			s.pages = append(s.pages, page)
		}
	}
	return s
}

type again struct {
	*API
	pages []string
}

// Read implements ingest.Source.
func (s *again) Read(ctx context.Context, c *ingest.Chunk) error {
	if len(s.pages) == 0 {
		return io.EOF
	}
	page := s.pages[0]
	s.pages = s.pages[1:]
	if s.cur.Position = page; page == after("") {
		s.cur.Position = ""
	}
	got, err := s.ask(ctx)
	switch {
	case err != nil:
		return err
	case got.Status == http.StatusGone || got.Status == http.StatusBadRequest:
		return nil
	case got.Status/100 != 2:
		return s.refused(got.Status)
	}
	var in answer
	if err := json.Unmarshal(got.Body, &in); err != nil {
		return nil // valid JSON of another form holds no records
	}
	for i, raw := range in.Events {
		c.Records = append(c.Records, ingest.Record{Raw: raw, Place: ingest.Place{Page: page, Item: int64(i + 1)}})
	}
	return nil
}
