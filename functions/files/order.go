package files

import (
	"crypto/rand"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/tabular"
)

// formats are what the content of a body may be called.
var formats = map[string]tabular.Format{
	"text/csv":                       tabular.CSV,
	"text/tab-separated-values":      tabular.TSV,
	"application/json":               tabular.JSON,
	"application/x-ndjson":           tabular.NDJSON,
	"application/jsonl":              tabular.NDJSON,
	"application/vnd.apache.parquet": tabular.Parquet,
	"application/x-parquet":          tabular.Parquet,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": tabular.XLSX,
}

// orderOf reads what a request wants made of its body: the content type tells the format,
// if it tells any, and the query the rest.
func orderOf(r *http.Request, now time.Time) (file.Order, error) {
	q := r.URL.Query()
	o := file.Order{ID: r.Header.Get("Idempotency-Key"), Arrived: now.UnixMicro(),
		Spec: file.Spec{Name: "rows", Mode: load.Mode(q.Get("mode")), Again: q.Get("again") == "true"}}
	if o.ID == "" {
		o.ID = strings.ToLower(rand.Text())
	}
	if key := q.Get("key"); key != "" {
		o.Key = strings.Split(key, ",")
	}
	said, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // what is no media type tells nothing
	o.Options = tabular.Options{
		Format: formats[said], Encoding: tabular.Encoding(q.Get("encoding")), Delimiter: q.Get("delimiter"), Quote: q.Get("quote"),
		Decimal: q.Get("decimal"), Dates: tabular.Order(q.Get("dates")), Sheet: q.Get("sheet"),
	}
	if header := q.Get("header"); header != "" {
		is, err := strconv.ParseBool(header)
		if err != nil {
			return o, fault.New(fault.Invalid, "bad_option", "the option header is true or false")
		}
		o.Options.Header = &is
	}
	return o, nil
}
