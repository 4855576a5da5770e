package ingest

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"sync"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/ingest/remotewrite"
	"github.com/tarnhq/tarn/shared/route"
)

var writeDecoders = sync.Pool{New: func() any { return new(remotewrite.Decoder) }}

// remoteWrite is Prometheus' remote write, of both versions.
func remoteWrite() protocol {
	return protocol{
		route: route.RemoteWrite, accepts: "",
		key: inAddress,
		decode: func(m message) ([]events.Event, func(), error) {
			d := writeDecoders.Get().(*remotewrite.Decoder)
			done := func() { writeDecoders.Put(d) }
			v2, known := versionOf(m.Request)
			if !known {
				return nil, done, unknownType(m.Request).
					WithHint("send application/x-protobuf;proto=io.prometheus.write.v2.Request or application/x-protobuf")
			}
			sent, err := d.Decode(v2, m.body, m.arrived)
			return sent, done, err
		},
		answer: writeWritten,
		refuse: func(w http.ResponseWriter, _ message, p *api.Problem) error {
			status := p.Status
			if p.Code == unsupported || p.Code == "unsupported_encoding" {
				status = http.StatusUnsupportedMediaType
			}
			return writeText(w, status, sentence(p))
		},
	}
}

// versionOf tells the version of a request, and whether it is one that we read.
func versionOf(r *http.Request) (v2, known bool) {
	if r.Header.Get("Content-Type") == "" {
		return false, true
	}
	typ, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || typ != protobufType {
		return false, false
	}
	switch params["proto"] {
	case "", "prometheus.WriteRequest":
		return false, true
	case "io.prometheus.write.v2.Request":
		return true, true
	}
	return false, false
}

// writeWritten answers a request by how much of it can be stored. Where that is not all,
// the protocol has it be 400: the sender counts the rest as failed, and sends nothing
// again.
func writeWritten(w http.ResponseWriter, m message, sent []events.Event) error {
	if v2, _ := versionOf(m.Request); v2 {
		wrote := remotewrite.Count(sent)
		for name, n := range map[string]int{"Samples": wrote.Samples, "Histograms": wrote.Histograms, "Exemplars": wrote.Exemplars} {
			w.Header().Set("X-Prometheus-Remote-Write-"+name+"-Written", strconv.Itoa(n))
		}
	}
	if rejected, why := refused(sent); rejected > 0 {
		return writeText(w, http.StatusBadRequest, fmt.Sprintf("partly_quarantined: %d of %d can never be stored, and are in quarantine; all others are stored. The first: %s", rejected, len(sent), why))
	}
	w.Header().Del("Content-Type")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// sentence is a problem as one text that begins with its code.
func sentence(p *api.Problem) string {
	text := p.Code + ": " + p.Detail
	if p.Hint != "" {
		text += ": " + p.Hint
	}
	return text
}

func writeText(w http.ResponseWriter, status int, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, err := w.Write([]byte(text + "\n"))
	return err
}
