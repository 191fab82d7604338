package render

import (
	"fmt"
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

// Formats lists them, the ones for people and scripts first.
func Formats() []Format { return []Format{Table, JSON, CSV, Markdown, HTML} }

// Options say how to write. The zero Options are a plain table of 80 columns.
type Options struct {
	Format Format // "" = Table
	Color  bool   // of a table
	Width  int    // columns of a table; 0 = 80, and never below 64, which eight columns of numbers need
	// Unsafe leaves text cells of CSV that a spreadsheet would take for a formula as they are.
	Unsafe bool
}

func (o Options) width() int {
	if o.Width == 0 {
		return 80
	}
	return max(64, o.Width)
}

// Report writes a report with the decision that was made of it.
func Report(w io.Writer, r *analysis.Report, d analysis.Decision, o Options) error {
	switch o.Format {
	case JSON:
		return writeJSON(w, whole{analysis.SchemaVersion, r, d})
	case CSV:
		return writeTidy(w, r, d, o.Unsafe)
	case HTML:
		return writeHTML(w, describe(r, d), charts(r))
	}
	return write(w, describe(r, d), o)
}

// Decision writes a decision with its reasons and its numbers.
func Decision(w io.Writer, d analysis.Decision, o Options) error {
	switch o.Format {
	case JSON:
		return writeJSON(w, d)
	case CSV:
		return writeTidyDecision(w, d, o.Unsafe)
	case HTML:
		return writeHTML(w, describeDecision(d), nil)
	}
	return write(w, describeDecision(d), o)
}

func write(w io.Writer, d document, o Options) error {
	switch o.Format {
	case "", Table:
		return writeTable(w, d, NewPalette(o.Color), o.width())
	case Markdown:
		return writeMarkdown(w, d)
	}
	return fmt.Errorf("render: there is no format %q: give one of %v", o.Format, Formats())
}
