package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

func init() { scriptCommands["tty"] = cmdTTY }

// cmdTTY runs a command with its output on a terminal of 80 columns:
// tty FILE keyramp … keeps in FILE what a person would have seen.
func cmdTTY(ts *testscript.TestScript, _ bool, args []string) {
	screen, terminal, err := openPTY()
	ts.Check(err)
	defer screen.Close()
	self, err := os.Executable()
	ts.Check(err)
	cmd := exec.Command(self)
	cmd.Args = args[1:] // the test binary is what its name says
	cmd.Dir = ts.MkAbs(".")
	cmd.Stdout, cmd.Stderr = terminal, terminal
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "KEYRAMP_STORE", "NO_COLOR", "COLUMNS"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Env = append(cmd.Env, "TERM=xterm")
	ts.Check(cmd.Start())
	terminal.Close()
	var seen bytes.Buffer
	_, _ = io.Copy(&seen, screen) // ends with an error when the last writer has gone
	ts.Check(cmd.Wait())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.ReplaceAll(seen.Bytes(), []byte("\r\n"), []byte("\n")), 0o600))
}

// openPTY opens a pseudo-terminal of 24 lines and 80 columns.
func openPTY() (screen, terminal *os.File, err error) {
	screen, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(screen.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, err
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		return nil, nil, err
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	return screen, terminal, err
}
