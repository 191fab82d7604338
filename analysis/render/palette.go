package render

// A Palette colours text for a terminal. The zero Palette leaves it as it is, so that a report reads the same in
// black and white: no meaning is carried by colour alone.
type Palette struct{ on bool }

// NewPalette returns the four styles, or none of them.
func NewPalette(on bool) Palette { return Palette{on} }

// Strong is for what is read first.
func (p Palette) Strong(s string) string { return p.paint("1", s) }

// Good is for what went well.
func (p Palette) Good(s string) string { return p.paint("32", s) }

// Warn is for what needs a look.
func (p Palette) Warn(s string) string { return p.paint("33", s) }

// Bad is for what does harm.
func (p Palette) Bad(s string) string { return p.paint("31", s) }

func (p Palette) paint(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
