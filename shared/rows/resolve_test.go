package rows

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
)

const inexact = 1<<53 + 1 // the least int that no float holds

func event(name string, v events.Value) *events.Event {
	return &events.Event{ID: "e", Name: "n", Shape: &events.Shape{Names: []string{name}}, Values: []events.Value{v}}
}

func boolean(b int64) events.Value   { return events.Value{Kind: events.Bool, Int: b} }
func integer(i int64) events.Value   { return events.Value{Kind: events.Int, Int: i} }
func float(f float64) events.Value   { return events.Value{Kind: events.Float, Float: f} }
func text(s string) events.Value     { return events.Value{Kind: events.Text, Text: s} }
func jsonOf(s string) events.Value   { return events.Value{Kind: events.JSON, Text: s} }
func big(digits string) events.Value { return events.Value{Kind: events.Big, Text: digits} }

func TestResolveInfersAndWidens(t *testing.T) {
	column := func(typ dataset.Type) *dataset.Column { return &dataset.Column{Name: "p", Type: typ} }
	wide := &dataset.Column{Name: "p", Type: dataset.Int, Wide: true}
	cases := map[string]struct {
		before *dataset.Column
		value  events.Value
		after  *dataset.Column
	}{
		"a first bool makes a bool column":                    {nil, boolean(1), column(dataset.Bool)},
		"a first int makes an int column":                     {nil, integer(1), column(dataset.Int)},
		"a first int that no float holds makes a wide column": {nil, integer(inexact), wide},
		"a first float makes a float column":                  {nil, float(1.5), column(dataset.Float)},
		"a first text makes a text column":                    {nil, text(""), column(dataset.Text)},
		"a first object makes a JSON column":                  {nil, jsonOf("{}"), column(dataset.JSON)},
		"a first number past 64 bits makes a text column":     {nil, big("99999999999999999999"), column(dataset.Text)},
		"null makes no column":                                {nil, events.Value{}, nil},
		"null widens nothing":                                 {column(dataset.Int), events.Value{}, column(dataset.Int)},
		"an int fits a float column that holds it exactly":    {column(dataset.Float), integer(5), column(dataset.Float)},
		"an int that no float holds widens float to text":     {column(dataset.Float), integer(inexact), column(dataset.Text)},
		"a float widens int to float":                         {column(dataset.Int), float(0.5), column(dataset.Float)},
		"an int that no float holds makes an int column wide": {column(dataset.Int), integer(inexact), wide},
		"a float widens a wide int column to text":            {wide, float(0.5), column(dataset.Text)},
		"a further wide int changes nothing":                  {wide, integer(-inexact), wide},
		"an int widens bool to text":                          {column(dataset.Bool), integer(1), column(dataset.Text)},
		"a text widens int to text":                           {column(dataset.Int), text("x"), column(dataset.Text)},
		"a number past 64 bits widens int to text":            {column(dataset.Int), big("99999999999999999999"), column(dataset.Text)},
		"text takes numbers and bools as text":                {column(dataset.Text), boolean(0), column(dataset.Text)},
		"an array widens text to JSON":                        {column(dataset.Text), jsonOf("[]"), column(dataset.JSON)},
		"an array widens float to JSON":                       {column(dataset.Float), jsonOf("[]"), column(dataset.JSON)},
		"JSON takes anything":                                 {column(dataset.JSON), text("x"), column(dataset.JSON)},
	}
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			before, want := dataset.Schema{Version: 3}, dataset.Schema{Version: 3}
			if c.before != nil {
				before.Columns = []dataset.Column{*c.before}
			}
			if c.after != nil {
				want.Columns = []dataset.Column{*c.after}
			}
			widens := !cmp.Equal(before, want)
			if widens {
				want.Version++
			}
			got, changed, refusal := Resolve(before, event("p", c.value), dataset.Quarantine)
			if diff := cmp.Diff(want, got); diff != "" || changed != widens || refusal != (events.Refusal{}) {
				t.Errorf("changed %v, refusal %v, schema (-want +got):\n%s", changed, refusal, diff)
			}
			if admits := NewBuilder(before, dataset.Quarantine).Admits(event("p", c.value)); admits == widens {
				t.Errorf("Admits says %v of an event that changes the schema: %v", admits, widens)
			}
		})
	}
}

func TestADeclaredColumnIsNeverWidened(t *testing.T) {
	cases := map[string]struct {
		declared dataset.Type
		value    events.Value
		fits     bool
	}{
		"a bool is a bool":                           {dataset.Bool, boolean(1), true},
		"an int is no bool":                          {dataset.Bool, integer(1), false},
		"an int may be as wide as 64 bits":           {dataset.Int, integer(inexact), true},
		"a float is no int":                          {dataset.Int, float(1.5), false},
		"a float column takes exact ints":            {dataset.Float, integer(1), true},
		"a float column takes no int it cannot hold": {dataset.Float, integer(inexact), false},
		"a text column takes a number as text":       {dataset.Text, integer(1), true},
		"a text column takes no object":              {dataset.Text, jsonOf("{}"), false},
		"a time column takes RFC 3339":               {dataset.Time, text("2026-01-02T03:04:05.000001+01:00"), true},
		"a time column takes no other text":          {dataset.Time, text("yesterday"), false},
		"a time column takes no number":              {dataset.Time, integer(1767323045), false},
		"a JSON column takes anything":               {dataset.JSON, float(1), true},
		"null fits everywhere":                       {dataset.Int, events.Value{}, true},
	}
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			schema := dataset.Schema{Columns: []dataset.Column{{Name: "p", Type: c.declared, Declared: true}}}
			e := event("p", c.value)
			_, changed, refusal := Resolve(schema, e, dataset.Quarantine)
			if changed || (refusal == events.Refusal{}) != c.fits {
				t.Errorf("to quarantine: changed %v, refusal %v", changed, refusal)
			}
			if got := NewBuilder(schema, dataset.Quarantine).Admits(e); got != c.fits {
				t.Errorf("to quarantine: Admits = %v", got)
			}
			if _, changed, refusal := Resolve(schema, e, dataset.Keep); changed || refusal != (events.Refusal{}) {
				t.Errorf("to keep: changed %v, refusal %v", changed, refusal)
			}
			b := NewBuilder(schema, dataset.Keep)
			if !b.Admits(e) {
				t.Fatal("to keep: not admitted")
			}
			b.Append(e, 0)
			rest := &b.View().Columns[Properties]
			if kept := !rest.IsNull(0); kept == c.fits {
				t.Errorf("to keep: in the JSON column: %v", kept)
			}
		})
	}
}

func TestARefusedEventWidensNothing(t *testing.T) {
	schema := dataset.Schema{Columns: []dataset.Column{{Name: "b", Type: dataset.Int, Declared: true}}}
	e := &events.Event{
		Shape:  &events.Shape{Names: []string{"a", "b"}},
		Values: []events.Value{integer(1), text("x")},
	}
	got, changed, refusal := Resolve(schema, e, dataset.Quarantine)
	if refusal.Code != "value_conflict" || changed || !cmp.Equal(got, schema) {
		t.Errorf("Resolve = %v, %v, %v", got, changed, refusal)
	}
}

func TestResolveLeavesTheOldSchemaAlone(t *testing.T) {
	columns := make([]dataset.Column, 1, 10)
	columns[0] = dataset.Column{Name: "p", Type: dataset.Int}
	old := dataset.Schema{Columns: columns}
	for _, e := range []*events.Event{event("p", float(1.5)), event("q", integer(1)), event("r", integer(1))} {
		Resolve(old, e, dataset.Keep)
	}
	if diff := cmp.Diff([]dataset.Column{{Name: "p", Type: dataset.Int}, {}}, columns[:2]); diff != "" {
		t.Errorf("Resolve wrote to its input (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeAColumnStaysInTheJSONColumn(t *testing.T) {
	full := dataset.Schema{}
	for i := range dataset.MaxColumns {
		full.Columns = append(full.Columns, dataset.Column{Name: fmt.Sprint("c", i), Type: dataset.Int})
	}
	long := string(make([]byte, maxName+1))
	cases := map[string]struct {
		schema dataset.Schema
		name   string
	}{
		"a name past the last column":   {full, "more"},
		"the name of a fixed column":    {dataset.Schema{}, "time"},
		"an empty name":                 {dataset.Schema{}, ""},
		"a name longer than a column's": {dataset.Schema{}, long},
	}
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			e := event(c.name, text("a\"b\n\x01é\xff"))
			if _, changed, refusal := Resolve(c.schema, e, dataset.Quarantine); changed || refusal != (events.Refusal{}) {
				t.Fatalf("changed %v, refusal %v", changed, refusal)
			}
			b := NewBuilder(c.schema, dataset.Quarantine)
			if !b.Admits(e) {
				t.Fatal("not admitted")
			}
			b.Append(e, 0)
			view := b.View()
			want := "{" + string(appendString(nil, c.name)) + `:"a\"b\n\u0001é` + "\ufffd" + `"}`
			if got := string(view.Columns[Properties].Text(0)); got != want {
				t.Errorf("properties = %s, want %s", got, want)
			}
		})
	}
}

func TestNamesDifferByCase(t *testing.T) {
	e := &events.Event{Shape: &events.Shape{Names: []string{"URL", "url"}}, Values: []events.Value{text("/"), integer(1)}}
	got, _, _ := Resolve(dataset.Schema{}, e, dataset.Quarantine)
	want := []dataset.Column{{Name: "URL", Type: dataset.Text}, {Name: "url", Type: dataset.Int}}
	if diff := cmp.Diff(want, got.Columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}

func TestARepeatedNameKeepsItsFurtherValues(t *testing.T) {
	e := &events.Event{Shape: &events.Shape{Names: []string{"a", "a"}}, Values: []events.Value{integer(1), text("x")}}
	schema, _, _ := Resolve(dataset.Schema{}, e, dataset.Quarantine)
	b := NewBuilder(schema, dataset.Quarantine)
	b.Append(e, 0)
	view := b.View()
	if got := view.Columns[FirstProperty].Ints[0]; got != 1 {
		t.Errorf("column = %d, want 1", got)
	}
	if got := string(view.Columns[Properties].Text(0)); got != `{"a":"x"}` {
		t.Errorf("properties = %s", got)
	}
}
