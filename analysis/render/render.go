package render

import (
	"io"

	"keyramp/analysis"
)

// A Format names a way to write a report.
type Format string

// The formats of Report and Decision.
const (
	Table    Format = "table"
	JSON     Format = "json"
	CSV      Format = "csv"
	Markdown Format = "markdown"
	HTML     Format = "html"
)

// Formats lists them in the order of their use.
func Formats() []Format { return []Format{Table, JSON, CSV, Markdown, HTML} }

// Options say how to write. The zero Options are a plain table of 80 columns.
type Options struct {
	Format Format
	Color  bool // table only
	Width  int  // columns of a table; 0 = 80
	// Unsafe leaves text cells of CSV that a spreadsheet would take for a
	// formula as they are.
	Unsafe bool
}

// Report writes a report with the decision that was made of it.
func Report(w io.Writer, r *analysis.Report, d analysis.Decision, o Options) error { return nil }

// Decision writes a decision with its reasons and its numbers.
func Decision(w io.Writer, d analysis.Decision, o Options) error { return nil }
