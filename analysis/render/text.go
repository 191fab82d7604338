package render

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/text"
)

// clean escapes what a terminal, a page or a spreadsheet could take for something else: control characters and the
// invisible ones that turn text around. Names come from the tenant and from logs.
func clean(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
	}
	return b.String()
}

// csvSafe keeps a spreadsheet from taking a text cell for a formula: an apostrophe before the characters that start
// one, full-width forms included.
func csvSafe(s string) string {
	if s == "" {
		return s
	}
	switch r := []rune(s)[0]; r {
	case '=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠':
		return "'" + s
	}
	return s
}

var markdownEscapes = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`,
	"<", "&lt;", ">", "&gt;", "|", `\|`, "~", `\~`, "#", `\#`, "&", "&amp;", "\n", " ")

// inMarkdown escapes text so that Markdown shows it as it is.
func inMarkdown(s string) string { return markdownEscapes.Replace(s) }

// glue keeps a number and its unit on one line.
var glue = strings.NewReplacer(" %", "\x00%", " pp", "\x00pp")

// wrap breaks text into lines of at most width columns; a word that is longer is broken.
func wrap(s string, width int) []string {
	var lines []string
	line, used := "", 0
	end := func() { lines, line, used = append(lines, line), "", 0 }
	for _, word := range strings.Fields(glue.Replace(s)) {
		word = strings.ReplaceAll(word, "\x00", " ")
		n := text.StringWidth(word)
		if line != "" && used+1+n > width {
			end()
		}
		if line != "" {
			line, used = line+" ", used+1
		}
		for _, r := range word {
			w := text.RuneWidth(r)
			if used+w > width {
				end()
			}
			line, used = line+string(r), used+w
		}
	}
	if end(); len(lines) > 1 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// cut shortens text to width columns.
func cut(s string, width int) string { return text.Snip(s, width, "…") }
