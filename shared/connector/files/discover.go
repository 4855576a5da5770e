package files

import (
	"context"
	"maps"
	"path"
	"slices"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tabular"
)

// Bounds of what is looked at to tell of tables.
const (
	maxFound  = 1000     // files
	maxLooked = 25       // tables of which the columns are told
	maxLook   = 32 << 20 // bytes of a file that would be fetched whole for it
)

// Discover implements connector.Source. Files of one folder are a table, whose columns are
// those of the latest of them; those of the folder itself are one each.
func (s *Source) Discover(ctx context.Context) ([]connector.Relation, error) {
	all, err := s.folder.list(ctx, "", maxFound)
	if err != nil {
		return nil, err
	}
	latest := map[string]entry{}
	for _, e := range all[:min(len(all), maxFound)] {
		table := path.Dir(e.name)
		if table == "." {
			table = e.name
		}
		if !matches(table, e.name) {
			continue
		}
		if was, ok := latest[table]; !ok || e.modified.After(was.modified) || e.modified.Equal(was.modified) && e.name > was.name {
			latest[table] = e
		}
	}
	var found []connector.Relation
	for _, table := range slices.Sorted(maps.Keys(latest)) {
		r := connector.Relation{Table: table, Columns: []connector.Column{}, Key: s.keyOf(table)}
		if len(found) < maxLooked {
			if r.Columns, err = s.columns(ctx, latest[table]); err != nil {
				return nil, err
			}
		}
		found = append(found, r)
	}
	return found, nil
}

// keyOf returns the key that a table has by its connector: files tell of none.
func (s *Source) keyOf(table string) []string {
	at := slices.IndexFunc(s.tables, func(t connector.Table) bool { return t.Table == table })
	if at < 0 {
		return nil
	}
	return s.tables[at].Key
}

// columns tells the columns of a file. One that nobody understands has none.
func (s *Source) columns(ctx context.Context, e entry) ([]connector.Column, error) {
	all := []connector.Column{}
	_, ranges := s.folder.(*bucket)
	if !ranges {
		there, err := s.folder.stat(ctx, []entry{e})
		if err != nil || len(there) == 0 || there[0].size > maxLook {
			return all, err
		}
	}
	c, err := s.folder.open(ctx, e)
	if err != nil {
		return all, err
	}
	defer c.close()
	if c.Size() == 0 {
		return all, nil
	}
	look, err := tabular.Look(ctx, c, e.name, s.options, 0, nil)
	if fault.Is(err, fault.Invalid) {
		return all, nil
	}
	for _, c := range look.Columns {
		all = append(all, connector.Column{Name: c.Name, Type: string(look.Options.Format), Becomes: c.Type, Nullable: true})
	}
	return all, err
}
