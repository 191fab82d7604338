package render

import (
	"keyramp/analysis"
)

// A document is a report as people read it, before a format dresses it: table, Markdown and HTML show the same one.
type document struct {
	title    string
	lead     []string
	verdict  string
	action   analysis.Action
	sections []section
}

// A section is one question with its answer. Explain says in one line what the numbers mean.
type section struct {
	title   string
	explain string
	grids   []grid
	lines   []line
	detail  bool // for those who look closer: after the decision
}

// A grid is a table of cells that are already words. Columns named in left are text, the others numbers.
type grid struct {
	name string
	head []string
	left int  // so many columns from the left hold text
	full bool // text is wrapped, not cut, when the table is too wide
	rows [][]string
}

// A line is one statement, with a mark that can be read without colour.
type line struct {
	mark mark
	text string
	more string // what to do
}

type mark int

const (
	plain mark = iota
	okay
	stop
	info
)

var marks = map[mark]string{plain: "", okay: "ok", stop: "!!", info: "--"}

func say(m mark, text string) line { return line{mark: m, text: text} }
