package inflate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"keyramp/cmd/bench/synth"
)

// logs are lines of a tenant log, n bytes or a little more.
func logs(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	events := n/1000 + 1
	if _, err := synth.NewWriter(synth.Config{Seed: 1, Events: events}).WriteRange(&b, 0, events); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pack(t testing.TB, in []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(in)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// gives checks that in is complete and holds want.
func gives(t *testing.T, in, want []byte, how ...string) {
	t.Helper()
	got, verdict := same(t, in, how...)
	if verdict != "complete" || !bytes.Equal(got, want) {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		t.Errorf("%d bytes, %s, want %d; they differ from %d on", len(got), verdict, len(want), at)
	}
}

func fails(t *testing.T, in []byte, want string) {
	t.Helper()
	if _, verdict := same(t, in); verdict != want {
		t.Errorf("%s, want %s: …%x", verdict, want, in[max(0, len(in)-100):])
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

func TestStored(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7, 8, 9, 255, 65535} {
		w := new(writer).header().stored(false, noise(n)).stored(true, noise(n/2))
		gives(t, w.trailer(0), w.want)
	}
	// Many of them, so that they end everywhere around the ends of the buffers.
	w := new(writer).header()
	for i := range 40 {
		w.stored(false, noise(65535-i))
		w.static(false).literals('a').match(258, 32768).end() // from here on blocks do not begin with a byte
	}
	w.stored(true, nil)
	gives(t, w.trailer(0), w.want, "at once", "pieces")

	w = new(writer).header().stored(true, []byte("abc"))
	w.out[len(w.out)-4] ^= 1 // of the complement of the length
	fails(t, w.trailer(0), "corrupt")
}

// Every length at every distance up to 40, and with every symbol of a distance
// at both its ends, in codes of either kind.
func TestMatches(t *testing.T) {
	distances := []int{}
	for d := 1; d <= 40; d++ {
		distances = append(distances, d)
	}
	for i, d := range distBases {
		distances = append(distances, d, d+1<<distExtra[i]-1)
	}
	for _, how := range []string{"static", "dynamic"} {
		w := new(writer).header().stored(false, noise(32768))
		for length := 3; length <= 258; length++ {
			if how == "static" {
				w.static(false)
			} else {
				w.dynamic(false, ragged(286), ragged(30))
			}
			for i, d := range distances {
				w.match(length, d).literals(byte(length), byte(i))
			}
			w.end()
		}
		w.stored(true, nil)
		gives(t, w.trailer(0), w.want, "at once", "pieces")
	}
}

// ragged are lengths of codes of every length up to 15, for n symbols.
func ragged(n int) []byte {
	lengths := make([]byte, n)
	space, left := 1<<15, n
	for i := range lengths {
		// As short a code as leaves room for the others, but not all of it at once.
		l := byte(1)
		for l < 15 && (space-1<<(15-l) < left-1 || int(l) < 1+i/3 && space-1<<(15-l) > 0) {
			l++
		}
		lengths[i] = l
		space -= 1 << (15 - l)
		left--
	}
	// What is left over goes to the last symbols.
	for i := n - 1; space > 0; i = (i + n - 1) % n {
		if size := 1 << (15 - lengths[i]); size <= space && lengths[i] > 1 {
			lengths[i]--
			space -= size
		}
	}
	rand.New(rand.NewPCG(3, 4)).Shuffle(n, func(i, j int) { lengths[i], lengths[j] = lengths[j], lengths[i] })
	return lengths
}

// Matches as far back as they may reach, and as the output is now, all around the ends of the buffer.
func TestWindow(t *testing.T) {
	w := new(writer).header().stored(false, noise(40000))
	w.static(false)
	for i := 0; len(w.want) < 4*outSize; i++ {
		w.match(3+i%256, 32768-i%3).literals(byte(i))
	}
	w.end().stored(true, nil)
	gives(t, w.trailer(0), w.want, "at once", "pieces")

	for _, n := range []int{0, 1, 100, 32767} {
		for _, match := range []int{3, 258} {
			w := new(writer).header().stored(false, noise(n))
			w.static(true).match(match, n+1).end()
			fails(t, w.trailer(0), "corrupt")
			// The member before does not count. Enough input behind it, so that fast has it.
			w = new(writer).header().stored(true, noise(1000))
			w.trailer(0)
			w.header().stored(false, noise(n))
			w.static(true).match(match, n+1).literals(noise(1000)...).end()
			fails(t, w.trailer(1000), "corrupt")
		}
	}
}

// A block may have hardly any codes.
func TestFewCodes(t *testing.T) {
	with := func(n int, lengths map[int]byte) []byte {
		b := make([]byte, n)
		for s, l := range lengths {
			b[s] = l
		}
		return b
	}
	noDistances, oneDistance := make([]byte, 1), with(4, map[int]byte{3: 1})
	w := new(writer).header().stored(false, []byte("abcd"))
	w.dynamic(false, with(257, map[int]byte{256: 1}), noDistances).end()
	w.dynamic(false, with(257, map[int]byte{'x': 1, 256: 1}), noDistances).literals(bytes.Repeat([]byte("x"), 300)...).end()
	w.dynamic(false, with(259, map[int]byte{'x': 1, 256: 2, 258: 2}), oneDistance).literals('x').match(4, 4).literals(bytes.Repeat([]byte("x"), 300)...).end()
	w.stored(true, nil)
	gives(t, w.trailer(0), w.want)

	for name, bad := range map[string]func(*writer){
		"a code that there is not": func(w *writer) {
			w.dynamic(true, with(257, map[int]byte{256: 1}), noDistances).put(1, 1)
		},
		"a distance that there is not": func(w *writer) {
			w.dynamic(true, with(259, map[int]byte{256: 1, 258: 1}), oneDistance).symbol(258).put(1, 1)
		},
		"no distances": func(w *writer) {
			w.dynamic(true, with(259, map[int]byte{256: 1, 258: 1}), noDistances).symbol(258)
		},
		"no codes":         func(w *writer) { w.dynamic(true, make([]byte, 257), noDistances) },
		"no end of block":  func(w *writer) { w.dynamic(true, with(257, map[int]byte{'a': 1}), noDistances).put(1, 1) },
		"kind 3":           func(w *writer) { w.block(true, 3) },
		"length 286":       func(w *writer) { w.static(true).symbol(286) },
		"length 287":       func(w *writer) { w.static(true).symbol(287) },
		"distance 30":      func(w *writer) { w.static(true).symbol(257).put(0b01111, 5) },
		"distance 31":      func(w *writer) { w.static(true).symbol(257).put(0b11111, 5) },
		"incomplete":       func(w *writer) { w.dynamic(true, with(257, map[int]byte{'a': 1, 256: 2}), noDistances).end() },
		"a code of 2 bits": func(w *writer) { w.dynamic(true, with(257, map[int]byte{256: 2}), noDistances).end() },
		"over-subscribed":  func(w *writer) { w.dynamic(true, with(257, map[int]byte{'a': 1, 'b': 1, 256: 1}), noDistances).end() },
		"distances incomplete": func(w *writer) {
			w.dynamic(true, with(257, map[int]byte{256: 1}), []byte{2, 2, 2}).end()
		},
		"distances over-subscribed": func(w *writer) {
			w.dynamic(true, with(257, map[int]byte{256: 1}), []byte{1, 2, 2, 15}).end()
		},
		"287 lengths":  func(w *writer) { w.dynamic(true, with(287, map[int]byte{256: 1}), noDistances).end() },
		"31 distances": func(w *writer) { w.dynamic(true, with(257, map[int]byte{256: 1}), make([]byte, 31)).end() },
		// 4 code lengths of 3 bits each, for 16, 17, 18, 0.
		"repeat nothing": func(w *writer) { w.block(true, 2).put(0, 14).put(1|1<<9, 12).put(1, 1) }, // 0 and 16, of 1 bit
		"repeat too often": func(w *writer) {
			w.block(true, 2).put(0, 14).put(1<<6|1<<9, 12) // 0 and 18, of 1 bit
			for range 3 {
				w.put(1, 1).put(127, 7)
			}
		},
		"code lengths incomplete": func(w *writer) { w.block(true, 2).put(0, 14).put(2, 12) },
		"code lengths of nothing": func(w *writer) { w.block(true, 2).put(0, 14).put(0, 12) },
	} {
		t.Run(name, func(t *testing.T) {
			w := new(writer).header()
			w.stored(false, noise(32768))
			bad(w)
			w.put(0, 32).put(0, 32)
			fails(t, w.trailer(0), "corrupt")
			w.out = append(w.out, make([]byte, 100)...) // enough for fast
			fails(t, w.out, "corrupt")
		})
	}
}

// Any complete code makes a table that fits, and finds all its codes.
func TestAnyCode(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lengths := func(n int, name string) []byte {
			used := rapid.IntRange(2, n).Draw(rt, name)
			out := []byte{1, 1}
			for len(out) < used { // split a code
				var short []int
				for i, l := range out {
					if l < 15 {
						short = append(short, i)
					}
				}
				i := short[rapid.IntRange(0, len(short)-1).Draw(rt, "split")]
				if rapid.Bool().Draw(rt, "deepest") {
					for _, j := range short {
						if out[j] > out[i] {
							i = j
						}
					}
				}
				out[i]++
				out = append(out, out[i])
			}
			out = append(out, make([]byte, n-used)...)
			rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0)).Shuffle(n, func(i, j int) { out[i], out[j] = out[j], out[i] })
			return out
		}
		l, d := lengths(286, "lengths"), lengths(30, "distances")
		var tab tables
		if !tab.build(l, d) {
			rt.Fatal("refused")
		}
		for s, code := range canonical(l) {
			if l[s] == 0 {
				continue
			}
			e := tab.lengths[code%(1<<lengthBits)]
			n := byte(0)
			if e&link != 0 {
				n, e = lengthBits, tab.lengths[e.behind(uint64(code>>lengthBits))]
			}
			if n += byte(e >> codeShift & codeMask); n != l[s] || e&^(takes|second|codeMask<<codeShift)<<8 != lengthEntries[s]&^takes<<8 {
				rt.Fatalf("symbol %d of %d bits: entry %x of %d", s, l[s], e, n)
			}
		}
		for s, code := range canonical(d) {
			if d[s] == 0 {
				continue
			}
			e := tab.distances[code%(1<<distanceBits)]
			n := byte(0)
			if e&link != 0 {
				n, e = distanceBits, tab.distances[e.behind(uint64(code>>distanceBits))]
			}
			if n += byte(e >> codeShift & codeMask); n != d[s] || e&^(takes|codeMask<<codeShift) != distanceEntries[s]&^takes {
				rt.Fatalf("distance %d of %d bits: entry %x of %d", s, d[s], e, n)
			}
		}
	})
}

func TestHeaders(t *testing.T) {
	body := new(writer).static(true).literals('a').end()
	tail := body.trailer(0)
	header := func(flags byte, rest ...byte) []byte {
		return append(append([]byte{0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 5, 6}, rest...), tail...)
	}
	withSum := func(wrong uint32, flags byte, rest ...byte) []byte {
		h := append([]byte{0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 5, 6}, rest...)
		sum := crc32.ChecksumIEEE(h) ^ wrong
		return append(append(h, byte(sum), byte(sum>>8)), tail...)
	}
	long := bytes.Repeat([]byte("n"), 511)
	for name, in := range map[string][]byte{
		"plain":   header(0),
		"text":    header(1),
		"extra":   header(4, 3, 0, 'x', 0, 'z'),
		"name":    header(8, 'n', 'a', 0xe9, 0),
		"comment": header(16, 'c', 0),
		"all":     withSum(0, 31, 1, 0, 'x', 'n', 0, 0),
		"longest": header(8, append(long, 0)...),
	} {
		t.Run(name, func(t *testing.T) {
			gives(t, in, []byte("a"))
			gives(t, append(bytes.Clone(in), in...), []byte("aa"))
			for i := 1; i < len(in); i += 1 + i/50 {
				fails(t, in[:i], cut)
				if out, verdict := same(t, append(bytes.Clone(in), in[:i]...)); string(out[:1]) != "a" || verdict != cut {
					t.Errorf("second member of %d bytes: %q, %s", i, out, verdict)
				}
			}
		})
	}
	for name, in := range map[string][]byte{
		"wrong sum": withSum(1, 2), "reserved": header(32), "name too long": header(8, append(long, 'n', 0)...),
		"method": append([]byte{0x1f, 0x8b, 7, 0, 1, 2, 3, 4, 5, 6}, tail...), "magic": append([]byte{0x1f, 0x8c, 8, 0, 1, 2, 3, 4, 5, 6}, tail...),
	} {
		t.Run(name, func(t *testing.T) {
			fails(t, in, kind(gzip.ErrHeader))
			fails(t, append(header(0), in...), kind(gzip.ErrHeader))
		})
	}
	fails(t, nil, kind(io.EOF))
	fails(t, append(header(0), make([]byte, 3)...), cut)
	fails(t, append(header(0), make([]byte, 512)...), kind(gzip.ErrHeader))
	fails(t, append(header(0), "junk junk junk"...), kind(gzip.ErrHeader))
	for i := 1; i <= 8; i++ {
		in := header(0)
		in[len(in)-i]++
		fails(t, in, kind(gzip.ErrChecksum))
	}
}

// What any encoder makes of anything is read as it was, in members or in one, however it comes.
func TestRoundTrip(t *testing.T) {
	log := logs(t, 2<<20)
	rapid.Check(t, func(rt *rapid.T) {
		var in, packed []byte
		for range rapid.IntRange(1, 3).Draw(rt, "members") {
			var part []byte
			for range rapid.IntRange(0, 4).Draw(rt, "parts") {
				n := rapid.SampledFrom([]int{0, 1, 10, 1000, 30_000, 300_000}).Draw(rt, "size")
				switch rapid.IntRange(0, 3).Draw(rt, "of") {
				case 0:
					at := rapid.IntRange(0, len(log)-n).Draw(rt, "at")
					part = append(part, log[at:at+n]...)
				case 1:
					part = append(part, noise(n)...)
				case 2:
					part = append(part, bytes.Repeat([]byte("abcdefghijklmnop")[:rapid.IntRange(1, 16).Draw(rt, "period")], n/8)...)
				case 3:
					part = append(part, part[:min(len(part), n)]...)
				}
			}
			in = append(in, part...)
			packed = append(packed, pack(t, part, rapid.IntRange(gzip.HuffmanOnly, gzip.BestCompression).Draw(rt, "level"))...)
		}
		got, err := unpack(readers[rapid.SampledFrom(slices.Sorted(maps.Keys(readers))).Draw(rt, "input")](bytes.NewReader(packed)))
		if err != nil || !bytes.Equal(got, in) {
			rt.Fatalf("%v, %d bytes of %d, equal %v", err, len(got), len(in), bytes.Equal(got, in))
		}
	})
}

// Every bit of a file flipped, and the file cut at every byte.
func TestDamage(t *testing.T) {
	text := logs(t, 1500)[:300]
	small := new(writer).header().stored(false, text[:20])
	small.static(false).literals(text[20:40]...).match(20, 11).match(258, 40).end()
	small.dynamic(true, ragged(286), ragged(30)).literals(text[:20]...).match(100, 17).end()
	files := [][]byte{pack(t, text, 6), pack(t, text[:100], gzip.HuffmanOnly), append(pack(t, text[:50], 1), pack(t, text[:80], 9)...), small.trailer(0)}
	for _, in := range files {
		if _, verdict := same(t, in); verdict != "complete" {
			t.Fatal(verdict)
		}
		verdicts := map[string]int{}
		for i := range in {
			for bit := range 8 {
				bad := bytes.Clone(in)
				bad[i] ^= 1 << bit
				_, verdict := same(t, bad, "pieces")
				verdicts[verdict]++
			}
			same(t, in[:i], "at once")
		}
		t.Log(verdicts)
	}
}

// A stream that is flushed is given as far as it goes, while nobody knows how it goes on.
func TestFlush(t *testing.T) {
	pr, pw := io.Pipe()
	go func() {
		w := gzip.NewWriter(pw)
		for i := range 100 {
			fmt.Fprintf(w, "line %d\n", i)
			w.Flush()
		}
	}()
	z, err := NewReader(pr)
	if err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(30*time.Second, func() { pw.CloseWithError(errors.New("it waits for more")) })
	defer timer.Stop()
	for i := range 100 {
		want := fmt.Sprintf("line %d\n", i)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(z, got); err != nil || string(got) != want {
			t.Fatalf("%q, %v", got, err)
		}
	}
	pw.Close()
	if n, err := z.Read(make([]byte, 1)); n != 0 || err != io.ErrUnexpectedEOF {
		t.Error(n, err)
	}
}

// An error of the reader below comes through as it is, behind all that came before, and stays.
func TestReadError(t *testing.T) {
	text := logs(t, 500_000)
	in := pack(t, text, 6)
	broken := errors.New("broken")
	for _, n := range []int{0, 5, 10, 1000, len(in) / 2, len(in) - 1, len(in)} {
		z, err := NewReader(io.MultiReader(bytes.NewReader(in[:n]), iotest.ErrReader(broken)))
		var got []byte
		if err == nil {
			got, err = io.ReadAll(z)
			if _, again := z.Read(make([]byte, 1)); again != err {
				t.Errorf("%v, then %v", err, again)
			}
		}
		want, _ := reference(in[:n])
		if err != broken || !bytes.HasPrefix(got, want) || !bytes.HasPrefix(text, got) {
			t.Errorf("%d bytes of input: %v, %d bytes, want %d", n, err, len(got), len(want))
		}
	}
	if _, err := NewReader(new(stuck)); err != io.ErrNoProgress {
		t.Error(err)
	}
}

type stuck struct{}

func (*stuck) Read([]byte) (int, error) { return 0, nil }

// Reading takes no memory but the reader's own.
func TestMemory(t *testing.T) {
	in := pack(t, slices.Concat(logs(t, 4<<20), noise(1<<20), make([]byte, 4<<20)), 6)
	z, err := NewReader(bytes.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1000)
	if n := testing.AllocsPerRun(8000, func() {
		if _, err := z.Read(buf); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for each Read", n)
	}
}
