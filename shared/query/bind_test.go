package query_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/query"
)

// contract is the request that the API's contract shows.
const contract = `{"dataset": "web", "kind": "aggregate",
	"measures": ["count", {"name": "users", "op": "count_distinct", "column": "user_id"}, {"name": "revenue", "op": "sum", "column": "revenue"}],
	"dimensions": ["event"],
	"time": {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z", "grain": "day", "zone": "Europe/Zurich"},
	"filter": {"and": [{"column": "event", "op": "=", "value": "page_viewed"}]},
	"order": [{"by": "count", "desc": true}], "limit": 100}`

func TestRequestsThatAskTheSameHaveEqualPlans(t *testing.T) {
	with := func(filter string) string { return `{"dataset":"web","measures":["count"],"filter":` + filter + `}` }
	const a, b = `{"column":"n","op":"=","value":1}`, `{"column":"url","op":"!=","value":"/"}`
	cases := map[string][2]string{
		"defaults written out":        {`{"dataset":"web","measures":["count"]}`, `{"dataset":"web","kind":"aggregate","measures":[{"op":"count","name":"count"}],"time":{},"limit":1000}`},
		"operands in another order":   {with(`{"and":[` + a + `,` + b + `]}`), with(`{"and":[` + b + `,` + a + `]}`)},
		"an operand twice":            {with(`{"or":[` + a + `,` + b + `,` + a + `]}`), with(`{"or":[` + a + `,` + b + `]}`)},
		"an and within an and":        {with(`{"and":[{"and":[` + a + `]},` + b + `]}`), with(`{"and":[` + a + `,` + b + `]}`)},
		"an or of one":                {with(`{"or":[` + a + `]}`), with(a)},
		"not not":                     {with(`{"not":{"not":` + a + `}}`), with(a)},
		"not equal":                   {with(`{"not":{"column":"n","op":"!=","value":1}}`), with(a)},
		"in one":                      {with(`{"column":"n","op":"in","value":[1,1]}`), with(a)},
		"in, in another order":        {with(`{"column":"n","op":"in","value":[3,1,2]}`), with(`{"column":"n","op":"in","value":[1,2,3]}`)},
		"between":                     {with(`{"column":"n","op":"between","value":[1,5]}`), with(`{"and":[{"column":"n","op":"<=","value":5},{"column":"n","op":">=","value":1}]}`)},
		"an int past a fraction":      {with(`{"column":"n","op":">","value":1.5}`), with(`{"column":"n","op":">=","value":2}`)},
		"an int with an exponent":     {with(`{"column":"n","op":"=","value":1e0}`), with(a)},
		"a time filter and a range":   {with(`{"column":"time","op":">=","value":"2026-01-01T01:00:00+01:00"}`), `{"dataset":"web","measures":["count"],"time":{"from":"2026-01-01T00:00:00Z"}}`},
		"median and the quantile 0.5": {`{"dataset":"web","measures":[{"op":"median","column":"n","name":"m"}]}`, `{"dataset":"web","measures":[{"op":"quantile","q":0.5,"column":"n","name":"m"}]}`},
		"a week start for days":       {`{"dataset":"web","measures":["count"],"time":{"grain":"day","week_start":"sunday"}}`, `{"dataset":"web","measures":["count"],"time":{"grain":"day","zone":"UTC"}}`},
	}
	for name, c := range cases {
		one, err := plan(c[0])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		other, err := plan(c[1])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(one, other, cmp.AllowUnexported(query.Value{})); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestTheContractsRequestHasTheContractsColumns(t *testing.T) {
	p, err := plan(contract)
	if err != nil {
		t.Fatal(err)
	}
	want := []query.Column{{Name: "time", Type: query.Timestamp}, {Name: "event", Type: query.Text},
		{Name: "count", Type: query.Int}, {Name: "users", Type: query.Int}, {Name: "revenue", Type: query.Float}}
	if diff := cmp.Diff(want, p.Columns()); diff != "" {
		t.Error(diff)
	}
	if p.Range.From != 1767225600_000000 || p.Range.To != 1769904000_000000 || p.Limit != 100 {
		t.Errorf("range %v, limit %d", p.Range, p.Limit)
	}
}
