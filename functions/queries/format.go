package queries

import (
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/columnar"
)

// format is a way to write an answer.
type format struct {
	mediaType string
	write     func(io.Writer, query.Result) error
}

// formats are by the names that ?format= has for them; the first is the usual one.
var formats = []struct {
	name, accept string
	format
}{
	{"json", "application/json", format{"application/json", query.WriteJSON}},
	{"csv", "text/csv", format{"text/csv; charset=utf-8; header=present", query.WriteCSV}},
	{"arrow", "application/vnd.apache.arrow.stream", format{"application/vnd.apache.arrow.stream", columnar.WriteArrow}},
	{"parquet", "application/vnd.apache.parquet", format{"application/vnd.apache.parquet", columnar.WriteParquet}},
}

// send writes an answer.
func (f format) send(w http.ResponseWriter, result query.Result) error {
	w.Header().Set("Content-Type", f.mediaType)
	w.Header().Add("Vary", "Accept")
	return f.write(w, result)
}

// formatOf returns the format that ?format= names, or else the one that Accept
// prefers; JSON where neither tells.
func formatOf(r *http.Request) (format, error) {
	name := r.URL.Query().Get("format")
	if name == "" {
		return accepted(strings.Join(r.Header.Values("Accept"), ",")), nil
	}
	for _, f := range formats {
		if f.name == name {
			return f.format, nil
		}
	}
	return format{}, fault.New(fault.Invalid, "bad_format", "%.40q is not a format", name).WithHint("format is json, csv, arrow or parquet")
}

// accepted returns the format that a header wants most. Whoever takes anything is
// given the usual one.
func accepted(header string) format {
	best, most := formats[0], max(quality(header, formats[0].accept), quality(header, "*/*"))
	for _, f := range formats[1:] {
		if q := quality(header, f.accept); q > most {
			best, most = f, q
		}
	}
	return best.format
}

// quality returns how much an Accept header wants a media type, by that name.
func quality(header, mediaType string) float64 {
	for part := range strings.SplitSeq(header, ",") {
		name, params, err := mime.ParseMediaType(part)
		if err != nil || name != mediaType {
			continue
		}
		if q, err := strconv.ParseFloat(params["q"], 64); err == nil {
			return q
		}
		return 1
	}
	return 0
}
