package httpjson_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/httpjson"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

func codeOf(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

// reading is how an API is read in a test.
type reading struct {
	settings string
	table    connector.Table // zero: all of "things"
	from     json.RawMessage
	query    string // of the DSN
	change   func(*httpjson.Driver)
	each     func(connector.Batch) // of one page; nil: batches are as large as may be
}

// got is what was read.
type got struct {
	rows []string
	bad  []string // codes
	next json.RawMessage
	err  error
}

// read reads an API that a handler is.
func read(t *testing.T, h http.HandlerFunc, r reading) (out got) {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	d := driver(t)
	if r.change != nil {
		r.change(&d)
	}
	if r.table.Table == "" {
		r.table.Table = "things"
	}
	dsn := strings.Replace(server.URL, "http://", "http://client:hush@", 1) + "/v2?secret=hush&" + r.query
	settings := strings.ReplaceAll(r.settings, "SELF", server.URL)
	source, err := d.Open(t.Context(), connector.Config{DSN: secret.New([]byte(dsn)), Settings: json.RawMessage(settings), Tables: []connector.Table{r.table}})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	how := connector.Read{Table: r.table, From: r.from}
	if r.each != nil {
		how.Rows = 1
	}
	for b, err := range source.Read(t.Context(), how) {
		if err != nil {
			out.err = err
			break
		}
		if r.each != nil {
			r.each(b)
		}
		for row := range b.Rows.Len {
			out.rows = append(out.rows, string(b.Rows.AppendJSON(nil, row)))
		}
		for _, bad := range b.Bad {
			out.bad = append(out.bad, bad.Code)
		}
		out.next = b.Next
	}
	if text := errorText(out.err); strings.Contains(text, "hush") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("the error tells the credential or the address: %s", text)
	}
	return out
}

// errorText is all that an error says, to the log, too.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return err.Error() + f.Hint
	}
	return err.Error()
}

// always answers with one text.
func always(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
}

// waits notes what is waited for.
func waits(all *[]time.Duration) func(*httpjson.Driver) {
	return func(d *httpjson.Driver) {
		d.Sleep = func(_ context.Context, wait time.Duration) error {
			*all = append(*all, wait)
			return nil
		}
	}
}
