package manifest

import (
	"context"
	"slices"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Changes returns segments among whose rows are all that came to a dataset or left it
// between a version and a state, and perhaps others. Those that are not live may have been
// deleted. Entries of which moves is true bring no row and take none: they write those
// there are anew.
func (s Store) Changes(ctx context.Context, t tenant.ID, d dataset.ID, since Version, now State, moves func(Entry) bool) ([]segment.Ref, error) {
	entries, err := s.between(ctx, t, d, since, now.Version)
	if err != nil {
		return nil, err
	}
	c := changes{refs: map[string]segment.Ref{}, movedTo: map[string][]segment.Ref{}}
	for _, ref := range now.Segments {
		c.refs[ref.Key] = ref
	}
	var touched []string
	for _, e := range entries {
		for _, ref := range e.Add {
			c.refs[ref.Key] = ref
		}
		if moves(e) {
			for _, key := range e.Remove {
				c.movedTo[key] = e.Add
			}
			continue
		}
		for _, ref := range e.Add {
			touched = append(touched, ref.Key)
		}
		touched = append(touched, e.Remove...)
	}
	if slices.ContainsFunc(touched, func(key string) bool { _, known := c.refs[key]; return !known }) {
		if err := s.recall(ctx, t, d, since, c.refs); err != nil {
			return nil, err
		}
	}
	live := map[string]bool{}
	for _, ref := range now.Segments {
		live[ref.Key] = true
	}
	for _, key := range touched {
		c.follow(key, live)
	}
	return c.found, nil
}

// changes finds where rows are that were touched.
type changes struct {
	refs    map[string]segment.Ref   // all that are known
	movedTo map[string][]segment.Ref // by the segment that was written anew
	found   []segment.Ref
	seen    map[string]bool
}

// follow finds a segment, or those into which its rows were moved.
func (c *changes) follow(key string, live map[string]bool) {
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	if c.seen[key] {
		return
	}
	c.seen[key] = true
	to, moved := c.movedTo[key]
	if live[key] || !moved {
		if ref := c.refs[key]; ref.Kind == segment.Rows {
			c.found = append(c.found, ref)
		}
		return
	}
	for _, ref := range to {
		c.follow(ref.Key, live)
	}
}

// recall adds the segments that entries through a version added.
func (s Store) recall(ctx context.Context, t tenant.ID, d dataset.ID, through Version, refs map[string]segment.Ref) error {
	entries, err := s.between(ctx, t, d, 0, through)
	for _, e := range entries {
		for _, ref := range e.Add {
			refs[ref.Key] = ref
		}
	}
	return err
}

// between returns the entries behind a version, through another.
func (s Store) between(ctx context.Context, t tenant.ID, d dataset.ID, after, through Version) (all []Entry, err error) {
	q := table.Query{Partition: checkpoint.Partition(t, d), Prefix: "log#", From: logKey(t, d, after+1).Sort}
	for after < through {
		page, err := s.Table.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			e, err := s.entry(ctx, item)
			if err != nil {
				return nil, err
			}
			if e.Version > through {
				return all, nil
			}
			all = append(all, e)
		}
		if q.Next = page.Next; q.Next == "" {
			break
		}
	}
	return all, nil
}
