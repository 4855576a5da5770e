package query

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

func TestASelectionWithoutColumnsHasThemAll(t *testing.T) {
	s, err := DecodeSelection([]byte(`{"dataset":"web","filter":{"column":"n","op":">","value":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := BindSelection(s, Whole(dataset.Events, dataset.Schema{Columns: []dataset.Column{{Name: "n", Type: dataset.Int}}}), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range p.Columns() {
		names = append(names, c.Name)
	}
	want := []string{"event_id", "event", "time", "received_at", "user_id", "anonymous_id", "session_id", "properties", "n"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if p.Filter == nil || p.Filter.Node != NodeMore {
		t.Errorf("filter %+v", p.Filter)
	}
}

func TestAColumnOfASelectionMayBeADefinedDimension(t *testing.T) {
	s, err := DecodeSelection([]byte(`{"dataset":"web","columns":["page","n"]}`))
	if err != nil {
		t.Fatal(err)
	}
	named := Definitions{"page": {Version: 3, Dimension: &Dimension{Column: "url"}}, "n": {Version: 1, Dimension: &Dimension{Column: "url"}}}
	schema := dataset.Schema{Columns: []dataset.Column{{Name: "url", Type: dataset.Text}, {Name: "n", Type: dataset.Int}}}
	p, err := BindSelection(s, Whole(dataset.Events, schema), named)
	if err != nil {
		t.Fatal(err)
	}
	want := []Group{{Name: "page", Field: Field{Name: "url", Type: dataset.Text}}, {Name: "n", Field: Field{Name: "n", Type: dataset.Int}}}
	if diff := cmp.Diff(want, p.Fields); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Used{{"page", 3}}, p.Definitions); diff != "" {
		t.Errorf("used (-want +got):\n%s", diff)
	}
}

func TestASelectionIsReadStrictly(t *testing.T) {
	for name, c := range map[string]struct{ body, says string }{
		"no dataset":          {`{}`, "dataset"},
		"measures":            {`{"dataset":"web","measures":["count"]}`, "measures"},
		"a column of a kind":  {`{"dataset":"web","columns":[1]}`, "columns[0]"},
		"an unknown column":   {`{"dataset":"web","columns":["x"]}`, "columns[0]"},
		"a column twice":      {`{"dataset":"web","columns":["event","event"]}`, "event"},
		"a grain":             {`{"dataset":"web","time":{"grain":"day"}}`, "grain"},
		"a filter of no type": {`{"dataset":"web","filter":{"column":"time","op":"=","value":"x"}}`, "filter"},
		"an audience":         {`{"dataset":"web","filter":{"not":{"audience":"a"}}}`, "audience"},
	} {
		s, err := DecodeSelection([]byte(c.body))
		if err == nil {
			_, err = BindSelection(s, Whole(dataset.Events, dataset.Schema{}), nil)
		}
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
