package segment

import (
	"context"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment/columnfile"
)

// Probe is the hash that Bloom filters hold of a text.
func Probe(text string) uint64 { return xxhash.Sum64String(text) }

// Subject is somebody whose rows are looked for, known by hashes alone.
type Subject struct {
	Probes []uint64             // of the ids that they have
	Is     func(id string) bool // of ids with one of the Probes
}

// Named reports whether an id is one of the subject's.
func (s Subject) Named(id string) bool { return slices.Contains(s.Probes, Probe(id)) && s.Is(id) }

// is reports whether a row of a column holds the subject.
func (s Subject) is(c *rows.Column, row int) bool {
	return !c.IsNull(row) && slices.Contains(s.Probes, xxhash.Sum64(c.Text(row))) && s.Is(string(c.Text(row)))
}

// Holds reports whether a batch's row is the subject's.
func (s Subject) Holds(batch rows.Batch, row int) bool {
	for i := range batch.Columns {
		if c := &batch.Columns[i]; c.Type == dataset.Text && dataset.IsSubject(c.Name) && s.is(c, row) {
			return true
		}
	}
	return false
}

// Has reports whether a segment of rows has one of the subject's. Bloom filters are
// asked first, where a column has them.
func (c *Cache) Has(ctx context.Context, ref Ref, s Subject) (bool, error) {
	f, err := c.file(ctx, ref)
	if err != nil {
		return false, err
	}
	for _, name := range ref.subjectColumns() {
		for group := range f.Groups() {
			if has, err := c.groupHas(ctx, ref, f, group, name, s); has || err != nil {
				return has, err
			}
		}
	}
	return false, nil
}

// subjectColumns are the names in the file of the columns that say who a row is about.
func (r Ref) subjectColumns() (names []string) {
	if !r.Table {
		return []string{dataset.ColumnUserID, dataset.ColumnAnonymousID}
	}
	for _, c := range r.Columns {
		if c.Type == dataset.Text && dataset.IsSubject(c.Name) {
			names = append(names, PhysicalName(c.Name))
		}
	}
	return names
}

func (c *Cache) groupHas(ctx context.Context, ref Ref, f *columnfile.File, group int, name string, s Subject) (bool, error) {
	if at := f.FilterRange(group, name); at.Length > 0 {
		raw, err := c.fetch(ctx, ref, at.Offset, at.Length)
		if err != nil {
			return false, err
		}
		may := false
		for _, probe := range s.Probes {
			has, err := columnfile.FilterMayContain(raw, probe)
			if err != nil {
				return false, broken(ref, err, "the filter of column %q", name)
			}
			may = may || has
		}
		if !may {
			return false, nil
		}
	}
	column := rows.Column{Column: dataset.Column{Type: dataset.Text}}
	if err := c.column(ctx, ref, f, group, name, columnfile.Text, &column); err != nil {
		return false, err
	}
	for row := range column.Ends {
		if s.is(&column, row) {
			return true, nil
		}
	}
	return false, nil
}

// BodyHas reports whether the bytes of a segment that nothing describes, the file of a
// commit that never came, hold a row of the subject's, or a quarantined text that mentions
// it. What cannot be read has nothing.
func BodyHas(body []byte, s Subject, mentions func(text []byte) bool) bool {
	f, err := columnfile.Open(body, int64(len(body)))
	if err != nil {
		return false
	}
	holds := func(c *rows.Column, row int) bool { return s.is(c, row) }
	for _, name := range []string{dataset.ColumnUserID, dataset.ColumnAnonymousID, PhysicalName(dataset.ColumnUserID), PhysicalName(dataset.ColumnAnonymousID)} {
		if bodyColumn(f, body, name, columnfile.Text, holds) {
			return true
		}
	}
	return bodyColumn(f, body, rawColumn, columnfile.Bytes, func(c *rows.Column, row int) bool { return mentions(c.Text(row)) })
}

// bodyColumn reports whether a test holds of a row of a column, if there is one of that
// form.
func bodyColumn(f *columnfile.File, body []byte, name string, form columnfile.Form, test func(*rows.Column, int) bool) bool {
	for group := range f.Groups() {
		offset, length, err := f.Range(group, name)
		if err != nil {
			return false
		}
		column := rows.Column{Column: dataset.Column{Type: dataset.Text}}
		if f.Decode(group, name, form, body[offset:offset+length], &column) != nil {
			return false
		}
		for row := range column.Ends {
			if test(&column, row) {
				return true
			}
		}
	}
	return false
}
