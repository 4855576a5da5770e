package segment

import (
	"context"
	"slices"
)

// Lookup asks some segments of one dataset for ids.
type Lookup struct {
	cache *Cache
	asked []asked
}

type asked struct {
	ref   Ref
	era   Era    // that its ids were met in
	index *Index // nil until it is needed: of a learned segment it may never be
}

// Lookup prepares to ask segments of one dataset.
func (c *Cache) Lookup(refs []Ref) *Lookup {
	l := &Lookup{cache: c}
	for _, ref := range refs {
		l.asked = append(l.asked, asked{ref: ref, era: c.learned.of(ref.Key)})
	}
	return l
}

// Stored sets found for those ids that a segment holds; may and since are of Met, the
// one in the order of the ids. It asks one segment after the other for all ids: a
// filter asked for many in a row stays near the processor.
func (l *Lookup) Stored(ctx context.Context, ids []ID, may []bool, since Era, found []bool) error {
	any := slices.Contains(may, true)
	for i := range l.asked {
		a := &l.asked[i]
		learned := a.era >= since
		if learned && !any {
			continue
		}
		if err := l.open(ctx, a); err != nil {
			return err
		}
		for k := range ids {
			if found[k] || learned && !may[k] || !a.index.MayContain(&ids[k]) {
				continue
			}
			var err error
			if found[k], err = a.index.Contains(ctx, &ids[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Lookup) open(ctx context.Context, a *asked) (err error) {
	if a.index == nil {
		a.index, err = l.cache.Index(ctx, a.ref)
	}
	return err
}
