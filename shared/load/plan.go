package load

import (
	"context"
	"encoding/json"
	"iter"
	"unicode/utf8"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/table"
)

// ID names a load among those of its dataset, for ever: 1 to 200 bytes of UTF-8.
type ID string

// Mode is what a load does to the rows that are there.
type Mode string

// The modes.
const (
	Append  Mode = "append"  // they stay
	Replace Mode = "replace" // all of them go, and what is in quarantine
	Upsert  Mode = "upsert"  // those with a key that the load has go
	Restate Mode = "restate" // those of the parts that the load is of go
)

// Plan is a load.
type Plan struct {
	ID    ID
	Mode  Mode
	Key   []string // of Upsert: the columns that tell rows apart
	Fresh bool     // of Replace: the columns that were there go, too
	Parts iter.Seq2[Part, error]
	// Note is kept in the load's commit under Place, in the stead of what was noted there
	// before: how far a source has been read. It is asked for once the last part was read.
	Place string
	Note  func() (json.RawMessage, error)
	// Since is what was noted under Place when the load was thought out: where something else
	// is noted, it is fault.Conflict. Nil: that does not matter.
	Since  *json.RawMessage
	Parted *Parted // of Restate
	// Also returns writes that belong to the commit; few. It is asked for after Check.
	Also func() ([]table.Write, error)
	// Check is asked before the commit, with the dataset as it is and as the load makes it:
	// where it fails, nothing is loaded.
	Check func(ctx context.Context, before, after manifest.State) error
}

// Parted tells the parts that a load is of.
type Parted struct {
	Column string
	Has    func(c *rows.Column, row int) bool // whether a row is of one; c is nil where the rows have no such column
	Meets  func(segment.Ref) bool             // whether rows of a segment may be of one
}

// Part is some rows of a load. What comes later in a load, or in the rows of a part,
// counts.
type Part struct {
	Rows rows.Batch
	Gone rows.Batch // of Upsert: keys of rows that are no more, unless Rows have them
	Bad  []Bad
}

// Bad is a row that cannot be stored. It goes to quarantine.
type Bad struct {
	Row    string // where it was: "orders.csv:17"
	Code   string // stable: "wrong_type"
	Reason string // a sentence for people
	Raw    []byte // as it was
}

// Rows are the parts of a load that has nothing but rows.
func Rows(batches iter.Seq2[rows.Batch, error]) iter.Seq2[Part, error] {
	return func(yield func(Part, error) bool) {
		for batch, err := range batches {
			if !yield(Part{Rows: batch}, err) {
				return
			}
		}
	}
}

func (p Plan) check(d dataset.Dataset) error {
	switch {
	case d.Kind != dataset.Table:
		return fault.New(fault.Invalid, "not_a_table", "dataset %q takes events, not loads", d.Name).
			WithHint("send events, or load into a dataset of kind table")
	case p.ID == "" || len(p.ID) > 200 || !utf8.ValidString(string(p.ID)):
		return fault.New(fault.Invalid, "bad_load_id", "a load's id has 1 to 200 bytes of UTF-8")
	}
	if p.Mode == Restate {
		return nil
	}
	return CheckMode(p.Mode, p.Key)
}

// CheckMode returns fault.Invalid unless there is such a mode, and the key that it needs.
func CheckMode(m Mode, key []string) error {
	switch {
	case m != Append && m != Replace && m != Upsert:
		return fault.New(fault.Invalid, "bad_mode", "%.40q is no way to load", string(m)).WithHint("use append, replace or upsert")
	case (m == Upsert) != (len(key) > 0):
		return fault.New(fault.Invalid, "bad_key", "an upsert needs the columns that tell rows apart, and other loads have none").
			WithHint(`give "key": ["id"] with mode upsert`)
	}
	return nil
}
