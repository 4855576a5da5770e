package audit

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/audit"
)

// mostExported is how many bytes one answer has, give or take an entry: a gateway takes
// no more than 6 MB.
const mostExported = 5 << 20

// exported is a piece of an export.
type exported struct {
	Type string `header:"Content-Type"`
	Next string `header:"Tarn-Next" doc:"give it back as ?next= for the piece after; absent on the last one"`
	Body []byte
}

func (d Deps) export(ctx context.Context, caller access.Principal, in *struct {
	Filter
	Format string `query:"format" enum:"ndjson,csv" default:"ndjson"`
}) (*exported, error) {
	var text bytes.Buffer
	out, write := &exported{Type: "application/x-ndjson"}, func(r audit.Record) error { text.Write(r.Line()); return nil }
	if in.Format == "csv" {
		out.Type, write = "text/csv; charset=utf-8", rows(&text)
	}
	next, err := d.find(ctx, caller, in.Filter, func(r audit.Record) (bool, error) {
		err := write(r)
		return text.Len() < mostExported, err
	})
	if err != nil {
		return nil, err
	}
	if next > 0 {
		out.Next = strconv.FormatUint(next, 10)
	}
	out.Body = text.Bytes()
	return out, nil
}

// rows writes entries as CSV, with a line of names before the first.
func rows(text *bytes.Buffer) func(audit.Record) error {
	w := csv.NewWriter(text)
	_ = w.Write([]string{"number", "time", "by", "role", "action", "route", "on", "outcome", "times", "missed", "sent", "hash"}) // a buffer takes all
	w.Flush()
	return func(r audit.Record) error {
		on := ""
		if len(r.On) > 0 {
			names, err := json.Marshal(r.On)
			if err != nil {
				return err
			}
			on = string(names)
		}
		err := w.Write([]string{strconv.FormatUint(r.Number, 10), r.Time.Format(time.RFC3339Nano), r.By, string(r.Role), string(r.Action), r.Route,
			on, r.Outcome, strconv.Itoa(max(1, r.Times)), strconv.Itoa(r.Missed), string(r.Sent), string(r.Hash)})
		w.Flush()
		return err
	}
}
