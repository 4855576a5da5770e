package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tarnhq/tarn/functions/cli/client"
)

// preview is what the server makes of a file.
type preview struct {
	Options json.RawMessage     `json:"options"`
	Columns []column            `json:"columns"`
	Rows    [][]json.RawMessage `json:"rows"`
	Bad     []struct {
		Line   int64  `json:"line"`
		Reason string `json:"reason"`
	} `json:"bad"`
	Warnings []string `json:"warnings"`
}

// look shows what the server makes of the file, and takes the file away again.
func (l *loading) look(ctx context.Context) (err error) {
	file, err := l.place(ctx)
	if err != nil {
		return err
	}
	defer func() {
		_, gone := l.do(context.WithoutCancel(ctx), client.Request{Method: http.MethodDelete, Path: l.at(file)})
		err = errors.Join(err, gone)
	}()
	got, err := l.do(ctx, client.Request{Method: http.MethodGet, Path: l.at(file) + "/preview", Query: url.Values{"rows": {strconv.Itoa(l.rows)}}})
	if err != nil {
		return err
	}
	return show(l.app, got.Body, func(p preview) error {
		l.note("read as %s", p.Options)
		rows := answer{Rows: p.Rows}
		for _, c := range p.Columns {
			rows.Columns = append(rows.Columns, answerColumn{Name: c.Name + " " + c.Type, Type: c.Type})
		}
		if err := l.answerTable(rows); err != nil {
			return err
		}
		for _, b := range p.Bad {
			l.note("line %d: %s", b.Line, b.Reason)
		}
		for _, w := range p.Warnings {
			l.note("%s", w)
		}
		return nil
	})
}
