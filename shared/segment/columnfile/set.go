package columnfile

import "github.com/tarnhq/tarn/shared/rows"

// Set is the set of the values of a text or UUID column of a row group.
type Set struct {
	uuid bool
	dict dictionary
}

// NewSet makes the set of a column that Decode read in that form. No value is null.
func NewSet(form Form, column *rows.Column) *Set {
	s := &Set{uuid: form == UUID}
	s.dict.reset()
	for row := range column.Ends {
		text := column.Text(row)
		if id, ok := ParseUUID(text); s.uuid && ok {
			text = id[:]
		}
		s.dict.addText(text)
	}
	return s
}

// Has reports whether a value is in the set: a text, or the 16 bytes of a UUID.
func (s *Set) Has(value []byte) bool { return s.dict.find(value) }

// Memory is about the bytes of memory that s takes.
func (s *Set) Memory() int64 {
	return int64(4*cap(s.dict.slots) + 8*cap(s.dict.hashes) + cap(s.dict.text) + 4*cap(s.dict.ends))
}
