package main

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// A style colours words when its stream takes colour, and leaves them alone otherwise.
type style struct{ on bool }

func (s style) red(t string) string  { return s.wrap("31", t) }
func (s style) bold(t string) string { return s.wrap("1", t) }
func (s style) dim(t string) string  { return s.wrap("2", t) }

func (s style) wrap(code, t string) string {
	if !s.on {
		return t
	}
	return "\x1b[" + code + "m" + t + "\x1b[0m"
}

// styleFor decides colour for one stream: the flag's always or never first,
// then NO_COLOR and CLICOLOR_FORCE (set and not empty), then whether the
// stream is a terminal that can show it.
func (a *app) styleFor(w io.Writer, when string) style {
	switch {
	case when == "always":
		return style{true}
	case when == "never" || a.env["NO_COLOR"] != "":
		return style{}
	case a.env["CLICOLOR_FORCE"] != "" && a.env["CLICOLOR_FORCE"] != "0":
		return style{true}
	}
	return style{isTerminal(w) && a.env["TERM"] != "dumb"}
}

// isTerminal reports whether a person reads w.
func isTerminal(w io.Writer) bool {
	if s, ok := w.(*stickyWriter); ok {
		w = s.w
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is the number of cells a line of output may take: COLUMNS when it is
// set, else the terminal's width, else 80, which fits an e-mail and a ticket.
func (a *app) width() int {
	if n, err := strconv.Atoi(a.env["COLUMNS"]); err == nil && n >= 40 {
		return n
	}
	if f, ok := a.out.w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n >= 40 {
			return n
		}
	}
	return 80
}
