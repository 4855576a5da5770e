package queries

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/limit"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/route"
)

// SQLRequest is the body of POST /v1/sql.
type SQLRequest struct {
	SQL        string          `json:"sql" example:"select event, count(*) from web group by 1" doc:"one SELECT as DuckDB reads it; a dataset is a table by its name" maxLength:"102400"`
	Parameters json.RawMessage `json:"parameters,omitempty" doc:"an array of values for ? and $1, or an object of values for $name: texts, numbers, true, false or null"`
}

// SQLAnswer is an answer as the API gives it.
type SQLAnswer struct {
	Columns  []query.Column          `json:"columns"`
	Rows     [][]any                 `json:"rows" doc:"a value for each column: times as RFC 3339 text in UTC, ints and decimals with all their digits, lists and structs as text that holds JSON"`
	Version  uint64                  `json:"version,omitempty" doc:"of the dataset that was read, where that is one"`
	Versions map[dataset.Name]uint64 `json:"versions,omitempty" doc:"of the datasets that were read, where they are several or none"`
	Stats    query.Stats             `json:"stats"`
}

func (d *Deps) sql(w http.ResponseWriter, r *http.Request, caller access.Principal) error {
	as, err := formatOf(r)
	if err != nil {
		return err
	}
	request, err := readSQL(r)
	if err != nil {
		return err
	}
	parameters, err := engine.DecodeParameters(request.Parameters)
	if err != nil {
		return err
	}
	result, err := d.Statement(r.Context(), caller, engine.Statement{SQL: request.SQL, Parameters: parameters})
	if err != nil {
		return err
	}
	return as.send(w, result)
}

// Statement answers a caller's own SQL over what the caller sees.
func (d *Deps) Statement(ctx context.Context, caller access.Principal, s engine.Statement) (query.Result, error) {
	if d.SQL == nil {
		return query.Result{}, fault.New(fault.Unavailable, "sql_off", "this server does not run SQL")
	}
	restricted := false
	s.Open = func(ctx context.Context, name dataset.Name) (engine.Visible, error) {
		over, err := d.visible(ctx, caller, name)
		restricted = restricted || over.View.Restricted()
		return over, err
	}
	ctx, cancel, err := d.Limits.Bound(ctx, caller)
	if err != nil {
		return query.Result{}, err
	}
	defer cancel()
	result, err := d.SQL.Run(ctx, s)
	if restricted {
		result.Stats = result.Stats.Discreet()
	}
	return result, err
}

// visible pins what a caller sees of a dataset.
func (d *Deps) visible(ctx context.Context, caller access.Principal, name dataset.Name) (engine.Visible, error) {
	over, err := d.Gate.Open(ctx, caller, route.RunSQL.Action, name, nil)
	if err == nil {
		if err = limit.Charge(ctx, over.Segments); err != nil {
			over.Release()
		}
	}
	return over, err
}

func readSQL(r *http.Request) (SQLRequest, error) {
	body, err := api.Body(r)
	if err != nil {
		return SQLRequest{}, err
	}
	var request SQLRequest
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return SQLRequest{}, badSQLRequest(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return SQLRequest{}, badSQLRequest(err)
	}
	return request, nil
}

func badSQLRequest(err error) error {
	return fault.New(fault.Invalid, "bad_sql_request", "the body is not a JSON object with sql and, perhaps, parameters").
		WithHint(`send {"sql": "select …", "parameters": []}`).Because(err)
}
