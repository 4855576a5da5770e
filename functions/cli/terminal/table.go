// Package terminal draws answers as text: tables, charts and bars, of columns as wide as
// people see them. Whether there is a terminal at all is for others to know.
package terminal

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Column is the head of a column. Numbers stand to the right.
type Column struct {
	Name  string
	Right bool
}

// Table draws rows under their columns, each line at most width cells wide: the widest
// columns give way first, and what is cut ends in an ellipsis. A width of 0 cuts nothing.
// It ends in a newline, and is the head alone where there are no rows.
func Table(columns []Column, rows [][]string, width int) string {
	if len(columns) == 0 {
		return ""
	}
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = uniseg.StringWidth(printable(c.Name))
	}
	shown := make([][]string, len(rows))
	for r, row := range rows {
		shown[r] = make([]string, len(columns))
		for i := range columns {
			shown[r][i] = printable(row[i])
			widths[i] = max(widths[i], uniseg.StringWidth(shown[r][i]))
		}
	}
	if width > 0 {
		narrow(widths, width-gap*(len(columns)-1))
	}
	var out strings.Builder
	head := make([]string, len(columns))
	for i, c := range columns {
		head[i] = printable(c.Name)
	}
	writeRow(&out, columns, head, widths)
	for i, w := range widths {
		head[i] = strings.Repeat("─", w)
	}
	writeRow(&out, columns, head, widths)
	for _, row := range shown {
		writeRow(&out, columns, row, widths)
	}
	return out.String()
}

// Facts draws names and what each is, one a line.
func Facts(pairs [][2]string) string {
	widest := 0
	for _, p := range pairs {
		widest = max(widest, uniseg.StringWidth(p[0]))
	}
	var out strings.Builder
	for _, p := range pairs {
		out.WriteString(strings.TrimRight(pad(p[0], widest+gap, false)+printable(p[1]), " "))
		out.WriteByte('\n')
	}
	return out.String()
}

const (
	gap       = 2 // cells between columns
	narrowest = 4 // cells that a column keeps
)

// narrow takes cells from the widest column until all fit, or none can give more.
func narrow(widths []int, room int) {
	sum := 0
	for _, w := range widths {
		sum += w
	}
	for ; sum > room; sum-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= narrowest {
			return
		}
		widths[widest]--
	}
}

func writeRow(out *strings.Builder, columns []Column, row []string, widths []int) {
	var line strings.Builder
	for i, c := range columns {
		if i > 0 {
			line.WriteString(strings.Repeat(" ", gap))
		}
		line.WriteString(pad(row[i], widths[i], c.Right))
	}
	out.WriteString(strings.TrimRight(line.String(), " "))
	out.WriteByte('\n')
}

// Fit is a text on one line of at most width cells; 0 cuts nothing.
func Fit(text string, width int) string {
	text = printable(text)
	if width <= 0 {
		return text
	}
	return cut(text, width)
}

// pad brings a text to a width in cells.
func pad(text string, width int, right bool) string {
	text = cut(text, width)
	space := strings.Repeat(" ", max(0, width-uniseg.StringWidth(text)))
	if right {
		return space + text
	}
	return text + space
}

// cut shortens a text to a width in cells, between what people take for characters.
func cut(text string, width int) string {
	if uniseg.StringWidth(text) <= width {
		return text
	}
	var out strings.Builder
	used := 0
	for rest, state := text, -1; rest != ""; {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+w > width-1 {
			break
		}
		out.WriteString(cluster)
		used += w
	}
	return out.String() + "…"
}

// printable is a text on one line, without what would steer the terminal: data is data.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < 0x20 || 0x7f <= r && r < 0xa0:
			return '·'
		case 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069:
			return '·' // would turn the direction of what follows
		}
		return r
	}, text)
}
