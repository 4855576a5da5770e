package query

import (
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/manifest"
)

// Column describes a column of an answer.
type Column struct {
	Name string `json:"name"`
	Type Type   `json:"type" enum:"timestamp,text,int,float,bool,json,decimal,date,time,interval,blob"`
}

// Stats says what an answer cost.
type Stats struct {
	RowsScanned    int64   `json:"rows_scanned"`
	Segments       int     `json:"segments"`        // read
	SegmentsPruned int     `json:"segments_pruned"` // skipped, because none of their rows can match
	SegmentsKept   int     `json:"segments_kept"`   // answered from what was kept of them
	Bytes          int64   `json:"bytes"`           // size of the segments that were read
	Millis         float64 `json:"ms"`
	Truncated      bool    `json:"truncated"` // there were more rows than the limit
	Kept           bool    `json:"kept"`      // the same was asked of the same rows before
}

// Discreet leaves out what tells of rows that are not in the answer.
func (s Stats) Discreet() Stats {
	return Stats{Millis: s.Millis, Truncated: s.Truncated, Kept: s.Kept}
}

// Result is an answer. Rows are in order; each has a value for each column. Of one
// dataset it tells the version, of several, or of none, the versions.
type Result struct {
	Columns  []Column
	Rows     [][]Value
	Trails   Trails // of a TrailPlan, in place of rows
	Version  manifest.Version
	Versions map[dataset.Name]manifest.Version // nil: of one dataset
	Stats    Stats
	Explain  *Explanation // nil unless asked for
}

// Explanation tells what an answer cost.
type Explanation struct {
	From   string     `json:"from" enum:"kept,engine" doc:"kept: the same was asked of the same rows before"`
	OpenMs float64    `json:"open_ms" doc:"to find the newest version"`
	BindMs float64    `json:"bind_ms" doc:"to understand the question"`
	RunMs  float64    `json:"run_ms" doc:"to answer it"`
	Plans  []PlanCost `json:"plans" doc:"what the question became, and what each part of it cost; its stats are their sums"`
	USD    float64    `json:"usd" doc:"about what answering costs in AWS, in dollars: time of the function and requests to the store"`
}

// PlanCost tells what a plan of a question cost.
type PlanCost struct {
	Kind  Kind  `json:"kind"`
	Stats Stats `json:"stats"`
}
