package render

import (
	"io"
	"strings"
)

// writeMarkdown writes a document with tables in GitHub's form.
func writeMarkdown(w io.Writer, d document) error {
	var b strings.Builder
	b.WriteString("# " + inMarkdown(d.title) + "\n\n**" + inMarkdown(d.verdict) + "**\n\n")
	for _, l := range d.lead {
		b.WriteString("- " + inMarkdown(l) + "\n")
	}
	for _, s := range d.sections {
		b.WriteString("\n## " + inMarkdown(s.title) + "\n\n")
		if s.explain != "" {
			b.WriteString(inMarkdown(s.explain) + "\n\n")
		}
		for _, g := range s.grids {
			markdownGrid(&b, g)
		}
		for _, l := range s.lines {
			b.WriteString("- ")
			if l.mark != plain {
				b.WriteString("**" + inMarkdown(marks[l.mark]) + "** ")
			}
			b.WriteString(inMarkdown(strings.Join(strings.Fields(l.text), " ")))
			if l.more != "" {
				b.WriteString(" *" + inMarkdown(l.more) + "*")
			}
			b.WriteString("\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func markdownGrid(b *strings.Builder, g grid) {
	row := func(cells []string) {
		b.WriteString("|")
		for _, c := range cells {
			b.WriteString(" " + inMarkdown(strings.TrimSpace(c)) + " |")
		}
		b.WriteString("\n")
	}
	row(g.head)
	b.WriteString("|")
	for i := range g.head {
		if i < g.left {
			b.WriteString(" --- |")
		} else {
			b.WriteString(" ---: |")
		}
	}
	b.WriteString("\n")
	for _, r := range g.rows {
		row(r)
	}
	b.WriteString("\n")
}
