package query_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

var schema = dataset.Schema{Version: 3, Columns: []dataset.Column{
	{Name: "url", Type: dataset.Text}, {Name: "URL", Type: dataset.Text}, {Name: "revenue", Type: dataset.Float},
	{Name: "price", Type: dataset.Text}, {Name: "n", Type: dataset.Int}, {Name: "ok", Type: dataset.Bool},
	{Name: "when", Type: dataset.Time}, {Name: "cart", Type: dataset.JSON}, {Name: `we"ird`, Type: dataset.Int},
}}

func bind(body string) (query.Program, error) {
	r, err := query.Decode([]byte(body))
	if err != nil {
		return query.Program{}, err
	}
	return query.Bind(r, query.Whole(dataset.Events, schema), nil)
}

// plan returns the plan of a plain question.
func plan(body string) (plan query.AggregatePlan, err error) {
	program, err := bind(body)
	if err != nil {
		return plan, err
	}
	return planIn(program), nil
}

func planIn(program query.Program) (plan query.AggregatePlan) {
	_, _ = program.Run(func(p query.Plan) (query.Result, error) {
		plan = p.(query.AggregatePlan)
		return query.Result{}, nil
	})
	return plan
}

func TestARequestThatIsWrongIsToldWhatWouldBeRight(t *testing.T) {
	filter := func(f string) string { return `{"dataset":"web","measures":["count"],"filter":` + f + `}` }
	cases := map[string]struct{ body, message, hint string }{
		"an unknown field":             {`{"dataset":"web","mesures":["count"]}`, `no field "mesures"`, `did you mean "measures"?`},
		"another case":                 {`{"Dataset":"web"}`, `no field "Dataset"`, `did you mean "dataset"?`},
		"a field twice":                {`{"dataset":"web","dataset":"x"}`, `"dataset" is given twice`, ""},
		"an unknown field within":      {`{"dataset":"web","time":{"form":"x"}}`, `time: there is no field "form"`, `did you mean "from"?`},
		"no dataset":                   {`{"measures":["count"]}`, "dataset: is missing", "name the dataset"},
		"no measures":                  {`{"dataset":"web"}`, "measures: there are none", "at least one"},
		"another kind":                 {`{"dataset":"web","kind":"funnels"}`, `kind: "funnels" is not known`, "aggregate"},
		"a measure that is none":       {`{"dataset":"web","measures":["sum"]}`, `measures[0]: "sum" is not a measure`, `{"op": "sum"`},
		"an op that is none":           {`{"dataset":"web","measures":[{"op":"summ"}]}`, `measures[0].op: "summ"`, `did you mean "sum"?`},
		"no op":                        {`{"dataset":"web","measures":[{"column":"n"}]}`, "measures[0]: has no op", "count_distinct"},
		"a sum of nothing":             {`{"dataset":"web","measures":[{"op":"sum"}]}`, "sum needs a column", ""},
		"a sum of text":                {`{"dataset":"web","measures":[{"op":"sum","column":"price"}]}`, `column "price" is text`, "a value that is not a number came in"},
		"an unknown column":            {`{"dataset":"web","measures":["count"],"dimensions":["revenu"]}`, `dimensions[0]: there is no column "revenu"`, `did you mean "revenue"?`},
		"quantile without q":           {`{"dataset":"web","measures":[{"op":"quantile","column":"n"}]}`, "measures[0].q", "0.95"},
		"q past 1":                     {`{"dataset":"web","measures":[{"op":"quantile","column":"n","q":95}]}`, "from 0 to 1", ""},
		"two columns of a name":        {`{"dataset":"web","measures":["count","count"]}`, `two columns "count"`, "name one"},
		"an order by nothing":          {`{"dataset":"web","measures":["count"],"order":[{"by":"cuont"}]}`, `no column "cuont"`, `did you mean "count"?`},
		"a limit past the limit":       {`{"dataset":"web","measures":["count"],"limit":100001}`, "from 1 to 100000", ""},
		"half a row":                   {`{"dataset":"web","measures":["count"],"limit":1.5}`, "whole number", ""},
		"an unknown zone":              {`{"dataset":"web","measures":["count"],"time":{"zone":"Mars/Olympus"}}`, `"Mars/Olympus" is not a time zone`, "IANA"},
		"the machine's zone":           {`{"dataset":"web","measures":["count"],"time":{"zone":"Local"}}`, "is not a time zone", ""},
		"a file as zone":               {`{"dataset":"web","measures":["count"],"time":{"zone":"../../etc/passwd"}}`, "is not a time zone", ""},
		"a time that is none":          {`{"dataset":"web","measures":["count"],"time":{"from":"yesterday"}}`, `time.from: "yesterday"`, "2026-01-31T00:00:00Z"},
		"from after to":                {`{"dataset":"web","measures":["count"],"time":{"from":"2026-02-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}}`, "from is after to", "[from, to)"},
		"an unknown grain":             {`{"dataset":"web","measures":["count"],"time":{"grain":"days"}}`, `"days" is not known`, `did you mean "day"?`},
		"an empty filter":              {filter(`{}`), "filter: must be one of", ""},
		"an empty and":                 {filter(`{"and":[]}`), "filter.and: is empty", ""},
		"and beside or":                {filter(`{"and":[],"or":[]}`), "must be one of", ""},
		"a condition without value":    {filter(`{"column":"n","op":"="}`), "filter.value: is missing", "is_null"},
		"a condition without op":       {filter(`{"column":"n","value":1}`), "has no op", "contains"},
		"a number in quotes":           {filter(`{"column":"n","op":"=","value":"1"}`), `column "n" is int`, "without quotes"},
		"a text without quotes":        {filter(`{"and":[{"column":"price","op":"=","value":1}]}`), `filter.and[0].value: column "price" is text`, "in quotes"},
		"a list for one":               {filter(`{"column":"n","op":"=","value":[1]}`), "one value, not a list", "op in"},
		"one for a list":               {filter(`{"column":"n","op":"in","value":1}`), "needs a list", ""},
		"ends_with of a number":        {filter(`{"column":"n","op":"ends_with","value":"1"}`), "ends_with needs text", ""},
		"contains of a number":         {filter(`{"column":"n","op":"contains","value":"1"}`), "contains needs text", ""},
		"a number out of range":        {filter(`{"column":"n","op":"=","value":1e999}`), "out of range", ""},
		"a time finer than microsecs":  {filter(`{"column":"when","op":"=","value":"2026-01-01T00:00:00.0000001Z"}`), "finer than a microsecond", ""},
		"something after the end":      {`{"dataset":"web","measures":["count"]}{}`, "follows", ""},
		"half a document":              {`{"dataset":"web"`, "not valid JSON", "near byte"},
		"nothing":                      {``, "not valid JSON", ""},
		"a list":                       {`[]`, "must be an object", ""},
		"bytes that are not UTF-8":     {"{\"dataset\":\"\xff\"}", "not UTF-8", ""},
		"ten thousand nested lists":    {strings.Repeat("[", 10_000), "nested deeper", ""},
		"ten thousand nested negation": {`{"dataset":"web","filter":` + strings.Repeat(`{"not":`, 10_000), "nested deeper", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := plan(c.body)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Code != "bad_query" {
				t.Fatalf("got %v, want bad_query", err)
			}
			if !strings.Contains(f.Message, c.message) || !strings.Contains(f.Hint, c.hint) {
				t.Errorf("got %q, hint %q; want %q, hint %q", f.Message, f.Hint, c.message, c.hint)
			}
		})
	}
}

func TestABodyThatIsTooLargeIsRefusedAsSuch(t *testing.T) {
	if _, err := query.Decode(make([]byte, query.MaxBody+1)); !fault.Is(err, fault.TooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestAnUnknownNameMayLieInJSONOnceTheSchemaIsFull(t *testing.T) {
	full := dataset.Schema{}
	for i := range dataset.MaxColumns {
		full.Columns = append(full.Columns, dataset.Column{Name: fmt.Sprint("c", i), Type: dataset.Int})
	}
	r := query.Request{Measures: []query.Measure{{Op: query.Count}}, Dimensions: []query.Dimension{{Column: "rare"}}}
	program, err := query.Bind(r, query.Whole(dataset.Events, full), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := (query.Field{Name: "rare", Type: dataset.Text, InJSON: true}); planIn(program).Dimensions[0].Field != want {
		t.Errorf("got %v, want %v", planIn(program).Dimensions[0].Field, want)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(contract))
	for _, body := range derived {
		f.Add([]byte(body))
	}
	f.Add([]byte(`{"dataset":"web","measures":[{"op":"quantile","column":"n","q":0.5,"filter":{"not":{"column":"n","op":"in","value":[1,2.5,1e30]}}}],"limit":5}`))
	f.Add([]byte(`{"dataset":"web","measures":["count"],"filter":{"or":[{"column":"when","op":"between","value":["2026-01-01T00:00:00Z","2027-01-01T00:00:00Z"]}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := bind(string(body))
		if err == nil {
			if _, again := bind(string(body)); again != nil || len(p.Columns()) == 0 {
				t.Errorf("%q: plan %+v, then %v", body, p, again)
			}
			return
		}
		if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge {
			t.Errorf("%q: kind %v: %v", body, k, err)
		}
	})
}
