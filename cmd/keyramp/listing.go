package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// listFormats are the formats of every listing.
var listFormats = []string{"table", "json", "csv", "markdown"}

// A listing is a small table for people and spreadsheets. The JSON form has
// its own document, with types.
type listing struct {
	head  []string
	right []int // columns of numbers, from 0
	rows  [][]string
}

func (l *listing) add(cells ...string) { l.rows = append(l.rows, cells) }

// write renders the listing; doc is the JSON form.
func (l *listing) write(w io.Writer, format string, width int, doc any) error {
	switch format {
	case "json":
		return writeJSON(w, doc)
	case "csv":
		c := csv.NewWriter(w)
		for _, row := range append([][]string{l.head}, l.rows...) {
			safe := make([]string, len(row))
			for i, cell := range row {
				safe[i] = csvSafe(cell)
			}
			if err := c.Write(safe); err != nil {
				return err
			}
		}
		c.Flush()
		return c.Error()
	}
	// Names come from logs and file systems; only a program may get them as they are.
	for _, row := range l.rows {
		for i := range row {
			row[i] = visible(row[i])
		}
	}
	if format == "markdown" {
		return l.markdown(w)
	}
	widths := make([]int, len(l.head))
	for _, row := range append([][]string{l.head}, l.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	// What does not fit is taken from the first column: ids can be told by their ends.
	total := 2 * (len(widths) - 1)
	for _, n := range widths {
		total += n
	}
	widths[0] = max(12, widths[0]-max(0, total-width))
	for _, row := range append([][]string{l.head}, l.rows...) {
		var line strings.Builder
		for i, cell := range row {
			cell = clip(cell, widths[i])
			pad := strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell))
			if slices.Contains(l.right, i) {
				cell = pad + cell
			} else {
				cell += pad
			}
			line.WriteString(cell + "  ")
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

func (l *listing) markdown(w io.Writer) error {
	rule := make([]string, len(l.head))
	for i := range rule {
		rule[i] = "---"
		if slices.Contains(l.right, i) {
			rule[i] = "--:"
		}
	}
	safe := strings.NewReplacer(`\`, `\\`, "|", `\|`, "`", "\\`", "[", `\[`, "]", `\]`, "&", "&amp;", "<", "&lt;")
	for n, row := range append([][]string{l.head, rule}, l.rows...) {
		cells := slices.Clone(row)
		for i := range cells {
			if n != 1 {
				cells[i] = safe.Replace(cells[i])
			}
		}
		if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")); err != nil {
			return err
		}
	}
	return nil
}

// csvSafe keeps a spreadsheet from taking text for a formula.
func csvSafe(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) && cell != "-" {
		return "'" + cell
	}
	return cell
}

// writeJSON writes one document, indented, with its fields in their order.
func writeJSON(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(doc)
}

// clip shows text in n cells, cut in the middle if need be: the ends of a path say most.
func clip(s string, n int) string {
	s = visible(s)
	w := uniseg.StringWidth(s)
	if w <= n {
		return s
	}
	r := []rune(s)
	for cut := 1; cut < len(r); cut++ {
		mid := len(r) / 2
		lo, hi := mid-(cut+1)/2, mid+cut/2
		if lo < 0 || hi > len(r) {
			break
		}
		if short := string(r[:lo]) + "…" + string(r[hi:]); uniseg.StringWidth(short) <= n {
			return short
		}
	}
	return "…"
}
