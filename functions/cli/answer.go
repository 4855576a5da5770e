package main

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"strings"

	"github.com/tarnhq/tarn/functions/cli/terminal"
)

// answer is what a question was answered with.
type answer struct {
	Columns []answerColumn      `json:"columns"`
	Rows    [][]json.RawMessage `json:"rows"`
	Stats   struct {
		Truncated bool `json:"truncated"`
	} `json:"stats"`
}

type answerColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// numeric reports whether a column's values stand to the right, and can be drawn.
func (c answerColumn) numeric() bool {
	return c.Type == "int" || c.Type == "float" || c.Type == "decimal"
}

// text is a value for people; a null is null.
func text(value json.RawMessage, null string) string {
	if string(value) == "null" || len(value) == 0 {
		return null
	}
	var s string
	if value[0] == '"' && json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

func (a *app) answerTable(got answer) error {
	columns := make([]terminal.Column, len(got.Columns))
	for i, c := range got.Columns {
		columns[i] = terminal.Column{Name: c.Name, Right: c.numeric()}
	}
	rows := make([][]string, len(got.Rows))
	for r, row := range got.Rows {
		rows[r] = make([]string, len(columns))
		for i := range columns {
			rows[r][i] = text(row[i], "–")
		}
	}
	if err := a.table(columns, rows); err != nil {
		return err
	}
	if got.Stats.Truncated {
		a.note("there are more rows; raise --limit, or export them")
	}
	return nil
}

// answerCSV prints an answer with its names first; a null is empty.
func (a *app) answerCSV(got answer) error {
	w := csv.NewWriter(a.out)
	line := make([]string, len(got.Columns))
	for i, c := range got.Columns {
		line[i] = c.Name
	}
	err := w.Write(line)
	for _, row := range got.Rows {
		for i := range line {
			line[i] = text(row[i], "")
		}
		if err == nil {
			err = w.Write(line)
		}
	}
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	return err
}

// answerChart draws the first number of an answer: a line over time where each row is a
// time, bars of the rest otherwise.
func (a *app) answerChart(got answer) error {
	measured := -1
	var names []int
	for i, c := range got.Columns {
		switch {
		case c.numeric() && measured < 0:
			measured = i
		case !c.numeric():
			names = append(names, i)
		}
	}
	if measured < 0 {
		return wrong("the answer has no column of numbers to draw")
	}
	marks := make([]terminal.Mark, len(got.Rows))
	for r, row := range got.Rows {
		var label []string
		for _, i := range names {
			label = append(label, text(row[i], "–"))
		}
		marks[r] = terminal.Mark{Label: strings.Join(label, " "), Text: text(row[measured], "–"), Value: value(row[measured])}
	}
	cells := width(a.out, 80)
	drawn := "no rows\n"
	switch {
	case len(marks) == 0:
	case len(names) == 1 && got.Columns[names[0]].Type == "timestamp" && len(marks) > 2:
		drawn = terminal.Line(marks, cells, 10)
	default:
		drawn = terminal.Bars(marks, cells)
	}
	_, err := a.out.Write([]byte(drawn))
	return err
}

// value reads a number, which may be a text of one with many digits.
func value(raw json.RawMessage) float64 {
	var f float64
	if json.Unmarshal([]byte(text(raw, "")), &f) != nil {
		return math.NaN()
	}
	return f
}
