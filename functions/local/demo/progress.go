package demo

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	barWidth     = 24
	redrawEvery  = 100 * time.Millisecond // of the bar on a terminal
	anotherEvery = 3 * time.Second        // line elsewhere
)

// progress shows how far a dataset is: as a bar on a terminal, else as a line now
// and then. What fails to be written is not worth failing for.
type progress struct {
	w        io.Writer
	terminal bool
	now      func() time.Time
	name     string

	total        int64
	began, shown time.Time
	open         bool // the line of a terminal has not ended
}

func newProgress(w io.Writer, now func() time.Time, name string) *progress {
	return &progress{w: w, terminal: isTerminal(w), now: now, name: name}
}

// isTerminal takes every device of characters for a terminal: what the null device
// is shown does not matter.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// begin starts over, with a number of rows to come.
func (p *progress) begin(total int64) {
	p.total, p.began = total, p.now()
	p.shown = p.began
	if p.terminal {
		p.draw(p.bar(0))
	}
}

// reach says how many rows there are by now.
func (p *progress) reach(rows int64) {
	every := anotherEvery
	if p.terminal {
		every = redrawEvery
	}
	if p.now().Sub(p.shown) < every {
		return
	}
	p.shown = p.now()
	p.draw(p.bar(rows))
}

// finish says that it is done.
func (p *progress) finish(rows int64) {
	p.draw(fmt.Sprintf("%-12s %s rows in %.1f s", p.name, grouped(rows), p.now().Sub(p.began).Seconds()))
	p.abandon()
}

// abandon leaves the line.
func (p *progress) abandon() {
	if p.open {
		fmt.Fprintln(p.w)
	}
	p.open = false
}

// say tells what is no progress.
func (p *progress) say(text string) { fmt.Fprintf(p.w, "%-12s %s\n", p.name, text) }

func (p *progress) draw(line string) {
	if !p.terminal {
		fmt.Fprintln(p.w, line)
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	p.open = true
}

// bar shows a number of rows against the total.
func (p *progress) bar(rows int64) string {
	share := 1.0
	if p.total > 0 {
		share = min(1, float64(rows)/float64(p.total))
	}
	var line strings.Builder
	fmt.Fprintf(&line, "%-12s ", p.name)
	if p.terminal {
		full := int(share * barWidth)
		line.WriteString("[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "] ")
	}
	fmt.Fprintf(&line, "%3.0f%%  %s of %s rows", 100*share, grouped(rows), grouped(p.total))
	if took := p.now().Sub(p.began).Seconds(); took > 0 && rows > 0 {
		rate := float64(rows) / took
		fmt.Fprintf(&line, "  %s/s  %.0f s left", grouped(int64(rate)), float64(p.total-rows)/rate)
	}
	return line.String()
}

// grouped writes a number with commas between its thousands.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
