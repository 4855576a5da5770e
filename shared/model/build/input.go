package build

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/model"
	"github.com/tarnhq/tarn/shared/model/distribute"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/sqlgate"
)

// input is a dataset that a model reads, pinned.
type input struct {
	visible engine.Visible
	columns []dataset.Column // as SQL sees them
	// moved are segments that came or went and are not in the log: of a result that is tried
	// and not committed.
	moved []segment.Ref
}

func inputOf(over snapshot.Snapshot) *input {
	v := engine.Visible{Snapshot: over, View: whole(over).View}
	in := &input{visible: v, columns: slices.Clone(v.View.Columns())}
	for i, name := range engine.ViewNames(in.columns) {
		in.columns[i].Name = name
	}
	return in
}

func (in *input) column(name string) (dataset.Column, bool) {
	i := slices.IndexFunc(in.columns, func(c dataset.Column) bool { return strings.EqualFold(c.Name, name) })
	if i < 0 {
		return dataset.Column{}, false
	}
	return in.columns[i], true
}

// shape is how a model is parted.
type shape struct {
	keys map[dataset.Name]string // by input: the column that tells the part of a row; absent: it is read whole
}

// shapeOf finds what tells the parts of a model's inputs, and checks that the SQL
// distributes over them.
func shapeOf(m model.Model, q sqlgate.Query, inputs map[dataset.Name]*input) (shape, error) {
	s := shape{keys: map[dataset.Name]string{}}
	if m.Incremental == nil {
		return s, nil
	}
	sources := map[string]distribute.Source{}
	for _, name := range q.Datasets {
		key, err := keyOf(m, name, inputs[name])
		if err != nil {
			return s, err
		}
		if key != "" {
			s.keys[name] = key
		}
		source := distribute.Source{Key: key}
		for _, c := range inputs[name].columns {
			source.Columns = append(source.Columns, c.Name)
		}
		sources[string(name)] = source
	}
	columns, err := distribute.Of(q.Tree, sources, m.Incremental.Grain)
	if err != nil {
		return s, err
	}
	if !slices.ContainsFunc(columns, func(c distribute.Column) bool { return c.Key && strings.EqualFold(c.Name, m.Incremental.Column) }) {
		return s, fault.New(fault.Invalid, "not_distributive", "column %q of the result does not tell which part of the inputs a row is of", m.Incremental.Column).
			WithHint("it must be the inputs' own column, or their time cut with date_trunc to at most the grain; or build the model in full")
	}
	return s, nil
}

// keyOf returns the column of an input that tells the part of a row; empty: the input is not
// parted.
func keyOf(m model.Model, name dataset.Name, in *input) (string, error) {
	i := m.Incremental
	if slices.Contains(i.Whole, name) {
		return "", nil
	}
	said, explicit := i.On[string(name)]
	candidates := []string{said}
	if !explicit {
		if candidates = []string{i.Column}; i.Grain != "" {
			candidates = []string{i.Column, cmp.Or(in.visible.Dataset.Settings.TimeColumn, dataset.ColumnTime)}
		}
	}
	for _, candidate := range candidates {
		c, ok := in.column(candidate)
		switch {
		case !ok:
		case i.Grain != "" && c.Type == dataset.Time,
			i.Grain == "" && (c.Type == dataset.Text || c.Type == dataset.Int || c.Type == dataset.Bool):
			return c.Name, nil
		case explicit || i.Grain == "":
			return "", fault.New(fault.Invalid, "bad_model", "column %q of %q is %s, and does not tell parts", c.Name, name, c.Type).
				WithHint("parts are told by a time, with a grain, or by a text, a whole number or a truth value")
		}
	}
	if explicit {
		return "", fault.New(fault.Invalid, "bad_model", "%q has no column %q", name, said)
	}
	return "", nil
}
