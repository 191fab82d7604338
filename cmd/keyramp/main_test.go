package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// armed is called before a test binary becomes keyramp.
var armed = func() {}

// TestMain makes this test binary the keyramp that scripts run, so that DuckDB
// is linked once.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"keyramp": func() {
		batchRecords, _ = strconv.Atoi(os.Getenv("KEYRAMP_TEST_BATCH"))
		armed()
		if len(os.Args) > 2 && os.Args[1] == "probe" {
			misbehave(os.Args[2])
		}
		leaveLog = os.Getenv("KEYRAMP_TEST_LOG") != ""
		main()
	}})
}

// misbehave does to a probe what DuckDB may do to the process that opens a damaged store, when a file of the folder says so.
func misbehave(dir string) {
	for name, signal := range map[string]syscall.Signal{"probe-dies": syscall.SIGABRT, "probe-killed": syscall.SIGKILL} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			syscall.Kill(os.Getpid(), signal)
			time.Sleep(time.Minute)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "probe-hangs")); err == nil {
		time.Sleep(time.Minute)
	}
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds:                scriptCommands,
		Condition: func(name string) (bool, error) { // [long]: make test-long
			return name == "long" && os.Getenv("KEYRAMP_LONG") != "", nil
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/.config")
			env.Setenv("HOME", env.WorkDir)
			env.Values[stageKey{}] = &stage{}
			return nil
		},
	})
}

// ansi matches the colour codes that a terminal swallows.
var ansi = regexp.MustCompile("\x1b\\[[0-9;?]*[a-zA-Z]")
