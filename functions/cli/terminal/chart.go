package terminal

import (
	"math"
	"strings"

	"github.com/rivo/uniseg"
)

// Mark is a value with the name of what it is of. NaN is none.
type Mark struct {
	Label string
	Text  string // of the value, as it is shown
	Value float64
}

// eighths fill a cell from the left.
var eighths = []rune(" ▏▎▍▌▋▊▉█")

// Bars draws a horizontal bar for each mark, from a common zero: negative ones go to the
// left of it. It is as wide as width, and narrower than 20 cells it is no chart.
func Bars(marks []Mark, width int) string {
	low, high := extent(marks)
	labels, texts := 0, 0
	for _, m := range marks {
		labels, texts = max(labels, uniseg.StringWidth(printable(m.Label))), max(texts, uniseg.StringWidth(m.Text))
	}
	width = max(width, 20)
	labels = min(labels, width/3)
	room := max(width-labels-texts-2*gap, 4)
	left := 0
	if low < 0 {
		left = min(max(int(math.Round(float64(room)*-low/(high-low))), 1), room)
		if high > 0 {
			left = min(left, room-1)
		}
	}
	var out strings.Builder
	for _, m := range marks {
		out.WriteString(strings.TrimRight(pad(printable(m.Label), labels, false)+"  "+pad(m.Text, texts, true)+"  "+bar(m.Value, low, high, left, room-left), " "))
		out.WriteByte('\n')
	}
	return out.String()
}

// extent is the range of the values, with zero in it.
func extent(marks []Mark) (low, high float64) {
	for _, m := range marks {
		if !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0) {
			low, high = min(low, m.Value), max(high, m.Value)
		}
	}
	return low, high
}

// bar draws a value with left cells before zero and right cells behind it.
func bar(value, low, high float64, left, right int) string {
	switch {
	case math.IsNaN(value) || math.IsInf(value, 0):
		return ""
	case value < 0:
		cells := int(math.Ceil(value / low * float64(left)))
		return strings.Repeat(" ", left-cells) + strings.Repeat("█", cells)
	case high == 0:
		return strings.Repeat(" ", left)
	}
	parts := int(math.Round(value / high * float64(right) * 8))
	if parts == 0 && value > 0 {
		parts = 1 // little is not nothing
	}
	out := strings.Repeat(" ", left) + strings.Repeat("█", parts/8)
	if parts%8 > 0 {
		out += string(eighths[parts%8])
	}
	return out
}

// Line draws the values of one series over time, or another order, height lines high: in
// braille, two values across and four down a cell. What is null is a gap. The ends are
// named below, the extremes beside.
func Line(marks []Mark, width, height int) string {
	low, high, top, bottom := math.Inf(1), math.Inf(-1), "", ""
	for _, m := range marks {
		if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			continue
		}
		if m.Value < low {
			low, bottom = m.Value, m.Text
		}
		if m.Value > high {
			high, top = m.Value, m.Text
		}
	}
	if low > high {
		return "no values\n"
	}
	axis := max(uniseg.StringWidth(top), uniseg.StringWidth(bottom))
	across := max(width-axis-3, 8)
	cells := plot(marks, low, high, across, height)
	var out strings.Builder
	for y, line := range cells {
		name := ""
		switch {
		case low == high:
			name = in(y == (height-1)/2, top)
		case y == 0:
			name = top
		case y == height-1:
			name = bottom
		}
		out.WriteString(strings.TrimRight(pad(name, axis, true)+" ┤"+string(line), " ⠀"))
		out.WriteByte('\n')
	}
	first, last := printable(marks[0].Label), printable(marks[len(marks)-1].Label)
	between := max(across-uniseg.StringWidth(first)-uniseg.StringWidth(last), 1)
	out.WriteString(strings.TrimRight(strings.Repeat(" ", axis+2)+first+strings.Repeat(" ", between)+last, " ") + "\n")
	return out.String()
}

func in(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

// plot marks each value, and what lies between neighbours, on cells of 2 by 4 dots.
func plot(marks []Mark, low, high float64, across, height int) [][]rune {
	cells := make([][]rune, height)
	for y := range cells {
		cells[y] = []rune(strings.Repeat("⠀", across))
	}
	wide, tall := across*2-1, height*4-1
	at := func(i int) (x, y float64) {
		if len(marks) > 1 {
			x = float64(i) / float64(len(marks)-1) * float64(wide)
		}
		y = float64(tall) / 2
		if high > low {
			y = (high - marks[i].Value) / (high - low) * float64(tall)
		}
		return x, y
	}
	before := false
	for i, m := range marks {
		if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			before = false
			continue
		}
		x, y := at(i)
		fromX, fromY := x, y
		if before {
			fromX, fromY = at(i - 1)
		}
		steps := int(max(math.Abs(x-fromX), math.Abs(y-fromY))) + 1
		for s := 0; s <= steps; s++ {
			part := float64(s) / float64(steps)
			dot(cells, int(math.Round(fromX+(x-fromX)*part)), int(math.Round(fromY+(y-fromY)*part)))
		}
		before = true
	}
	return cells
}

// dots are the bits of a braille character, by row and column.
var dots = [4][2]rune{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

func dot(cells [][]rune, x, y int) {
	cells[y/4][x/2] |= dots[y%4][x%2]
}
