package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alluviumdb/alluvium/server/load"
)

// progress shows how far a load has come: a bar that is drawn over on a
// terminal, a line now and then elsewhere.
type progress struct {
	w        io.Writer
	terminal bool
	every    time.Duration
	start    time.Time

	mu    sync.Mutex // guards the fields below
	last  time.Time
	width int // of the bar that stands on the terminal
	state load.Progress
	note  string
}

const (
	barPeriod  = 100 * time.Millisecond
	linePeriod = 10 * time.Second
)

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, every: linePeriod, start: time.Now()}
	if f, ok := w.(*os.File); ok {
		st, err := f.Stat()
		p.terminal = err == nil && st.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	if p.terminal {
		p.every = barPeriod
	} else {
		p.last = p.start // a load that is soon done needs no lines
	}
	return p
}

// update takes in how far the load has come.
func (p *progress) update(s load.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
	if now := time.Now(); now.Sub(p.last) >= p.every {
		p.last = now
		p.draw()
	}
}

// committing tells that the servers are being waited for.
func (p *progress) committing() { p.say("waiting for the servers to load the segments") }

// waiting tells that a call failed and is made again.
func (p *progress) waiting(err error) { p.say("trying again: " + err.Error()) }

func (p *progress) say(note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	changed := p.note != note
	p.note = note
	if p.terminal || changed {
		p.draw()
	}
}

// end leaves the terminal on a fresh line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.width > 0 {
		fmt.Fprintf(p.w, "\r%s\r", strings.Repeat(" ", p.width))
		p.width = 0
	}
}

func (p *progress) draw() {
	text := p.text(time.Since(p.start))
	if !p.terminal {
		fmt.Fprintln(p.w, text)
		return
	}
	const most = 118
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	width := len([]rune(text))
	fmt.Fprintf(p.w, "\r%s%s", text, strings.Repeat(" ", max(p.width-width, 0)))
	p.width = width
}

// text says how far the load has come after a time.
func (p *progress) text(took time.Duration) string {
	s := &p.state
	done := share(s)
	var b strings.Builder
	if p.terminal {
		const width = 24
		full := int(done * width)
		fmt.Fprintf(&b, "[%s%s] ", strings.Repeat("=", full), strings.Repeat(" ", width-full))
	}
	fmt.Fprintf(&b, "%3.0f%%  %s rows  %s of %s  %d", 100*done, grouped(s.Rows), size(s.Bytes), size(s.TotalBytes), s.Segments)
	if s.TotalSegments > 0 {
		fmt.Fprintf(&b, "/%d", s.TotalSegments)
	}
	fmt.Fprintf(&b, " segments  %s rows/s", grouped(int64(float64(s.Rows)/max(took.Seconds(), 1e-3))))
	if p.note != "" {
		b.WriteString("  " + p.note)
	}
	return b.String()
}

// share is the part of the work that is done, from 0 to 1.
func share(s *load.Progress) float64 {
	switch {
	case s.TotalRows > 0:
		return min(float64(s.Rows)/float64(s.TotalRows), 1)
	case s.TotalBytes > 0:
		return min(float64(s.Bytes)/float64(s.TotalBytes), 1)
	}
	return 0
}

// grouped prints a number with its thousands apart.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// size prints a number of bytes.
func size(n int64) string {
	const unit = 1000
	switch {
	case n < unit:
		return fmt.Sprintf("%d B", n)
	case n < unit*unit:
		return fmt.Sprintf("%.1f kB", float64(n)/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%.1f MB", float64(n)/(unit*unit))
	}
	return fmt.Sprintf("%.2f GB", float64(n)/(unit*unit*unit))
}
