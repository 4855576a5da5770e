package query

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// havingOf asks for the rows of three events that match.
func havingOf(condition string) ([]int64, error) {
	r, err := Decode([]byte(`{"dataset": "web", "measures": ["count"], "dimensions": ["event"], "limit": 2, "having": ` + condition + `}`))
	if err != nil {
		return nil, err
	}
	program, err := Bind(r, Whole(dataset.Events, dataset.Schema{}), nil)
	if err != nil {
		return nil, err
	}
	result, err := program.Run(func(p Plan) (Result, error) {
		return Result{Columns: p.Columns(), Rows: [][]Value{{TextValue("a"), IntValue(1)}, {TextValue("ab"), IntValue(2)}, {{}, IntValue(3)}}}, nil
	})
	counts := []int64{}
	for _, row := range result.Rows {
		counts = append(counts, row[1].Int())
	}
	return counts, err
}

func TestRowsOfAnAnswerAreKeptByItsColumns(t *testing.T) {
	for condition, want := range map[string][]int64{
		`{"column": "count", "op": ">", "value": 1.5}`:                                                        {2, 3},
		`{"column": "count", "op": "in", "value": [1, 3, 9]}`:                                                 {1, 3},
		`{"column": "count", "op": "not_in", "value": [1, 3]}`:                                                {2},
		`{"column": "count", "op": "between", "value": [2, 5]}`:                                               {2, 3},
		`{"column": "count", "op": "=", "value": 0.5}`:                                                        {},
		`{"column": "event", "op": "starts_with", "value": "a"}`:                                              {1, 2},
		`{"column": "event", "op": "ends_with", "value": "b"}`:                                                {2},
		`{"column": "event", "op": "contains", "value": "b"}`:                                                 {2},
		`{"column": "event", "op": "is_null"}`:                                                                {3},
		`{"not": {"column": "event", "op": "contains", "value": "b"}}`:                                        {1},
		`{"or": [{"column": "event", "op": "!=", "value": "a"}, {"column": "count", "op": "<", "value": 2}]}`: {1, 2},
	} {
		if got, err := havingOf(condition); err != nil || !cmp.Equal(want, got) {
			t.Errorf("%s: %v, %v, want %v", condition, got, err, want)
		}
	}
}

func TestRowsOfAnAnswerAreKeptByNothingElse(t *testing.T) {
	for name, condition := range map[string]string{
		"a column that the answer does not have": `{"column": "user_id", "op": "is_null"}`,
		"a text of a number":                     `{"column": "count", "op": "contains", "value": "1"}`,
		"an audience":                            `{"audience": "buyers"}`,
	} {
		if _, err := havingOf(condition); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
