// Package ledger keeps the accounts of a dataset: what was acknowledged, and what
// became of it. The two sides are counted apart. The left, accepted, is counted
// where the acknowledgement is given; the right moves in the transaction that
// stores the rows. docs/ledger.md says what a crash does to each.
package ledger

import "github.com/tarnhq/tarn/events"

// Hour is an arrival hour: hours since 1970-01-01T00:00Z.
type Hour int64

// HourOf returns the hour of a time in UTC microseconds.
func HourOf(micros int64) Hour {
	const hour = 60 * 60 * 1_000_000
	h := micros / hour
	if micros%hour < 0 {
		h--
	}
	return Hour(h)
}

// Account names one line of the ledger: what one producer handed over in one hour.
type Account struct {
	Hour     Hour            `json:"hour"`
	Producer events.Producer `json:"producer,string"`
}

// Counts are deliveries by fate. Each delivery has exactly one.
type Counts struct {
	Stored      int64 `json:"stored" doc:"a row"`
	Duplicate   int64 `json:"duplicate" doc:"a copy of an event that was stored before"`
	Quarantined int64 `json:"quarantined" doc:"cannot be stored, kept with the reason"`
	Dropped     int64 `json:"dropped" doc:"by a rule of the owner: a step of the enrichment, or older than the dataset keeps events; or of a suppressed subject"`
}

// Arrived is the number of deliveries that the counts tell the fate of.
func (c Counts) Arrived() int64 { return c.Stored + c.Duplicate + c.Quarantined + c.Dropped }

// Plus adds counts.
func (c Counts) Plus(d Counts) Counts {
	return Counts{c.Stored + d.Stored, c.Duplicate + d.Duplicate, c.Quarantined + d.Quarantined, c.Dropped + d.Dropped}
}

// Line is the change or the total of one Account.
type Line struct {
	Account
	Counts
}

// Delta is what one commit adds to the right-hand side.
type Delta struct {
	Lines   []Line `json:"lines,omitempty"`
	Erased  int64  `json:"erased,omitempty"`  // rows that were stored and are visible no more
	Expired int64  `json:"expired,omitempty"` // those of Erased that were older than the dataset keeps them
}

// Totals is the right-hand side through one version.
type Totals struct {
	Lines   []Line `json:"lines,omitempty"` // ascending by hour, then producer
	Erased  int64  `json:"erased,omitempty"`
	Expired int64  `json:"expired,omitempty"`
}
