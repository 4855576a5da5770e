package httpjson

import (
	"context"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// Discover implements connector.Source. An API does not say what it has: the columns are
// those of the first page of each table that the connector names, and the key is what it
// was told to be. A table that is not there is left out.
func (s *Source) Discover(ctx context.Context) (all []connector.Relation, err error) {
	for _, t := range s.tables {
		columns, err := s.columns(ctx, t)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, connector.Relation{Table: t.Table, Columns: columns, Key: t.Key})
	}
	return all, nil
}

func (s *Source) columns(ctx context.Context, t connector.Table) (all []connector.Column, err error) {
	p, err := s.first(ctx, t)
	if err != nil {
		return nil, err
	}
	batches, err := parts(ctx, t.Table, p.items)
	if err != nil || len(batches) == 0 {
		return nil, err
	}
	for _, c := range batches[len(batches)-1].Rows.Columns {
		all = append(all, connector.Column{Name: c.Name, Type: jsonTypes[c.Type], Becomes: c.Type, Nullable: true})
	}
	return all, nil
}

// jsonTypes are the types of JSON that become those of a dataset.
var jsonTypes = map[dataset.Type]string{
	dataset.Bool: "boolean", dataset.Int: "number", dataset.Float: "number", dataset.Text: "string", dataset.Time: "string", dataset.JSON: "object or array",
}
