// Package export makes files of answers that are too large for one: of a query without
// its limit of rows, or of a dataset's rows as they are. An export is a job. It pins
// the dataset's sealed segments, reads them a part at a time, and makes one file of the
// parts; whoever goes on with it after a crash makes the same one. What bounds it is
// the size of a blob, and for a query the engine's memory; docs/jobs.md has the numbers.
package export

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Kind is the kind of jobs that export.
const Kind job.Kind = "export"

// Folder holds all exports, by tenant and job.
const Folder = "exports/"

// KeepFile is how long an export's file may be fetched.
const KeepFile = 7 * 24 * time.Hour

// Format is how a file is written.
type Format string

// The formats.
const (
	CSV     Format = "csv"
	NDJSON  Format = "ndjson"
	Parquet Format = "parquet"
	XLSX    Format = "xlsx"
)

var formats = []Format{CSV, NDJSON, Parquet, XLSX}

// Request is the body of POST /v1/exports: a query, or the rows of a dataset.
type Request struct {
	Query          json.RawMessage `json:"query,omitempty" doc:"a request of POST /v1/query; without a limit, all its rows"`
	Dataset        string          `json:"dataset,omitempty" doc:"without a query: the dataset whose rows are exported" example:"web"`
	Columns        []string        `json:"columns,omitempty" doc:"of the rows: columns, or the names of defined dimensions; default: all columns"`
	Filter         json.RawMessage `json:"filter,omitempty" doc:"of the rows, as in a query"`
	Time           json.RawMessage `json:"time,omitempty" doc:"of the rows: from and to"`
	WaitFor        string          `json:"wait_for,omitempty" doc:"of the rows: the Tarn-Version of an ingest answer that the export must see"`
	Format         Format          `json:"format" enum:"csv,ndjson,parquet,xlsx"`
	IdempotencyKey string          `json:"idempotency_key,omitempty" doc:"the same key with the same request is the same job" maxLength:"200"`
}

// order is what a job is told to do: one of both questions.
type order struct {
	Query     json.RawMessage `json:"query,omitempty"`
	Selection json.RawMessage `json:"selection,omitempty"`
	Format    Format          `json:"format"`
}

// Result is what a job that is done returns.
type Result struct {
	Key    string `json:"key"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	Format Format `json:"format"`
}

// Decode reads a request and returns the job that does it, for a principal, with the
// dataset that it reads. What cannot be read is fault.Invalid.
func Decode(body []byte, by string) (job.Spec, error) {
	var r Request
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return job.Spec{}, fault.New(fault.Invalid, "bad_export", "the body is no export: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return job.Spec{}, fault.New(fault.Invalid, "bad_export", "something follows the export")
	}
	if !slices.Contains(formats, r.Format) {
		return job.Spec{}, fault.New(fault.Invalid, "bad_format", "%.40q is no format of exports", string(r.Format)).WithHint("one of %v", formats)
	}
	o, name, err := r.order()
	if err != nil {
		return job.Spec{}, err
	}
	if err := name.Check(); err != nil {
		return job.Spec{}, err
	}
	text, err := json.Marshal(o)
	return job.Spec{Kind: Kind, Dataset: name, By: by, Request: text, Key: r.IdempotencyKey}, err
}

func (r Request) order() (order, dataset.Name, error) {
	o := order{Query: r.Query, Format: r.Format}
	rows := r.Dataset != "" || r.Columns != nil || r.Filter != nil || r.Time != nil || r.WaitFor != ""
	if rows == (r.Query != nil) {
		return o, "", fault.New(fault.Invalid, "bad_export", "an export is of a query or of a dataset's rows").
			WithHint(`{"query": {…}, "format": "csv"} or {"dataset": "web", "format": "csv"}`)
	}
	if r.Query != nil {
		q, err := query.Decode(r.Query)
		return o, q.Dataset, err
	}
	var err error
	if o.Selection, err = json.Marshal(struct {
		Dataset string          `json:"dataset"`
		Columns []string        `json:"columns,omitempty"`
		Filter  json.RawMessage `json:"filter,omitempty"`
		Time    json.RawMessage `json:"time,omitempty"`
		WaitFor string          `json:"wait_for,omitempty"`
	}{r.Dataset, r.Columns, r.Filter, r.Time, r.WaitFor}); err != nil {
		return o, "", err
	}
	s, err := query.DecodeSelection(o.Selection)
	return o, s.Dataset, err
}

// TenantFolder holds the exports of a tenant.
func TenantFolder(t tenant.ID) string { return Folder + string(t) + "/" }
