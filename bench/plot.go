package bench

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
)

// plot is a chart with a row per query and a dot per series on a logarithmic
// scale.
type plot struct {
	Title, Unit string
	Rows        []string
	Series      []series
}

// series has a value per row; NaN draws nothing.
type series struct {
	Name   string
	Values []float64
}

// The measures of a plot in pixels, and the colours of its series.
const (
	plotLeft, plotRight, plotTop = 80, 20, 64
	plotWidth, rowHeight         = 760, 18
)

var plotColours = []string{"#0b6e4f", "#e0a100", "#c8553d", "#3d6fc8", "#7b4fa3", "#888888"}

// writePlot writes a plot as SVG.
func writePlot(path string, p plot) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, p.svg(), 0o644)
}

// decades returns the powers of ten that enclose all values.
func (p *plot) decades() (lo, hi int) {
	least, most := math.Inf(1), math.Inf(-1)
	for _, s := range p.Series {
		for _, v := range s.Values {
			if v > 0 {
				least, most = min(least, v), max(most, v)
			}
		}
	}
	if least > most {
		return 0, 1
	}
	lo, hi = int(math.Floor(math.Log10(least))), int(math.Ceil(math.Log10(most)))
	return lo, max(hi, lo+1)
}

func (p *plot) svg() []byte {
	var b bytes.Buffer
	height := plotTop + rowHeight*len(p.Rows) + 30
	lo, hi := p.decades()
	x := func(v float64) float64 {
		return plotLeft + (math.Log10(v)-float64(lo))/float64(hi-lo)*(plotWidth-plotLeft-plotRight)
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n", plotWidth, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/><text x="10" y="18" font-size="14">%s</text>`+"\n", html.EscapeString(p.Title))
	p.grid(&b, lo, hi, height, x)
	p.legend(&b)
	for i, name := range p.Rows {
		y := plotTop + rowHeight*i + rowHeight/2
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text><line x1="%d" x2="%d" y1="%d" y2="%d" stroke="#eee"/>`+"\n",
			plotLeft-8, y+4, html.EscapeString(name), plotLeft, plotWidth-plotRight, y, y)
		p.dots(&b, i, y, x)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// grid draws a line per power of ten.
func (p *plot) grid(b *bytes.Buffer, lo, hi, height int, x func(float64) float64) {
	for d := lo; d <= hi; d++ {
		at := x(math.Pow10(d))
		fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#bbb"/><text x="%.1f" y="%d" text-anchor="middle">%g %s</text>`+"\n",
			at, at, plotTop, height-24, at, height-10, math.Pow10(d), html.EscapeString(p.Unit))
	}
}

func (p *plot) legend(b *bytes.Buffer) {
	at := 10
	for i, s := range p.Series {
		fmt.Fprintf(b, `<circle cx="%d" cy="38" r="5" fill="%s"/><text x="%d" y="42">%s</text>`+"\n",
			at+5, colour(i), at+14, html.EscapeString(s.Name))
		at += 34 + 7*len(s.Name)
	}
}

// dots draws the values of a row; the first series comes last, on top.
func (p *plot) dots(b *bytes.Buffer, row, y int, x func(float64) float64) {
	for i := len(p.Series) - 1; i >= 0; i-- {
		if v := p.Series[i].Values[row]; v > 0 {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%d" r="5" fill="%s" fill-opacity="0.85"/>`+"\n", x(v), y, colour(i))
		}
	}
}

func colour(i int) string { return plotColours[i%len(plotColours)] }
