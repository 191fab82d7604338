package main

import (
	"os"
	"regexp"
	"strconv"
	"testing"

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
		leaveLog = os.Getenv("KEYRAMP_TEST_LOG") != ""
		main()
	}})
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
