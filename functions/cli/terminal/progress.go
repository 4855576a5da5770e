package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rivo/uniseg"
)

// Progress draws one line over and over: a bar where the end is known, else how far it is.
type Progress struct {
	Out   io.Writer
	Width int // cells of the line
	Now   func() time.Time

	drawn time.Time
	last  int // cells that the line before took
}

// often is often enough for eyes.
const often = 100 * time.Millisecond

// Show draws a share of 0 to 1, or less than 0 where nobody knows, and a note behind it.
// The last share, 1, is always drawn.
func (p *Progress) Show(label string, share float64, note string) {
	now := p.Now()
	if share < 1 && now.Sub(p.drawn) < often {
		return
	}
	p.drawn = now
	line := Bar(label, share, note, p.Width-1)
	cells := uniseg.StringWidth(line)
	fmt.Fprint(p.Out, "\r"+line+strings.Repeat(" ", max(0, p.last-cells)))
	p.last = cells
}

// Done leaves the line, if there is one.
func (p *Progress) Done() {
	if p.last > 0 {
		fmt.Fprintln(p.Out)
	}
	p.last, p.drawn = 0, time.Time{}
}

// Bar is a line of progress, at most width cells wide.
func Bar(label string, share float64, note string, width int) string {
	if share < 0 {
		return cut(label+"  "+note, width)
	}
	share = min(share, 1)
	tail := fmt.Sprintf(" %3.0f%%  %s", share*100, note)
	room := width - uniseg.StringWidth(label) - uniseg.StringWidth(tail) - 1
	if room < 5 {
		return cut(label+tail, width)
	}
	room = min(room, 40)
	full := int(share * float64(room))
	return label + " " + strings.Repeat("█", full) + strings.Repeat("░", room-full) + tail
}

// Bytes is a size for people.
func Bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, i := float64(n), -1
	for ; value >= unit && i < 4; i++ {
		value /= unit
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTP"[i])
}
