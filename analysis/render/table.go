package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"keyramp/analysis"
)

// writeTable writes a document for a terminal.
func writeTable(w io.Writer, d document, p Palette, width int) error {
	var b strings.Builder
	for _, l := range wrap(d.title, width) {
		b.WriteString(p.Strong(l) + "\n")
	}
	for _, l := range d.lead {
		paragraph(&b, "", l, width)
	}
	b.WriteString("\n" + shout(p, d.action)(cut(d.verdict, width)) + "\n")
	for _, s := range d.sections {
		b.WriteString("\n" + p.Strong(cut(s.title, width)) + "\n")
		if s.explain != "" {
			paragraph(&b, "", s.explain, width)
		}
		for _, g := range s.grids {
			b.WriteString(columns(g, width))
		}
		for _, l := range s.lines {
			statement(&b, l, p, width)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// shout is the style of a verdict.
func shout(p Palette, a analysis.Action) func(string) string {
	return func(s string) string {
		switch a {
		case analysis.Ramp:
			return p.Strong(p.Good(s))
		case analysis.RollBack:
			return p.Strong(p.Bad(s))
		}
		return p.Strong(p.Warn(s))
	}
}

// paragraph writes text in lines, all of them behind the same indent.
func paragraph(b *strings.Builder, indent, s string, width int) {
	for _, l := range wrap(s, width-len(indent)) {
		b.WriteString(indent + l + "\n")
	}
}

// statement writes one marked line, continued below its own text.
func statement(b *strings.Builder, l line, p Palette, width int) {
	style := map[mark]func(string) string{okay: p.Good, stop: p.Bad, info: p.Warn}[l.mark]
	indent := 1
	if style != nil {
		indent = 4
	}
	text := l.text
	if head, rest, ok := strings.Cut(text, "  "); ok && l.mark == plain { // "because  …" hangs under its own text
		indent, text = 1+len(head)+1+countSpaces(rest), strings.TrimLeft(rest, " ")
		for i, part := range wrap(text, width-indent) {
			if i == 0 {
				fmt.Fprintf(b, " %-*s%s\n", indent-1, head, part)
			} else {
				b.WriteString(strings.Repeat(" ", indent) + part + "\n")
			}
		}
		return
	}
	for i, part := range wrap(text, width-indent) {
		switch {
		case i == 0 && style != nil:
			b.WriteString(" " + style(marks[l.mark]) + " " + part + "\n")
		default:
			b.WriteString(strings.Repeat(" ", indent) + part + "\n")
		}
	}
	if l.more != "" {
		paragraph(b, strings.Repeat(" ", indent+2), "do: "+l.more, width)
	}
}

func countSpaces(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) + 1 }

// columns aligns a grid: text to the left, numbers to the right, names cut so that the table fits.
func columns(g grid, width int) string {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Options.SeparateHeader = true
	style.Box.PaddingLeft, style.Box.PaddingRight = " ", " "
	style.Box.MiddleHorizontal, style.Box.MiddleSeparator = "-", "-"
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)

	head := table.Row{}
	var configs []table.ColumnConfig
	room := share80(g, width)
	for i, h := range g.head {
		head = append(head, h)
		c := table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight,
			WidthMax: room[i], WidthMaxEnforcer: text.WrapSoft}
		if i < g.left {
			c.Align, c.AlignHeader = text.AlignLeft, text.AlignLeft
		}
		configs = append(configs, c)
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(head)
	for _, r := range g.rows {
		row := table.Row{}
		for i, c := range r {
			if i < g.left && !g.full {
				c = cut(c, room[i])
			}
			row = append(row, c)
		}
		t.AppendRow(row)
	}
	var out strings.Builder
	for _, l := range strings.Split(t.Render(), "\n") {
		out.WriteString(strings.TrimRight(l, " ") + "\n")
	}
	return out.String()
}

// share80 gives each column its natural width and takes what is too much from the widest ones.
func share80(g grid, width int) []int {
	w := make([]int, len(g.head))
	total := 0
	for i, h := range g.head {
		w[i] = text.StringWidth(h)
		for _, r := range g.rows {
			w[i] = max(w[i], text.StringWidth(r[i]))
		}
		total += w[i] + 2
	}
	for ; total > width; total-- {
		widest := 0
		for i := range w {
			if w[i] > w[widest] {
				widest = i
			}
		}
		if w[widest] <= 6 {
			break
		}
		w[widest]--
	}
	return w
}
