// Package dataset knows what a tenant's datasets are: their names, kinds, settings
// and schemas. The rows themselves are package manifest's business.
package dataset

import (
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/fieldrule"
)

// Name names a dataset within its tenant: a letter, then up to 63 of a-z, 0-9, '_'.
type Name string

// Check returns fault.Invalid unless n may name a dataset.
func (n Name) Check() error {
	ok := len(n) >= 1 && len(n) <= 64
	for i, c := range []byte(n) {
		letter, digit := c >= 'a' && c <= 'z', c >= '0' && c <= '9' || c == '_'
		ok = ok && (letter || digit && i > 0)
	}
	if !ok {
		return fault.New(fault.Invalid, "bad_dataset_name", "%.80q cannot name a dataset", string(n)).
			WithHint("start with a letter; then a-z, 0-9 and _; at most 64 characters")
	}
	return nil
}

// Kind is what a dataset holds.
type Kind string

const (
	Events Kind = "events" // facts that append, with ids and times
	Table  Kind = "table"  // rows that are loaded, replaced or upserted
)

// OnConflict says what happens to an event with a value that does not fit a
// declared column. (Inferred columns are widened instead.)
type OnConflict string

const (
	Quarantine OnConflict = "quarantine" // the event goes to quarantine, with the reason
	Keep       OnConflict = "keep"       // the value stays in the JSON column "properties", the column is null
)

// Settings are what the owner may change. What a change leaves out stays as it is.
type Settings struct {
	Description string     `json:"description,omitempty" maxLength:"1000"`
	OnConflict  OnConflict `json:"on_conflict,omitempty" enum:"quarantine,keep"`
	// Fields hold for events that come from the change on, or from CacheAge after it.
	Fields []fieldrule.Rule `json:"fields,omitempty" maxItems:"50" doc:"what is done to fields of events before anything is stored; [] ends them"`
	// RetentionDays counts whole UTC days before today's. What is older goes within minutes
	// of its day's end, and is not stored any more.
	RetentionDays *int `json:"retention_days,omitempty" minimum:"0" maximum:"36525" doc:"days that events are kept for, by their time; older ones go for ever; 0 keeps everything"`
	// TimeColumn is copied when rows are loaded: rows that are there keep the time they have.
	TimeColumn string `json:"time_column,omitempty" maxLength:"256" example:"placed_at" doc:"of kind table: the column of times whose values are the rows' time, too, for questions by period; it holds for what is loaded from then on. The name time: the rows bring their own"`
}

// check returns fault.Invalid unless s may be the settings of a dataset of a kind.
func (s Settings) check(kind Kind) error {
	if kind != Events && len(s.Fields) > 0 {
		return fault.New(fault.Invalid, "not_an_events_dataset", "rules for fields are for events, and a dataset of kind %s has none", kind).
			WithHint("leave the column out of what is loaded")
	}
	if err := checkRetention(kind, s.RetentionDays); err != nil {
		return err
	}
	if kind != Table && s.TimeColumn != "" {
		return fault.New(fault.Invalid, "not_a_table", "events have a time of their own, and a dataset of kind %s no time_column", kind)
	}
	return fieldrule.Check(s.Fields)
}

// Spec is what Create is given.
type Spec struct {
	Name     Name     `json:"name" example:"web"`
	Kind     Kind     `json:"kind" enum:"events,table" example:"events"`
	Columns  []Column `json:"columns,omitempty" doc:"declared columns; others are inferred"`
	Settings Settings `json:"settings,omitzero"`
}

// Dataset is a catalog entry.
type Dataset struct {
	ID       ID        `json:"id"` // never reused: a deleted dataset's name may be
	Name     Name      `json:"name"`
	Kind     Kind      `json:"kind"`
	Settings Settings  `json:"settings"`
	Declared []Column  `json:"declared,omitempty"`
	Created  time.Time `json:"created"`

	Enrichment uint32 `json:"enrichment,omitempty" doc:"the version of what is done to events on their way in; absent: there never was any"`
}

// ID names a dataset's data for ever: 12 characters of a-z and 0-9.
type ID string
