package build

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/tests/fake"
)

// counting counts the rows of the files that a model's statement is given to read.
type counting struct {
	SQL
	text string
	rows *int64
}

func (c counting) Stream(ctx context.Context, s engine.Statement, each func([]query.Column, [][]query.Value) error) error {
	if open := s.Open; strings.Contains(s.SQL, c.text) {
		s.Open = func(ctx context.Context, name dataset.Name) (engine.Visible, error) {
			v, err := open(ctx, name)
			for _, ref := range v.Segments {
				*c.rows += ref.Rows
			}
			return v, err
		}
	}
	return c.SQL.Stream(ctx, s, each)
}

func TestABuildByPartsReadsOnlyFilesThatMayHoldRowsOfThem(t *testing.T) {
	for grain, want := range map[string]int64{"hour": 5, "day": 5, "month": 6} {
		blobs := &fake.Blobs{}
		var read int64
		w := newWorld(t, blobs, counting{newDirect(t, blobs), "count(*) as n", &read}) // a row at hour 0
		p := project(t, model.Files{
			"m.sql": "select date_trunc('" + grain + "', time) as at, count(*) as n from {{ source('web') }} group by 1",
			"m.yml": "models: [{name: m, incremental: {by: at, grain: " + grain + "}}]",
		})
		w.send(t, visit{"u1", 5, 1, "view"}, visit{"u1", 24 * 40, 1, "view"}) // files hold rows of several days
		w.send(t, visit{"u2", 24 * 3, 1, "view"})
		w.send(t, visit{"u3", 24 * 60, 1, "view"})
		w.build(t, p, "first")
		w.send(t, visit{"u4", 5, 1, "view"}, visit{"u4", 5, 1, "view"})
		read = 0
		if got := w.build(t, p, "second")["m"]; got.Full || got.Parts != 1 {
			t.Errorf("%s: %+v", grain, got)
		}
		if read != want {
			t.Errorf("for one %s of files with 7 rows, those with %d rows were read; want %d", grain, read, want)
		}
	}
}

// TestTimesThatWereCopiedFromAnotherColumnTellNoParts has a table whose rows have their times
// from one column, and later ones from another.
func TestTimesThatWereCopiedFromAnotherColumnTellNoParts(t *testing.T) {
	blobs := &fake.Blobs{}
	w := newWorld(t, blobs, newDirect(t, blobs))
	at := func(column string) {
		if _, err := w.catalog().Update(t.Context(), owner, "orders", dataset.Change{Settings: &dataset.Settings{TimeColumn: column}}); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if w.users, err = w.catalog().Create(t.Context(), owner, dataset.Spec{Name: "orders", Kind: dataset.Table}); err != nil {
		t.Fatal(err)
	}
	days := func(name string, hours ...int64) rows.Column {
		c := rows.Column{Column: dataset.Column{Name: name, Type: dataset.Time}}
		for _, h := range hours {
			c.Ints = append(c.Ints, h*3600_000_000)
		}
		return c
	}
	for _, column := range []string{"placed", "paid"} {
		at(column)
		if w.users, err = w.catalog().Get(t.Context(), owner, "orders"); err != nil {
			t.Fatal(err)
		}
		w.load(t, load.Append, load.Part{Rows: rows.Batch{Columns: []rows.Column{days("placed", 0, 24), days("paid", 48, 72)}, Len: 2}})
	}
	files := model.Files{
		"m.sql": "select date_trunc('day', paid) as day, count(*) as n from {{ source('orders') }} group by 1",
		"m.yml": "models: [{name: m, incremental: {by: day, grain: day}}]",
	}
	w.build(t, project(t, files), "first")
	w.load(t, load.Append, load.Part{Rows: rows.Batch{Columns: []rows.Column{days("placed", 24), days("paid", 48)}, Len: 1}})
	if got := w.build(t, project(t, files), "second")["m"]; got.Full || got.Parts != 1 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]string{`"1970-01-03T00:00:00Z" 3`, `"1970-01-04T00:00:00Z" 2`}, w.ask(t, "select day, n from m")); diff != "" {
		t.Error(diff)
	}
	files["m.sql"] = strings.ReplaceAll(files["m.sql"], "paid", "time")
	if _, err := w.builder(w.table, w.blobs).Build(t.Context(), owner, project(t, files).Models[0], Order{ID: "third"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("the rows' times do not tell what day they were paid: %v", err)
	}
}
