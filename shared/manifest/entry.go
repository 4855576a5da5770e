// Package manifest keeps, for each dataset, the log of its versions. A segment is
// visible from the entry that adds it on; the entry is written in the transaction
// that advances the mark of the shard the rows came from, so that a record counts
// once. A reader pins one version and sees that one only.
package manifest

import (
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
)

// Version counts the entries of a dataset's log, from 1. Zero is the empty dataset.
type Version uint64

// String writes the number.
func (v Version) String() string { return strconv.FormatUint(uint64(v), 10) }

// Entry is one step of a dataset's log.
type Entry struct {
	Format  int             `json:"format"` // version of this encoding
	Version Version         `json:"version"`
	Commit  string          `json:"commit"` // names the attempt, so that a lost answer can be told from a lost race
	At      int64           `json:"at"`     // UTC microseconds
	Add     []segment.Ref   `json:"add,omitempty"`
	Remove  []string        `json:"remove,omitempty"` // keys of segments that are no longer visible
	Schema  *dataset.Schema `json:"schema,omitempty"` // the whole schema, where this entry widens it
	Ledger  ledger.Delta    `json:"ledger,omitzero"`
	Shard   stream.ShardID  `json:"shard,omitempty"`   // the shard whose mark moved
	Through stream.Sequence `json:"through,omitempty"` // to here
}

// State is the fold of a dataset's log through one version.
type State struct {
	Format   int                                `json:"format"`
	Version  Version                            `json:"version"`
	Segments []segment.Ref                      `json:"segments"` // live ones of all kinds, in order of their commits
	Schema   dataset.Schema                     `json:"schema"`
	Ledger   ledger.Totals                      `json:"ledger"`
	Through  map[stream.ShardID]stream.Sequence `json:"through"` // position of each shard's mark
	Removed  []Removal                          `json:"removed,omitempty"`
}

// Removal is a segment that is visible no more, and may still be read by who pinned
// an earlier version. It is remembered for as long as that can be.
type Removal struct {
	Key string `json:"key"`
	At  int64  `json:"at"` // UTC microseconds
}

// MaxGrace is how long a removal is remembered: no reader may live longer.
const MaxGrace = 2 * time.Hour
