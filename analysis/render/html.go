package render

import (
	"html/template"
	"io"
	"strings"

	"keyramp/analysis"
)

// policy lets the page do nothing but show itself: no script, no network, no form.
const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="` + policy + `">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<style>
:root { --ink: #1a1a1a; --soft: #5a5a5a; --line: #d0d0d0; --paper: #ffffff; --ok: #1b6e33; --stop: #a81c1c; --info: #8a5a00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --soft: #a8a8a8; --line: #444444; --paper: #161616; --ok: #6fcf87; --stop: #ff8a80; --info: #e5b567; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; border-bottom: 1px solid var(--line); }
p { margin: .3rem 0; } .soft, caption { color: var(--soft); }
.verdict { font-size: 1.6rem; font-weight: 700; margin: 1rem 0; padding: .4rem .8rem; border-left: .4rem solid var(--info); }
.verdict.ok { border-color: var(--ok); } .verdict.stop { border-color: var(--stop); }
.wide { overflow-x: auto; } table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .8rem .15rem 0; vertical-align: top; } tbody tr { border-top: 1px solid var(--line); }
.l { text-align: left; } .r { text-align: right; white-space: nowrap; }
caption { text-align: left; font-size: .9rem; }
ul { list-style: none; padding: 0; margin: .4rem 0; } li { margin: .15rem 0; } li:has(b) { padding-left: 2rem; text-indent: -2rem; }
b.ok { color: var(--ok); } b.stop { color: var(--stop); } b.info { color: var(--info); }
b.ok, b.stop, b.info { display: inline-block; width: 2rem; text-indent: 0; font-family: ui-monospace, monospace; }
figure { margin: 1rem 0; } figure svg { background: #ffffff; max-width: 100%; height: auto; border-radius: 4px; }
@page { size: A4; margin: 15mm; } @media print { body { margin: 0; max-width: none; font-size: 10pt; } h2 { break-after: avoid; } figure, tr { break-inside: avoid; } }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
{{range .Lead}}<p class="soft">{{.}}</p>
{{end}}<p class="verdict {{.Tone}}">{{.Verdict}}</p>
{{range .Sections}}<section>
<h2>{{.Title}}</h2>
{{with .Explain}}<p class="soft">{{.}}</p>
{{end}}{{with .Chart}}<figure role="img" aria-label="{{.Label}}">
{{.SVG}}
</figure>
{{end}}{{range .Grids}}<div class="wide"><table>
<thead><tr>{{range .Head}}<th scope="col" class="{{.Align}}">{{.Text}}</th>{{end}}</tr></thead>
<tbody>
{{range .Rows}}<tr>{{range .}}<td class="{{.Align}}">{{.Text}}</td>{{end}}</tr>
{{end}}</tbody>
</table></div>
{{end}}{{with .Lines}}<ul>
{{range .}}<li>{{with .Mark}}<b class="{{.Class}}">{{.Text}}</b>{{end}}{{.Text}}{{with .More}} <span class="soft">{{.}}</span>{{end}}</li>
{{end}}</ul>
{{end}}</section>
{{end}}</body>
</html>
`))

// What the template sees.
type (
	pageView struct {
		Title, Verdict, Tone string
		Lead                 []string
		Sections             []sectionView
	}
	sectionView struct {
		Title, Explain string
		Chart          *chartView
		Grids          []gridView
		Lines          []lineView
	}
	chartView struct {
		Label string
		SVG   template.HTML // drawn here; every word in it was escaped by the drawing
	}
	gridView struct {
		Head []cellView
		Rows [][]cellView
	}
	cellView struct{ Text, Align string }
	lineView struct {
		Mark       *markView
		Text, More string
	}
	markView struct{ Class, Text string }
)

var tones = map[analysis.Action]string{analysis.Ramp: "ok", analysis.RollBack: "stop"}
var classes = map[mark]string{okay: "ok", stop: "stop", info: "info"}

// writeHTML writes one page that needs nothing else: style and charts are inside, and no script.
func writeHTML(w io.Writer, d document, charts []chart) error {
	view := pageView{Title: d.title, Verdict: flat(d.verdict), Tone: tones[d.action], Lead: d.lead}
	for _, s := range d.sections {
		if s.detail { // charts stand between the decision and what stands behind it
			view.add(charts)
			charts = nil
		}
		view.Sections = append(view.Sections, viewOf(s))
	}
	view.add(charts)
	return page.Execute(w, view)
}

func (p *pageView) add(charts []chart) {
	for _, c := range charts {
		s := viewOf(section{title: c.title, explain: c.explain, grids: []grid{c.numbers}})
		s.Chart = &chartView{c.title + ". " + c.explain + " The numbers are in the table below.", template.HTML(c.svg)}
		p.Sections = append(p.Sections, s)
	}
}

func viewOf(s section) sectionView {
	out := sectionView{Title: flat(s.title), Explain: s.explain}
	for _, g := range s.grids {
		align := func(cells []string) (out []cellView) {
			for i, c := range cells {
				side := "r"
				if i < g.left {
					side = "l"
				}
				out = append(out, cellView{strings.TrimSpace(c), side})
			}
			return out
		}
		v := gridView{Head: align(g.head)}
		for _, r := range g.rows {
			v.Rows = append(v.Rows, align(r))
		}
		out.Grids = append(out.Grids, v)
	}
	for _, l := range s.lines {
		v := lineView{Text: flat(l.text), More: l.more}
		if l.mark != plain {
			v.Mark = &markView{classes[l.mark], marks[l.mark]}
		}
		out.Lines = append(out.Lines, v)
	}
	return out
}

func flat(s string) string { return strings.Join(strings.Fields(s), " ") }
