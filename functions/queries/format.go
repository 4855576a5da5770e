package queries

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/answer"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/columnar"
)

// format is a way to write an answer.
type format struct {
	name      string
	mediaType string
	write     func(io.Writer, query.Result) error
}

// formats are by the names that ?format= has for them; the first is the usual one.
var formats = []struct {
	accept string
	format
}{
	{"application/json", format{"json", "application/json", query.WriteJSON}},
	{"text/csv", format{"csv", "text/csv; charset=utf-8; header=present", query.WriteCSV}},
	{"application/vnd.apache.arrow.stream", format{"arrow", "application/vnd.apache.arrow.stream", columnar.WriteArrow}},
	{"application/vnd.apache.parquet", format{"parquet", "application/vnd.apache.parquet", columnar.WriteParquet}},
}

// send writes an answer.
func (f format) send(w http.ResponseWriter, result query.Result) error {
	w.Header().Set("Content-Type", f.mediaType)
	w.Header().Add("Vary", "Accept")
	return f.write(w, result)
}

// tag is the entity tag of an answer in this format. It is a weak one: what an answer
// cost is told beside it, and differs.
func (f format) tag(of answer.Tag) string { return `W/"` + string(of) + "-" + f.name + `"` }

// head says whose an answer is and what it is called: a cache may keep it for its
// caller, and must ask each time whether there is a newer one.
func (f format) head(w http.ResponseWriter, tag string) {
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "private, no-cache")
	w.Header().Add("Vary", "Accept, Authorization")
}

// known reports whether the caller has the answer of a tag. A query is a question
// whatever its method, so that this holds of POST too.
func known(header http.Header, tag string) bool {
	for _, line := range header.Values("If-None-Match") {
		for candidate := range strings.SplitSeq(line, ",") {
			if candidate = strings.TrimSpace(candidate); candidate == tag || "W/"+candidate == tag {
				return true
			}
		}
	}
	return false
}

// sendKept writes an answer that may be kept in this format.
func (f format) sendKept(w http.ResponseWriter, a answer.Answer) error {
	w.Header().Set("Content-Type", f.mediaType)
	if !a.Stats.Kept {
		return f.write(w, a.Result)
	}
	body, err := a.Form(f.name, func(r query.Result) ([]byte, error) {
		var b bytes.Buffer
		err := f.write(&b, r)
		return b.Bytes(), err
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, err = w.Write(body)
	return err
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
	if header == "" {
		return formats[0].format
	}
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
