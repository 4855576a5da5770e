package mongodb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// collection is what the server says of one.
type collection struct {
	Name    string `bson:"name"`
	Type    string `bson:"type"` // collection, view or timeseries
	Options struct {
		Capped    bool     `bson:"capped"`
		Collation bson.Raw `bson:"collation"`
	} `bson:"options"`
}

func (c collection) plain() bool { return c.Type == "collection" && !c.Options.Capped }

func (c collection) collated() bool { return c.Options.Collation != nil }

// collections lists those of the database, but for the server's own.
func (s *Source) collections(ctx context.Context, filter bson.D) (all []collection, err error) {
	command := bson.D{{Key: "listCollections", Value: 1}, {Key: "filter", Value: filter}, {Key: "cursor", Value: bson.D{}}, {Key: "maxTimeMS", Value: askTime.Milliseconds()}}
	err = s.each(ctx, command, func(doc bson.Raw) (bool, error) {
		var c collection
		if err := bson.Unmarshal(doc, &c); err != nil {
			return false, fmt.Errorf("a collection's description: %w", err)
		}
		if !strings.HasPrefix(c.Name, "system.") {
			all = append(all, c)
		}
		return true, nil
	})
	return all, err
}

func (s *Source) collection(ctx context.Context, name string) (collection, error) {
	all, err := s.collections(ctx, bson.D{{Key: "name", Value: name}})
	if err != nil {
		return collection{}, err
	}
	if len(all) == 0 {
		return collection{}, fault.New(fault.NotFound, "unknown_table", "the database has no collection %.80q", name).WithHint("GET …/tables lists those there are")
	}
	return all[0], nil
}

// What is looked at for discovery.
const (
	sampled     = 100 // documents of a collection
	sampledMost = 200 // collections; of others the columns are not shown
)

// Discover implements connector.Source. Collections have no columns: those of their first
// documents are shown.
func (s *Source) Discover(ctx context.Context) ([]connector.Relation, error) {
	found, err := s.collections(ctx, bson.D{})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b collection) int { return strings.Compare(a.Name, b.Name) })
	all := make([]connector.Relation, len(found))
	for i, c := range found {
		all[i] = connector.Relation{Table: c.Name, Columns: []connector.Column{}, Key: []string{idField}}
		if i >= sampledMost {
			continue
		}
		if all[i].Columns, err = s.sample(ctx, c.Name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// sample describes the fields of a collection's first documents.
func (s *Source) sample(ctx context.Context, name string) ([]connector.Column, error) {
	all, at, types := []connector.Column{}, map[string]int{}, map[string][]string{}
	f := find{limit: sampled, within: askTime}
	err := s.each(ctx, f.command(name), func(doc bson.Raw) (bool, error) {
		elements, err := check(doc)
		if err != nil {
			return true, nil // it would go to quarantine
		}
		for _, e := range elements {
			name, v := e.Key(), e.Value()
			c, ok := columnOf(v)
			if !ok || len(at) >= dataset.MaxColumns {
				continue
			}
			if _, known := at[name]; !known {
				at[name] = len(all)
				all = append(all, connector.Column{Name: name, Becomes: c.Type, Nullable: name != idField})
			}
			column := &all[at[name]]
			column.Becomes = dataset.Widen(column.Becomes, c.Type)
			if kind := v.Type.String(); !slices.Contains(types[name], kind) {
				types[name] = append(types[name], kind)
			}
		}
		return true, nil
	})
	for i := range all {
		all[i].Type = strings.Join(types[all[i].Name], ", ")
	}
	return all, err
}
