package segment

import "context"

// Lookup asks some segments of one dataset for ids.
type Lookup struct {
	cache *Cache
	asked []asked
	may   []bool // memory of Stored
}

type asked struct {
	ref   Ref
	era   int64  // when the cache learned its ids; zero: not
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

// Stored sets found for those ids that a segment holds. It asks one segment after the
// other for all ids: a filter asked for many in a row stays near the processor.
func (l *Lookup) Stored(ctx context.Context, ids []ID, found []bool) error {
	if len(l.asked) == 0 {
		return nil
	}
	l.may = append(l.may[:0], make([]bool, len(ids))...)
	since, any := l.cache.learned.recall(l.asked[0].ref, ids, l.may)
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
			if found[k] || learned && !l.may[k] || !a.index.MayContain(&ids[k]) {
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
