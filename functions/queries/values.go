package queries

import (
	"context"
	"encoding/json"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
)

// suggestions are values that a filter by a column could name.
type suggestions struct {
	Body struct {
		Values []suggestion `json:"values" doc:"the most frequent first, of the rows that you see"`
		More   bool         `json:"more" doc:"there are others"`
	}
}

type suggestion struct {
	Value any   `json:"value"`
	Rows  int64 `json:"rows"`
}

// suggest asks a question as any other: what it tells is what the caller could ask.
func (d *Deps) suggest(ctx context.Context, caller access.Principal, in *struct {
	Dataset dataset.Name `path:"dataset" maxLength:"64" example:"web"`
	Column  string       `query:"column" required:"true" maxLength:"256" example:"country"`
	Prefix  string       `query:"prefix" maxLength:"256" doc:"of a text: how it begins" example:"C"`
	Limit   int          `query:"limit" minimum:"1" maximum:"1000" default:"20"`
}) (*suggestions, error) {
	filter := []map[string]any{{"column": in.Column, "op": query.IsNotNull}}
	if in.Prefix != "" {
		filter = append(filter, map[string]any{"column": in.Column, "op": query.StartsWith, "value": in.Prefix})
	}
	text, err := json.Marshal(map[string]any{
		"dataset": in.Dataset, "measures": []any{map[string]any{"op": query.Count, "name": "rows_of_it"}}, "limit": in.Limit,
		"dimensions": []any{map[string]any{"column": in.Column, "name": "value"}}, "filter": map[string]any{"and": filter},
		"order": []query.Order{{By: "rows_of_it", Desc: true}},
	})
	if err != nil {
		return nil, err
	}
	request, err := query.Decode(text)
	if err != nil {
		return nil, err
	}
	question, err := d.Open(ctx, caller, request)
	if err != nil {
		return nil, err
	}
	defer question.Release()
	a, err := question.Ask(ctx)
	if err != nil {
		return nil, err
	}
	out := &suggestions{}
	out.Body.Values, out.Body.More = make([]suggestion, len(a.Rows)), a.Stats.Truncated
	for i, row := range a.Rows {
		out.Body.Values[i] = suggestion{row[0], row[1].Int()}
	}
	return out, nil
}
