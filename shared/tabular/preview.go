package tabular

import (
	"context"
	"encoding/json"
	"io"
	"strconv"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// Preview is what a file looks like.
type Preview struct {
	Options  Options             `json:"options" doc:"as given, and what was found for the rest"`
	Columns  []dataset.Column    `json:"columns" doc:"with the types that the rows looked at suggest"`
	Rows     [][]json.RawMessage `json:"rows" doc:"the first rows; a value for each column"`
	Bad      []PreviewBad        `json:"bad,omitempty" doc:"records among them that are no rows"`
	Warnings []string            `json:"warnings,omitempty"`
}

// PreviewBad is a Bad for people to read.
type PreviewBad struct {
	Line   int64  `json:"line"`
	Column string `json:"column,omitempty"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
	Raw    string `json:"raw" doc:"the beginning of the record"`
}

// previewLimits bound what a preview looks at.
var previewLimits = limits{rows: 10_000, bytes: 4 << 20, chunk: 256 << 10}

// Look returns the first n rows of a file, at most 10,000, with what was found about it.
func Look(ctx context.Context, src Source, name string, o Options, n int, declared []dataset.Column) (Preview, error) {
	found, warnings, err := detect(ctx, src, name, o)
	if err != nil {
		return Preview{}, err
	}
	r, err := open(ctx, src, found, declared, previewLimits)
	if err != nil {
		return Preview{}, err
	}
	defer r.Close()
	part, err := r.Next(ctx)
	if err != nil && err != io.EOF {
		return Preview{}, err
	}
	p := Preview{Options: found, Columns: r.Columns(), Warnings: warnings}
	p.show(part, n)
	return p, nil
}

func (p *Preview) show(part Part, n int) {
	byName := map[string]*rows.Column{}
	for i := range part.Rows.Columns {
		byName[part.Rows.Columns[i].Name] = &part.Rows.Columns[i]
	}
	p.Rows = make([][]json.RawMessage, min(n, part.Rows.Len))
	for row := range p.Rows {
		p.Rows[row] = make([]json.RawMessage, len(p.Columns))
		for i, c := range p.Columns {
			p.Rows[row][i] = jsonOf(byName[c.Name], row)
		}
	}
	for _, b := range part.Bad[:min(n, len(part.Bad))] {
		p.Bad = append(p.Bad, PreviewBad{b.Line, b.Column, b.Code, b.Reason, string(mended(b.Raw[:min(len(b.Raw), 200)]))})
	}
}

// jsonOf returns a value as JSON. Ints that JavaScript would round stay as they are.
func jsonOf(c *rows.Column, row int) json.RawMessage {
	if c == nil || c.IsNull(row) {
		return json.RawMessage("null")
	}
	switch c.Type {
	case dataset.Bool:
		return strconv.AppendBool(nil, c.Ints[row] != 0)
	case dataset.Int:
		return strconv.AppendInt(nil, c.Ints[row], 10)
	case dataset.Float:
		return json.RawMessage(dataset.FormatFloat(c.Float[row]))
	case dataset.Time:
		return appendQuoted(nil, []byte(dataset.FormatTime(c.Ints[row])))
	case dataset.Text:
		return appendQuoted(nil, c.Text(row))
	default:
		return json.RawMessage(c.Text(row))
	}
}
