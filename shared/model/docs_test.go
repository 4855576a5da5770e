package model_test

import (
	"context"
	"database/sql"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/model/distribute"
	"github.com/tarnhq/tarn/shared/sqlgate"
)

const page = "../../docs/models.md"

var (
	block   = regexp.MustCompile("(?ms)^```(?:sql|yaml)\n(?:--|#) (\\S+)\n(.*?)^```$")
	fence   = regexp.MustCompile("(?m)^```[a-z]+$")
	refused = regexp.MustCompile("(?m)^\\| `(.+?)` \\| (.+?) \\| (.*?) ?\\|$")
)

// sources are the datasets of the page.
var sources = map[string]distribute.Source{
	"shop":     {Columns: []string{"time", "user_id", "country", "amount"}},
	"refunds":  {Columns: []string{"time", "user_id", "amount"}},
	"rates":    {Columns: []string{"country", "name", "rate", "since"}},
	"invoices": {Columns: []string{"paid_at", "amount"}},
}

func text(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func tree(t *testing.T, statement string) map[string]any {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	q, err := sqlgate.Read(t.Context(), conn, statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return q.Tree
}

// keyed are the sources of a model, with what tells the parts of each.
func keyed(m model.Model, all map[string]distribute.Source) map[string]distribute.Source {
	out := map[string]distribute.Source{}
	for _, name := range m.Inputs() {
		s := all[string(name)]
		for _, key := range []string{m.Incremental.On[string(name)], m.Incremental.Column, dataset.ColumnTime} {
			if !slices.Contains(m.Incremental.Whole, name) && slices.Contains(s.Columns, key) {
				s.Key = key
				break
			}
		}
		out[string(name)] = s
	}
	return out
}

func TestTheModelsOfThePageAreAFolderThatCanBeBuiltByParts(t *testing.T) {
	files := model.Files{}
	for _, b := range block.FindAllStringSubmatch(text(t), -1) {
		files[b[1]] = b[2]
	}
	if fences := len(fence.FindAllString(text(t), -1)); len(files) != fences || fences < 5 {
		t.Fatalf("%d files are read of %d blocks", len(files), fences)
	}
	p, err := model.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]distribute.Source{}
	for name, s := range sources {
		all[name] = s
	}
	for _, m := range p.Models {
		columns, err := distribute.Of(tree(t, m.SQL), keyed(m, all), m.Incremental.Grain)
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		var made distribute.Source
		parted := false
		for _, c := range columns {
			made.Columns = append(made.Columns, c.Name)
			parted = parted || c.Key && c.Name == m.Incremental.Column
		}
		if all[string(m.Name)] = made; !parted {
			t.Errorf("%s: column %q does not tell the part", m.Name, m.Incremental.Column)
		}
	}
}

func TestWhatThePageSaysIsRefusedIs(t *testing.T) {
	byDay := map[string]distribute.Source{}
	for name, s := range sources {
		if name == "shop" || name == "refunds" {
			s.Key = dataset.ColumnTime
		}
		byDay[name] = s
	}
	rows := refused.FindAllStringSubmatch(text(t), -1)
	if len(rows) < 10 {
		t.Fatalf("the page tells of %d", len(rows))
	}
	for _, row := range rows {
		_, err := distribute.Of(tree(t, row[1]), byDay, model.Day)
		var known *fault.Error
		if e, ok := err.(*fault.Error); ok {
			known = e
		}
		if known == nil || !strings.HasPrefix(known.Message, row[2]) || !strings.HasPrefix(known.Hint, row[3]) || row[3] == "" && known.Hint != "" {
			t.Errorf("%s: %v, want %s (%s)", row[1], err, row[2], row[3])
		}
	}
}

func TestThePageNamesEachLimitAsItIs(t *testing.T) {
	if model.MaxModels != 200 || model.MaxFiles != 400 || model.MaxText != 192<<10 || !strings.Contains(text(t), "200 models, 400 files, 192 KB of text") {
		t.Error("the page and the limits differ")
	}
}
