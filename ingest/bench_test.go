package ingest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"keyramp/queries/store"
	"keyramp/queries/store/storetest"
)

// sampleLog writes n events as a tenant's log has them: mostly logins of 1.5
// to 2 KB, some failures and sign-ups, ids that differ, here and there a name
// beyond ASCII or an escape.
func sampleLog(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	login := bytes.TrimSpace(login)
	const failure = `{"date":"2026-11-03T09:15:02.118Z","type":"fp","description":"Wrong email or password.","connection":"Username-Password-Authentication","connection_id":"con_Q2m8TzVb41xKcE0p","client_id":"h7Yc0RkT4uWzN3bGdPqLx8VaSe6Jm1Fo","client_name":"Storefront Web","ip":"2001:db8::41","user_agent":"Mobile Safari 18.1.0 / iOS 18.1.0","details":{"error":{"message":"Wrong email or password."},"body":{"client_id":"h7Yc0RkT4uWzN3bGdPqLx8VaSe6Jm1Fo","username":"pat@example.org","password":"*****","connection":"Username-Password-Authentication","grant_type":"password","scope":"openid profile email","audience":"https://api.example.org/"},"qs":{},"transaction_id":"tx_5e0b1c7f9a2d","experiment":{"experiment_id":"exp_WydxsXWaxfEDuaYihtD8WM","variation_id":"var_4EzHg3sXNWfwEbGiLZ2k7X","is_control":false,"allocation_strategy":"percentage"}},"user_id":"auth0|67f0c2b95d1e3a0012c4ab90","user_name":"pat@example.org","strategy":"auth0","strategy_type":"database","auth0_client":{"name":"auth0-spa-js","version":"2.4.1"},"$event_schema":{"version":"1.0.0"},"tenant_name":"acme","environment_name":"prod-eu-2","isMobile":true,"log_id":"90020261103091412418207000000000000001223372055510042117","_id":"90020261103091412418207000000000000001223372055510042117"}`
	var b bytes.Buffer
	for i := range n {
		line := login
		if rng.IntN(5) == 0 {
			line = []byte(failure)
		}
		at := fmt.Sprintf("%02d:%02d:%02d.%03d", i/3_600_000%24, i/60_000%60, i/1000%60, i%1000)
		swap := []string{
			"09:14:11.902", at, "09:15:02.118", at, "20261103091412418", "20261103" + at[:2] + at[3:5] + at[6:8] + at[9:],
			"5510042117", fmt.Sprintf("%010d", i), "67f0c2b95d1e3a0012c4ab90", fmt.Sprintf("%024x", rng.IntN(n)),
			"kT0vR8uQ2xH5mWcEo1Zs7LpNd9Ya3GbJ", fmt.Sprintf("%032x", rng.Uint64()), "tx_5e0b1c7f9a2d", fmt.Sprintf("tx_%012x", rng.Uint32()),
			"203.0.113.57", fmt.Sprintf("203.0.113.%d", rng.IntN(256)),
		}
		switch rng.IntN(20) {
		case 0:
			swap = append(swap, "pat@example.org", "jos\u00e9@example.org")
		case 1:
			swap = append(swap, "pat@example.org", `pat\u0040example.org`)
		}
		if rng.IntN(2) == 0 {
			swap = append(swap, "var_4EzHg3sXNWfwEbGiLZ2k7X", "var_B7cuzni4gTWjqhjCh2wb65")
		}
		for ; len(swap) > 0; swap = swap[2:] {
			line = bytes.ReplaceAll(line, []byte(swap[0]), []byte(swap[1]))
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// perEvent reports the time an event takes.
func perEvent(b *testing.B, events int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(events), "ns/event")
}

// BenchmarkDecode turns lines into events, on one core, by either way.
func BenchmarkDecode(b *testing.B) {
	in := sampleLog(5_000)
	lines := bytes.Split(bytes.TrimSpace(in), []byte("\n"))
	for _, way := range []struct {
		name string
		find func(*LogDecoder, []byte) error
	}{
		{"scanner", (*LogDecoder).find},
		{"parser", (*LogDecoder).parse},
	} {
		b.Run(way.name, func(b *testing.B) {
			d := LogDecoder{Pseudonyms: testKey, Keep: KeepRoles(store.DefaultRoles())}
			var batch store.Batch
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				batch.Reset()
				for _, line := range lines {
					if err := d.add(&batch, way.find(&d, line)); err != nil {
						b.Fatal(err)
					}
				}
			}
			perEvent(b, len(lines))
		})
	}
}

// BenchmarkScan only finds members.
func BenchmarkScan(b *testing.B) {
	in := sampleLog(5_000)
	lines := bytes.Split(bytes.TrimSpace(in), []byte("\n"))
	d := LogDecoder{Pseudonyms: testKey}
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		for _, line := range lines {
			if !d.scan(line) {
				b.Fatal("the scanner is not sure")
			}
		}
	}
	perEvent(b, len(lines))
}

// A nowhere is a sink that keeps nothing.
type nowhere struct{}

func (nowhere) Cursor(context.Context, string) (c store.Cursor, ok bool, err error) { return }

func (s nowhere) LoadAll(ctx context.Context, parts []store.Part) ([]store.Loaded, error) {
	return storetest.Each(parts, func(b *store.Batch, next store.Cursor) (store.Loaded, error) { return s.load(ctx, b, next) })
}

func (nowhere) load(_ context.Context, b *store.Batch, _ store.Cursor) (store.Loaded, error) {
	l := store.Loaded{Received: b.Received, Stored: int64(len(b.Events)), Rejected: int64(len(b.Rejects))}
	for _, n := range b.Filtered {
		l.Filtered += n
	}
	return l, nil
}

// A memoryFile is a log file that is read from memory.
type memoryFile struct {
	in    []byte
	ahead bool
	lines interface{ Fill(*Chunk) error }
	n     int
	close func()
}

func (*memoryFile) Name() string { return "memory" }

func (f *memoryFile) DecodeAhead(d *LogDecoder) {
	f.lines, f.close = NewSplitter(bytes.NewReader(f.in)), func() {}
	if f.ahead {
		l := NewLines(bytes.NewReader(f.in), d)
		f.lines, f.close = l, l.Close
	}
}

func (f *memoryFile) Read(_ context.Context, c *Chunk) error {
	f.n++
	c.Next.Position = strconv.Itoa(f.n)
	return f.lines.Fill(c)
}

// BenchmarkPump brings lines into a sink that keeps nothing: cut and decoded
// on one goroutine, and decoded ahead on all cores.
func BenchmarkPump(b *testing.B) {
	const events = 50_000
	in := sampleLog(events)
	for name, ahead := range map[string]bool{"splitter": false, "ahead": true} {
		b.Run(name, func(b *testing.B) {
			d := &LogDecoder{Pseudonyms: testKey, Keep: KeepRoles(store.DefaultRoles())}
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				f := &memoryFile{in: in, ahead: ahead}
				p := Pump{Sink: nowhere{}, Decoder: d, Pseudonyms: testKey}
				a, err := p.Run(b.Context(), f)
				if f.close(); err != nil || a.Stored != events {
					b.Fatal(err, a)
				}
			}
			perEvent(b, events)
		})
	}
}
