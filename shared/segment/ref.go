// Package segment knows the immutable Parquet file that rows are sealed into: how
// it is written, what its Ref says so that readers can skip it, and how an event id
// is looked up in it without reading the rest.
package segment

import (
	"errors"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Kind is what the rows of a segment are.
type Kind string

const (
	Rows       Kind = "rows"       // the dataset's visible rows
	Duplicates Kind = "duplicates" // copies of events that were stored before: event_id, time, received_at
	Quarantine Kind = "quarantine" // events that cannot be stored: event_id, received_at, code, reason, raw

	// Marks of events that are no more, in the columns of duplicates: for the id its keyed
	// hash, of the event's time the UTC day, of its arrival the hour.
	Erased  Kind = "erased"  // were rows
	Dropped Kind = "dropped" // never became rows: of a suppressed subject, or erased in quarantine
)

// Kinds lists them all.
var Kinds = []Kind{Rows, Duplicates, Quarantine, Erased, Dropped}

// IsMark reports whether the segment's rows are marks.
func (k Kind) IsMark() bool { return k == Erased || k == Dropped }

// Day is a UTC day: days since 1970-01-01, negative before.
type Day int32

// DayOf returns the day of a time in UTC microseconds.
func DayOf(micros int64) Day {
	const day = 24 * 60 * 60 * 1_000_000
	d := micros / day
	if micros%day < 0 {
		d--
	}
	return Day(d) // #nosec G115 -- every microsecond of 64 bits is within 107 million days
}

// Ref describes a segment, as the manifest lists it. It never changes.
type Ref struct {
	Key         string           `json:"key"` // of the blob; ends in shard, sequence range and content hash
	Kind        Kind             `json:"kind"`
	Rows        int64            `json:"rows"`
	Bytes       int64            `json:"bytes"`
	MinTime     int64            `json:"min_time"` // event time, UTC microseconds, inclusive
	MaxTime     int64            `json:"max_time"`
	Days        []Day            `json:"days"`         // every UTC day of an event time within, ascending
	MinReceived int64            `json:"min_received"` // arrival time, UTC microseconds, inclusive
	MaxReceived int64            `json:"max_received"`
	Columns     []dataset.Column `json:"columns,omitempty"` // property columns that the file holds, of the types it holds them in
	Table       bool             `json:"table,omitempty"`   // rows of a table: the fixed columns are missing, and Columns are all there are
	UUID        bool             `json:"uuid,omitempty"`    // event ids are Parquet UUIDs (16 bytes): read as text they are what was sent
	Merged      bool             `json:"merged,omitempty"`  // made by WriteMerged
	Tail        int64            `json:"tail"`              // bytes at the end that hold the Bloom filters of event_id and the footer
	TailSum     uint32           `json:"tail_sum"`          // their CRC-32 (IEEE)
}

// gone is the code of Gone.
const gone = "version_gone"

// Gone says that a segment of a pinned version was deleted before it was read: its rows
// were erased, which waits for nobody.
func Gone(cause error) error {
	return fault.New(fault.Unavailable, gone, "rows were erased while they were being read").WithHint("ask again: you will see the newest version").Because(cause)
}

// IsGone reports whether an error is that of Gone.
func IsGone(err error) bool {
	var e *fault.Error
	return errors.As(err, &e) && e.Code == gone
}

// Prefix returns the folder of a dataset's blobs, with a trailing slash.
func Prefix(t tenant.ID, d dataset.ID) string {
	return "t/" + string(t) + "/d/" + string(d) + "/"
}

// Home returns the Prefix of the dataset that the segment is of.
func (r Ref) Home() string {
	end := 0
	for range strings.Count(Prefix("", ""), "/") {
		end += strings.IndexByte(r.Key[end:], '/') + 1
	}
	return r.Key[:end]
}

// Tenant returns the tenant whose dataset the segment is of.
func (r Ref) Tenant() tenant.ID {
	return tenant.ID(strings.Split(r.Key, "/")[1])
}

// DuplicateRow is a row of a segment of kind Duplicates, or a mark. Times are UTC
// microseconds.
type DuplicateRow struct {
	EventID  string
	Time     int64
	Received int64
}

// QuarantineRow is a row of a segment of kind Quarantine: an event that cannot be
// stored, with the account of the ledger that it counts to.
type QuarantineRow struct {
	EventID  string
	Received int64  // arrival time, UTC microseconds; its hour is the account's
	Producer uint64 // the account's
	Code     string // stable: "no_event_name"
	Reason   string // a sentence for people
	Raw      []byte // the event's text, as sent or as it was understood

	Enrichment uint32 // the version of the enrichment that Raw went through; zero: none
}
