package auth0

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"keyramp/ingest"
	"keyramp/queries/store"
)

// What was put aside of pulled pages is found again by the page's cursor, and by its date when the cursor has expired.
func TestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTape()
		start := time.Now().Add(-20 * time.Hour)
		var all []string
		for i := range 250 {
			all = append(all, p.add(start.Add(time.Duration(i)*time.Minute), 0))
		}
		c := client(t, p)
		read := func(rejects ...store.Reject) (ids []string) {
			src := c.Again(rejects)
			if src.Name() != "auth0:"+host {
				t.Errorf("the source is called %s", src.Name())
			}
			for {
				var chunk ingest.Chunk
				err := src.Read(t.Context(), &chunk)
				for _, r := range chunk.Records {
					ids = append(ids, idOf(r.Raw))
				}
				if err == io.EOF {
					return ids
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		at := func(i, item int, dated bool) store.Reject {
			r := store.Reject{Place: ingest.Place{Page: all[i], Item: int64(item)}.String()}
			if dated {
				r.Dated = start.Add(time.Duration(i+item) * time.Minute).UnixMicro()
			}
			return r
		}
		same(t, read(at(99, 3, false), at(99, 70, true)), all[100:200])
		p.kept = 150
		if got := read(at(99, 3, false)); len(got) != 0 {
			t.Errorf("%d events came of an expired page", len(got))
		}
		same(t, read(at(99, 70, true)), all[169:])
		same(t, read(store.Reject{Place: "item 1", Dated: start.Add(200 * time.Minute).UnixMicro()}), all[200:])
		for _, r := range p.requests {
			if r.Method != "GET" && !strings.HasSuffix(r.URL.Path, tokenPath) {
				t.Errorf("%s %s", r.Method, r.URL.Path)
			}
		}
	})
}
