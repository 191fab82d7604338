//go:build unix

package logfile

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"keyramp/fixtures/tier"
	"keyramp/ingest"
)

// gzipOf is a gzip member that unpacks to a piece of text n times, made without packing each: after the second piece the
// packed form repeats. trailer changes its checksum and length.
func gzipOf(t testing.TB, piece []byte, n int, trailer byte) []byte {
	t.Helper()
	var b bytes.Buffer
	b.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255})
	z, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	var packed []byte
	sum := uint32(0)
	for i := range n {
		sum = crc32.Update(sum, crc32.IEEETable, piece)
		if i < 3 {
			at := b.Len()
			z.Write(piece)
			z.Flush() // to a whole byte
			packed = bytes.Clone(b.Bytes()[at:])
			continue
		}
		b.Write(packed)
	}
	b.Write([]byte{1, 0, 0, 0xff, 0xff}) // an empty last block
	tail := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, sum), uint32(n*len(piece)))
	for i := range tail {
		tail[i] ^= trailer
	}
	b.Write(tail)
	return b.Bytes()
}

// What unpacks to far more than it is, or asks for far more memory than it needs, is put aside in bounded memory and
// time, and what came before it is kept. A process of its own reads each, so that its memory can be told.
func TestBombs(t *testing.T) {
	const mib = 1 << 20
	repeat := func(text string) []byte { return bytes.Repeat([]byte(text), mib/len(text)) }
	event := `{"log_id":"900","date":"2026-11-03T09:14:11Z","type":"s","user_agent":"` + strings.Repeat("a", 937) + `"}` + "\n" // 1,024 bytes
	good := gz(t, []byte(strings.Repeat(event, 3)))
	var zeros bytes.Buffer
	w, err := zstd.NewWriter(&zeros, zstd.WithWindowSize(mib), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	for range 1024 {
		w.Write(make([]byte, mib))
	}
	w.Close()
	bomb := gzipOf(t, make([]byte, mib), 1024, 0)
	var members []byte
	for range 16 {
		members = append(members, gzipOf(t, make([]byte, mib), 64, 0)...)
	}
	cases := []struct {
		name   string
		in     []byte
		stored int64 // at least
		reason string
	}{
		{"zeros in gzip", bomb, 0, ingest.ReasonSize},
		{"spaces in gzip", gzipOf(t, repeat(" "), 300, 0), 0, ingest.ReasonSize},
		{"line ends in gzip", gzipOf(t, repeat("\n"), 300, 0), 0, ingest.ReasonSize},
		{"brackets in gzip", gzipOf(t, repeat("["), 300, 0), 0, ingest.ReasonSize},
		{"one string in gzip", append(gz(t, []byte(`{"a":"`)), gzipOf(t, repeat("a"), 300, 0)...), 0, ingest.ReasonSize},
		{"objects in gzip", gzipOf(t, repeat(`{"a":"`+strings.Repeat("a", 1015)+"\"}\n"), 300, 0), 0, ingest.ReasonSize},
		{"events after each other in gzip", gzipOf(t, repeat(event), 300, 0), 200_000, ingest.ReasonSize},
		{"gzip in gzip", gz(t, bomb), 0, ingest.ReasonSyntax},
		{"gzip in gzip in gzip", gz(t, gz(t, bomb)), 0, ingest.ReasonSyntax},
		{"gzip of 16 members", members, 0, ingest.ReasonSize},
		{"events, then a bomb as a second member", append(bytes.Clone(good), bomb...), 3, ingest.ReasonSize},
		{"wrong trailer", gzipOf(t, repeat(event), 1, 0xff), 1024, ingest.ReasonTruncated},
		{"no trailer", gzipOf(t, repeat(event), 1, 0)[:4000], 500, ingest.ReasonTruncated},
		{"zeros in zstd", zeros.Bytes(), 0, ingest.ReasonSize},
		{"zstd, a window of 2 GiB", []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0, 0, 'x'}, 0, ingest.ReasonTruncated},
		{"zstd, a window of 128 MiB and no content", []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0, 0}, 0, ""},
		{"zstd, a content of 2^60 bytes told", []byte{0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0x58, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x01, 0, 0}, 0, ingest.ReasonTruncated},
	}
	row := tier.Begin(t, "D4", tier.Size{Test: len(cases)})
	dir := t.TempDir()
	peak, slowest := int64(0), time.Duration(0)
	for i, c := range cases {
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path, c.in, 0o600); err != nil {
			t.Fatal(err)
		}
		child := exec.Command(os.Args[0], "-test.run=^TestBombChild$", "-test.timeout=1m")
		child.Env = append(os.Environ(), "KEYRAMP_BOMB="+path)
		out, err := child.CombinedOutput()
		if err != nil {
			row.Violation("%s: %v\n%s", c.name, err, out)
			continue
		}
		var stored, rejected int64
		var reasons string
		for line := range strings.Lines(string(out)) {
			fmt.Sscanf(line, "pumped %d %d %q", &stored, &rejected, &reasons)
		}
		usage := child.ProcessState.SysUsage().(*syscall.Rusage)
		used := child.ProcessState.UserTime() + child.ProcessState.SystemTime()
		memory := usage.Maxrss * 1024
		if runtime.GOOS == "darwin" {
			memory = usage.Maxrss
		}
		peak, slowest = max(peak, memory), max(slowest, used)
		if stored < c.stored || !strings.Contains(reasons, c.reason) || c.reason != "" && rejected == 0 || memory > 300*mib || used > 10*time.Second {
			row.Violation("%s: %d stored, %d rejected for %s, %d MiB, %v\n%s", c.name, stored, rejected, reasons, memory/mib, used, out)
		}
		row.Done()
	}
	row.Note("peak", fmt.Sprintf("%d MiB", peak/mib))
	row.Note("slowest", slowest.Round(10*time.Millisecond).String())
}

// TestBombChild is the process that reads a bomb; it only runs when asked to.
func TestBombChild(t *testing.T) {
	path := os.Getenv("KEYRAMP_BOMB")
	if path == "" {
		t.Skip("the child of TestBombs")
	}
	files, err := Open([]string{path}, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := ingest.Pump{Sink: nowhere{}, Pseudonyms: testKey, Decoder: &ingest.LogDecoder{Pseudonyms: testKey}}
	a, err := p.Run(t.Context(), files[0])
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("pumped %d %d %q\n", a.Stored, a.Rejected, fmt.Sprint(a.Reasons))
}
