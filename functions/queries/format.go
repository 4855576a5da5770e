package queries

import (
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// format is a way to write an answer.
type format struct {
	mediaType string
	write     func(io.Writer, query.Result) error
}

var (
	asJSON = format{"application/json", query.WriteJSON}
	asCSV  = format{"text/csv; charset=utf-8; header=present", query.WriteCSV}
)

// formatOf returns the format that ?format= names, or else the one that Accept
// prefers; JSON where neither tells.
func formatOf(r *http.Request) (format, error) {
	switch name := r.URL.Query().Get("format"); name {
	case "":
		return accepted(strings.Join(r.Header.Values("Accept"), ",")), nil
	case "json":
		return asJSON, nil
	case "csv":
		return asCSV, nil
	default:
		return format{}, fault.New(fault.Invalid, "bad_format", "%.40q is not a format", name).WithHint("format is json or csv")
	}
}

func accepted(header string) format {
	if quality(header, "text/csv") > max(quality(header, "application/json"), quality(header, "*/*")) {
		return asCSV
	}
	return asJSON
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
