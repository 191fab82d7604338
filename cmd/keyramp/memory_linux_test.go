package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"keyramp/fixtures/tenant"
	"keyramp/fixtures/tier"
)

// memoryGroup is a control group (v1) that may use so much memory and no more.
func memoryGroup(t *testing.T) (dir string, limit func(bytes int64)) {
	t.Helper()
	dir = filepath.Join("/sys/fs/cgroup/memory", fmt.Sprintf("keyramp-test-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skip("needs control groups v1 for memory, and the right to make one: ", err)
	}
	t.Cleanup(func() { os.Remove(dir) })
	return dir, func(bytes int64) {
		for _, name := range []string{"memory.memsw.limit_in_bytes", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"} {
			os.WriteFile(filepath.Join(dir, name), []byte(strconv.FormatInt(bytes, 10)), 0o644) // one is never above the other
		}
		if text, err := os.ReadFile(filepath.Join(dir, "memory.limit_in_bytes")); err != nil || strings.TrimSpace(string(text)) != fmt.Sprint(bytes) {
			t.Fatalf("the limit is %s (%v), want %d", text, err, bytes)
		}
	}
}

// An import that the system kills for want of memory is as one that is killed by anybody.
func TestKilledForMemory(t *testing.T) {
	row := tier.Begin(t, "K6", tier.Size{Chaos: 10, Soak: 100})
	k := newKiller(t, row)
	defer k.close()
	group, limit := memoryGroup(t)
	s := tell(t, tenant.Config{Seed: 51, Users: 40_000, Days: 21})
	_, page := s.files(1)
	logs := []string{"import", "logs", s.pack(t.TempDir(), "a.ndjson.gz", 0, 1, tenant.NDJSON)}
	whole := s.with("whole")
	whole.keyramp(0, logs...)
	whole.keyramp(0, "import", "page", page)
	want := whole.tables()
	t.Logf("%d events", s.world.Len())
	midway := 0
	for life := 0; k.more(); life++ {
		p := s.with(fmt.Sprint("life-", life))
		stored := int64(0)
		for range 5 {
			if !k.more() {
				break
			}
			limit((16 + k.rand.Int64N(40)) << 20)
			p.env = append(p.env[:len(p.env):len(p.env)], envGroup+"="+group)
			r := k.round(p, end{after: 5 * time.Minute, signal: 9}, logs...)
			p.env = p.env[:len(p.env)-1]
			st, err := p.seen()
			if err == nil && st != nil {
				if !r.ended && st.Events > stored {
					midway++
				}
				stored = st.Events
				err = accounts(st)
			}
			if err != nil {
				k.Violation("killed for memory: %v", err)
			}
		}
		p.keyramp(0, logs...)
		p.keyramp(0, "import", "page", page)
		if p.tables() != want {
			k.Violation("after %d kills the store differs from one unbroken import", k.killed)
		}
	}
	k.Note("killed after commits of their own", fmt.Sprint(midway))
}
