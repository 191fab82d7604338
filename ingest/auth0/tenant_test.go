package auth0

import (
	"io"
	"slices"
	"testing"
	"time"

	"keyramp/fixtures/tenant"
	"keyramp/ingest"
	"keyramp/queries/store"
)

// world starts a simulated tenant on the loopback interface.
func world(t testing.TB, c tenant.Config, o tenant.ServerOptions) (*tenant.World, *tenant.Server) {
	t.Helper()
	w := tenant.New(c)
	s := tenant.NewServer(w, o)
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return w, s
}

func reader(t testing.TB, s *tenant.Server, m ingest.Manners) *Client {
	t.Helper()
	c, err := New(Config{Domain: s.URL(), ClientID: s.ClientID, Secret: ingest.NewSecret(s.ClientSecret), Manners: m})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestTenant reads a whole simulated world in two runs, with a later start in between.
func TestTenant(t *testing.T) {
	w, s := world(t, tenant.Config{Users: 150, Days: 6}, tenant.ServerOptions{})
	c := reader(t, s, ingest.Manners{})
	end := s.Now()
	s.SetNow(end.Add(-3 * 24 * time.Hour))
	first := pull(t, c, store.Cursor{}, end.AddDate(0, 0, -30))
	if first.err != nil || !first.cursor.Complete || first.cursor.Watermark != s.Now().Add(-settle).UnixMicro() {
		t.Fatalf("cursor %+v, error %v", first.cursor, first.err)
	}
	s.SetNow(end)
	second := pull(t, c, first.cursor, time.Time{})
	if second.err != nil || len(first.gaps)+len(second.gaps) > 0 {
		t.Fatalf("gaps %v %v, error %v", first.gaps, second.gaps, second.err)
	}
	var want []string
	var raw []byte
	for i := range w.Len() {
		raw = w.AppendEvent(raw[:0], i)
		want = append(want, idOf(raw))
	}
	slices.Sort(want)
	want = slices.Compact(want)
	got := append(first.ids, second.ids...)
	// The server adds an event for the token that it gave.
	if n := len(got); n != len(want)+1 {
		t.Errorf("%d events, want %d and one for the token", n, len(want))
	}
	same(t, slices.DeleteFunc(got, func(id string) bool { _, ok := slices.BinarySearch(want, id); return !ok }), want)
	for _, r := range s.Requests() {
		if r.Method != "GET" && r.Path != tokenPath {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
}

// TestTenantRetention: a cursor that has expired leaves a gap with both ends.
func TestTenantRetention(t *testing.T) {
	_, s := world(t, tenant.Config{Users: 300, Days: 10, Retention: 3 * 24 * time.Hour}, tenant.ServerOptions{})
	c := reader(t, s, ingest.Manners{})
	end := s.Now()
	s.SetNow(end.AddDate(0, 0, -7))
	first := pull(t, c, store.Cursor{}, end.AddDate(0, 0, -20))
	if first.err != nil {
		t.Fatal(first.err)
	}
	s.SetNow(end)
	second := pull(t, c, first.cursor, time.Time{})
	if second.err != nil || len(second.gaps) != 1 {
		t.Fatalf("gaps %v, error %v", second.gaps, second.err)
	}
	g := second.gaps[0]
	if until := time.UnixMicro(g.Until); g.From != first.cursor.Watermark || until.Sub(end.AddDate(0, 0, -3)).Abs() > time.Hour || g.Position != first.cursor.Position {
		t.Errorf("gap %+v", g)
	}
}

// TestTenantLimits reads as fast as a rate limit allows, and is hardly ever refused.
func TestTenantLimits(t *testing.T) {
	_, s := world(t, tenant.Config{Users: 300, Days: 2}, tenant.ServerOptions{RatePerSecond: 20, Burst: 3})
	c := reader(t, s, ingest.Manners{Rate: 15})
	if got := pull(t, c, store.Cursor{}, s.Now().AddDate(0, 0, -30)); got.err != nil {
		t.Fatal(got.err)
	}
	for _, r := range s.Requests() {
		if r.Status == 429 {
			t.Error("refused although slower than the limit")
		}
	}
}

func TestTenantExperiments(t *testing.T) {
	_, s := world(t, tenant.Config{Users: 50, Days: 2}, tenant.ServerOptions{})
	got, err := reader(t, s, ingest.Manners{}).Experiments(t.Context(), nil)
	if err != nil || len(got) != len(s.ExperimentIDs) {
		t.Fatalf("%+v, error %v", got, err)
	}
	o := got[0]
	if o.Experiment != s.ExperimentIDs[0] || o.Status != "active" || o.Strategy != "percentage" || len(o.Arms) != 2 || o.Arms[0].Weight+o.Arms[1].Weight != 100 || o.Seen != s.Now().Truncate(time.Second).UnixMicro() || o.Started == 0 || o.Level != -1 {
		t.Errorf("%+v", o)
	}
}

// BenchmarkLogs reads pages over HTTP from a simulated tenant in this process,
// which makes each page anew and so takes most of the time itself.
func BenchmarkLogs(b *testing.B) {
	_, s := world(b, tenant.Config{Users: 20_000}, tenant.ServerOptions{})
	c := reader(b, s, ingest.Manners{})
	events, pages := 0, 0
	for b.Loop() {
		logs, err := c.Logs(store.Cursor{}, s.Now().AddDate(0, 0, -60))
		var chunk ingest.Chunk
		for err == nil {
			err = logs.Read(b.Context(), &chunk)
			events += len(chunk.Records)
			pages++
		}
		if err != io.EOF {
			b.Fatal(err)
		}
		logs.Close()
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(pages)/b.Elapsed().Seconds(), "pages/s")
}
