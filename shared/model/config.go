package model

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"github.com/tarnhq/tarn/shared/dataset"
)

// described is what a .yml says. Its words are those of dbt where dbt has one.
type described struct {
	Models []description `yaml:"models"`
}

type description struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	Incremental *struct {
		By    string            `yaml:"by"`
		Grain string            `yaml:"grain"`
		On    map[string]string `yaml:"on"`
		Whole []string          `yaml:"whole"`
	} `yaml:"incremental"`
	Run        string `yaml:"run"`
	RowFilters string `yaml:"row_filters"`
	Columns    []struct {
		Name        string `yaml:"name"`
		Description string `yaml:"description"`
		Tests       []any  `yaml:"tests"`
	} `yaml:"columns"`
	Tests []struct {
		Name string `yaml:"name"`
		SQL  string `yaml:"sql"`
	} `yaml:"tests"`
}

// configure reads a .yml into the models that it describes.
func configure(file, text string, models map[dataset.Name]*Model, said map[dataset.Name]string) error {
	d, err := describedIn(file, text)
	if err != nil {
		return err
	}
	for _, of := range d.Models {
		m := models[dataset.Name(of.Name)]
		if m == nil {
			return bad(file, "there is no model %q", clip(of.Name)).WithHint("its SQL stands in a file of its name: %s.sql", clip(of.Name))
		}
		if said[m.Name] != "" {
			return bad(file, "model %q is described twice: %s does it, too", m.Name, said[m.Name])
		}
		said[m.Name] = file
		if err := m.describe(file, of); err != nil {
			return err
		}
	}
	return nil
}

func describedIn(file, text string) (d described, err error) {
	if slices.ContainsFunc(lexer.Tokenize(text), func(t *token.Token) bool { return t.Type == token.AnchorType || t.Type == token.AliasType }) {
		return d, bad(file, "anchors and aliases are not read").WithHint("write it out: an alias of aliases has no bound")
	}
	decoder := yaml.NewDecoder(strings.NewReader(text), yaml.DisallowUnknownField())
	if err := decoder.Decode(&d); err != nil && !errors.Is(err, io.EOF) {
		var e yaml.Error
		if errors.As(err, &e) {
			return d, bad(file, "line %d: %s", e.GetToken().Position.Line, e.GetMessage())
		}
		return d, bad(file, "%s", clip(err.Error()))
	}
	return d, nil
}

// describe takes what a file says of the model.
func (m *Model) describe(file string, of description) (err error) {
	m.Description = of.Description
	if m.Cadence, err = oneOf(file, m.Name, "run", Cadence(of.Run), Manual, Cadences); err != nil {
		return err
	}
	if m.Released, err = released(file, m.Name, of.RowFilters); err != nil {
		return err
	}
	if i := of.Incremental; i != nil {
		if m.Incremental, err = incremental(file, m, i.By, Grain(i.Grain), i.On, i.Whole); err != nil {
			return err
		}
	}
	for _, c := range of.Columns {
		column := Column{Name: c.Name, Description: c.Description}
		for _, t := range c.Tests {
			test, err := testOf(file, m.Name, t)
			if err != nil {
				return err
			}
			column.Tests = append(column.Tests, test)
		}
		m.Columns = append(m.Columns, column)
	}
	for i, t := range of.Tests {
		q, err := queryOf(file, m.Name, i, t.Name, t.SQL)
		if err != nil {
			return err
		}
		m.Queries = append(m.Queries, q)
	}
	return nil
}

func oneOf[T ~string](file string, of dataset.Name, what string, v, absent T, known []T) (T, error) {
	if v == "" {
		return absent, nil
	}
	if !slices.Contains(known, v) {
		return v, bad(file, "model %q: %s is one of %v, and not %q", of, what, known, clip(string(v)))
	}
	return v, nil
}

func released(file string, of dataset.Name, text string) (bool, error) {
	switch text {
	case "", "inherited":
		return false, nil
	case "released":
		return true, nil
	}
	return false, bad(file, "model %q: row_filters is inherited or released, and not %q", of, clip(text))
}

func incremental(file string, m *Model, by string, grain Grain, on map[string]string, whole []string) (*Incremental, error) {
	if by == "" {
		return nil, bad(file, "model %q: incremental needs the column of the result that tells its parts", m.Name).
			WithHint("by time: {by: day, grain: day}; by key: {by: user_id}")
	}
	if _, err := oneOf(file, m.Name, "grain", grain, "", Grains); err != nil {
		return nil, err
	}
	out := &Incremental{Column: by, Grain: grain, On: on}
	inputs := m.Inputs()
	for _, w := range whole {
		out.Whole = append(out.Whole, dataset.Name(w))
	}
	for name := range on {
		whole = append(whole, name)
	}
	for _, name := range whole {
		if !slices.Contains(inputs, dataset.Name(name)) {
			return nil, bad(file, "model %q does not read %q", m.Name, clip(name))
		}
	}
	return out, nil
}

var refText = regexp.MustCompile(`^(?:ref|source)\(['"]([a-z0-9_]+)['"]\)$`)

// testOf reads a test of a column.
func testOf(file string, of dataset.Name, v any) (Test, error) {
	switch v := v.(type) {
	case string:
		switch v {
		case "not_null":
			return Test{NotNull: true}, nil
		case "unique":
			return Test{Unique: true}, nil
		}
	case map[string]any:
		if len(v) != 1 {
			break
		}
		if a, ok := v["accepted_values"].(map[string]any); ok {
			if values, ok := a["values"].([]any); ok && len(a) == 1 && len(values) > 0 && !slices.ContainsFunc(values, nested) {
				return Test{Accepted: values}, nil
			}
		}
		if r, ok := v["relationships"].(map[string]any); ok && len(r) == 2 {
			to, _ := r["to"].(string)
			field, _ := r["field"].(string)
			if m := refText.FindStringSubmatch(to); m != nil && field != "" {
				return Test{Related: &Relation{To: dataset.Name(m[1]), Field: field}}, nil
			}
		}
	}
	return Test{}, bad(file, "model %q: %s is no test of a column", of, clip(yamlText(v))).
		WithHint("not_null, unique, accepted_values: {values: [a, b]} or relationships: {to: ref('users'), field: id}")
}

func nested(v any) bool {
	switch v.(type) {
	case string, bool, uint64, int64, float64:
		return false
	}
	return true
}

func yamlText(v any) string {
	text, err := yaml.Marshal(v)
	if err != nil {
		return "this"
	}
	return string(bytes.TrimSpace(text))
}

// queryOf reads a test that is a query.
func queryOf(file string, of dataset.Name, i int, name, text string) (Query, error) {
	if strings.TrimSpace(text) == "" {
		return Query{}, bad(file, "model %q: test %d has no sql", of, i+1).WithHint("a SELECT that must return nothing")
	}
	if name == "" {
		name = "test " + string(rune('1'+i%9))
	}
	sql, refs, sources, err := expand(file, text)
	return Query{Name: name, SQL: sql, Refs: sorted(append(refs, sources...))}, err
}
