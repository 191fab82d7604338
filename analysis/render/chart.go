package render

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"keyramp/analysis"
)

// A chart is a drawing with the numbers it was drawn from.
type chart struct {
	title, explain string
	svg            string
	numbers        grid
}

// The colours differ in lightness too, so that they can be told apart in print and by everyone.
var (
	blue   = color.RGBA{R: 0x00, G: 0x5a, B: 0xb5, A: 0xff}
	orange = color.RGBA{R: 0xdc, G: 0x6a, B: 0x00, A: 0xff}
	shade  = color.RGBA{R: 0xcf, G: 0xdf, B: 0xf0, A: 0xff}
	grey   = color.RGBA{R: 0x80, G: 0x80, B: 0x80, A: 0xff}
)

// charts draws the enrollment of each comparison day by day, and the differences side by side. A chart that would show
// nothing, or that cannot be drawn, is left out: its numbers stand in the tables.
func charts(r *analysis.Report) []chart {
	var out []chart
	for i := range r.Comparisons {
		c := &r.Comparisons[i]
		suffix := ""
		if len(r.Comparisons) > 1 {
			suffix = ": " + clean(c.Treatment.Label())
		}
		if len(c.Looks) > 1 {
			out = append(out, rates(c, suffix), band(r, c, suffix))
		}
		out = append(out, forest(r, c, suffix))
	}
	kept := out[:0]
	for _, c := range out {
		if c.svg != "" {
			kept = append(kept, c)
		}
	}
	return kept
}

// rates draws the share of people enrolled so far, in both variations.
func rates(c *analysis.Comparison, suffix string) chart {
	out := chart{title: "Enrolled so far" + suffix, explain: "Share of people enrolled, all days up to this one, in percent.",
		numbers: grid{name: "looks", left: 1, head: []string{"day", clean(c.Control.Label()), "enrolled", "rate",
			clean(c.Treatment.Label()), "enrolled", "rate"}}}
	var control, treatment plotter.XYs
	for _, l := range c.Looks {
		row := []string{l.Day.Std().Format("2006-01-02")}
		for _, v := range []struct {
			n, y int64
			to   *plotter.XYs
		}{{l.ControlSubjects, l.ControlEnrolled, &control}, {l.TreatmentSubjects, l.TreatmentEnrolled, &treatment}} {
			var rate *float64
			if v.n > 0 {
				share := float64(v.y) / float64(v.n)
				rate = &share
				*v.to = append(*v.to, plotter.XY{X: seconds(l.Day), Y: share * 100})
			}
			row = append(row, count(v.n), count(v.y), percent(rate, 2))
		}
		out.numbers.rows = append(out.numbers.rows, row)
	}
	p := canvas("percent of people")
	p.Legend.Top, p.Legend.Left = true, true
	for _, l := range []struct {
		xy    plotter.XYs
		c     color.Color
		dash  []vg.Length
		label string
	}{{treatment, blue, nil, c.Treatment.Label()}, {control, orange, []vg.Length{vg.Points(5), vg.Points(3)}, c.Control.Label()}} {
		line, err := plotter.NewLine(l.xy)
		if err != nil {
			continue // no day with people in this variation
		}
		line.Color, line.Width, line.Dashes = l.c, vg.Points(1.8), l.dash
		p.Add(line)
		p.Legend.Add(cut(clean(l.label), 40), line)
	}
	p.Y.Min, p.Y.Max = 0, p.Y.Max*1.25 // rates start at 0; room for the legend
	dates(p)
	out.svg = paint(p, 3)
	return out
}

// band draws the difference with its interval as it stood at each look.
func band(r *analysis.Report, c *analysis.Comparison, suffix string) chart {
	out := chart{title: "Enrollment difference day by day" + suffix,
		explain: "Treatment minus control in percentage points, with the interval that holds at every look. The dashed line is the smallest gain worth a ramp.",
		numbers: grid{name: "difference_by_day", left: 1, head: []string{"day", "difference (pp)", "lower", "upper", "smallest p so far"}}}
	var lo, hi, mid plotter.XYs
	widest := 0.0
	for _, l := range c.Looks {
		row := []string{l.Day.Std().Format("2006-01-02"), absent, absent, absent, significant(l.P)}
		if l.Diff != nil {
			n := places(halfWidth(l.Lower, l.Upper))
			row[1], row[2], row[3] = points(*l.Diff, n), points(*l.Lower, n), points(*l.Upper, n)
			x := seconds(l.Day)
			mid = append(mid, plotter.XY{X: x, Y: *l.Diff * 100})
			lo, hi = append(lo, plotter.XY{X: x, Y: *l.Lower * 100}), append(hi, plotter.XY{X: x, Y: *l.Upper * 100})
			widest = max(widest, *l.Diff*100, -*l.Diff*100)
		}
		out.numbers.rows = append(out.numbers.rows, row)
	}
	if len(mid) < 2 {
		return out
	}
	p := canvas("percentage points")
	outline := append(plotter.XYs{}, lo...)
	for i := len(hi) - 1; i >= 0; i-- {
		outline = append(outline, hi[i])
	}
	area, err := plotter.NewPolygon(outline)
	if err != nil {
		return out
	}
	area.Color, area.LineStyle.Width = shade, 0
	line, err := plotter.NewLine(mid)
	if err != nil {
		return out
	}
	line.Color, line.Width = blue, vg.Points(1.8)
	p.Add(area, line, level0(mid, 0, nil), level0(mid, r.Plan.DeltaMin*100, []vg.Length{vg.Points(4), vg.Points(3)}))
	// The first days' intervals are so wide that they would press the rest flat.
	last := len(lo) - 1
	reach := 1.5 * max(widest, hi[last].Y, -lo[last].Y)
	p.Y.Min, p.Y.Max = max(p.Y.Min, -reach), min(p.Y.Max, reach)
	dates(p)
	out.svg = paint(p, 3)
	return out
}

// forest sets the differences of the phases, and of all together, side by side.
func forest(r *analysis.Report, c *analysis.Comparison, suffix string) chart {
	out := chart{title: "Differences side by side" + suffix,
		explain: "Treatment minus control in percentage points; the bar is the interval.",
		numbers: grid{name: "forest", left: 1, head: []string{"what", "difference (pp)", "lower", "upper"}}}
	type bar struct {
		name string
		d    analysis.Difference
	}
	bars := []bar{{"enrolled", c.Enrollment.Difference}}
	if len(c.ByPhase) > 1 {
		for _, e := range c.ByPhase {
			bars = append(bars, bar{fmt.Sprintf("enrolled, phase %d", e.Phase), e.Enrollment})
		}
	}
	bars = append(bars, bar{"login success", c.Success.Difference})
	if len(c.ByPhase) > 1 {
		for _, e := range c.ByPhase {
			bars = append(bars, bar{fmt.Sprintf("login success, phase %d", e.Phase), e.Success})
		}
	}
	p := canvas("")
	p.X.Label.Text = "percentage points"
	p.X.Tick.Marker = plot.DefaultTicks{}
	var names []string
	drawn := 0
	for i := len(bars) - 1; i >= 0; i-- { // the first one on top
		b := bars[i]
		y := float64(len(names))
		names = append(names, b.name)
		if b.d.Diff == nil {
			continue
		}
		line, err := plotter.NewLine(plotter.XYs{{X: *b.d.Lower * 100, Y: y}, {X: *b.d.Upper * 100, Y: y}})
		if err != nil {
			continue
		}
		line.Color, line.Width = blue, vg.Points(2)
		dot, err := plotter.NewScatter(plotter.XYs{{X: *b.d.Diff * 100, Y: y}})
		if err != nil {
			continue
		}
		dot.Color, dot.Shape, dot.Radius = blue, draw.CircleGlyph{}, vg.Points(3.5)
		p.Add(line, dot)
		drawn++
	}
	for _, b := range bars {
		row := []string{b.name, absent, absent, absent}
		if b.d.Diff != nil {
			n := places(halfWidth(b.d.Lower, b.d.Upper))
			row = []string{b.name, points(*b.d.Diff, n), points(*b.d.Lower, n), points(*b.d.Upper, n)}
		}
		out.numbers.rows = append(out.numbers.rows, row)
	}
	if drawn == 0 {
		return out
	}
	zero, err := plotter.NewLine(plotter.XYs{{X: 0, Y: -0.6}, {X: 0, Y: float64(len(names)) - 0.4}})
	if err != nil {
		return out
	}
	zero.Color, zero.Width = grey, vg.Points(1)
	p.Add(zero)
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(names))-0.4
	room := 0.04 * (p.X.Max - p.X.Min)
	p.X.Min, p.X.Max = p.X.Min-room, p.X.Max+room
	out.svg = paint(p, 0.6+0.3*float64(len(names)))
	return out
}

func seconds(t analysis.Time) float64 { return float64(t) / 1e6 }

// level0 is a horizontal line over the days of a series.
func level0(over plotter.XYs, y float64, dashes []vg.Length) *plotter.Line {
	line, err := plotter.NewLine(plotter.XYs{{X: over[0].X, Y: y}, {X: over[len(over)-1].X, Y: y}})
	if err != nil { // only for numbers that are not finite, and these are
		return &plotter.Line{}
	}
	line.Color, line.Width, line.Dashes = grey, vg.Points(1), dashes
	return line
}

func canvas(y string) *plot.Plot {
	p := plot.New()
	p.Y.Label.Text = y
	p.Add(plotter.NewGrid())
	return p
}

// dates marks every UTC day, and names at most eight of them.
func dates(p *plot.Plot) {
	const day = 86400
	p.X.Tick.Marker = plot.TickerFunc(func(from, to float64) (ticks []plot.Tick) {
		first := math.Ceil(from / day)
		every := math.Max(1, math.Ceil((to/day-first)/8))
		for d := first; d*day <= to; d++ {
			t := plot.Tick{Value: d * day}
			if math.Mod(d-first, every) == 0 {
				t.Label = plot.UTCUnixTime(d * day).Format("2 Jan")
			}
			ticks = append(ticks, t)
		}
		return ticks
	})
}

// paint draws a plot of so many inches height as SVG that can stand inside a page.
func paint(p *plot.Plot, inches float64) string {
	c := vgsvg.New(7*vg.Inch, vg.Length(inches)*vg.Inch)
	p.Draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return ""
	}
	s := b.String()
	if i := strings.Index(s, "<svg"); i >= 0 {
		s = s[i:] // the XML declaration has no place inside a page
	}
	return strings.TrimSpace(s)
}
