package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/tarnhq/tarn/functions/local/server"
)

// welcome tells a person what to do next: every line of it works when pasted.
func welcome(w io.Writer, r server.Ready, dir string) {
	curl := "curl -s"
	if r.CA != "" {
		curl = fmt.Sprintf("curl -s --cacert '%s'", strings.ReplaceAll(r.CA, "'", `'\''`))
	}
	fmt.Fprintf(w, `
Tarn is at %[1]s

  sign in     %[2]s
  password    %[3]s
  reference   %[1]s/docs
  data, log   %[4]s

Send events, ask a question, see the fate of one event:

  export TARN_KEY=%[5]s

  %[6]s -u "$TARN_KEY:" %[1]s/v1/batch -d '{"batch": [
    {"type": "track", "messageId": "e1", "event": "page_viewed", "userId": "u1", "properties": {"url": "/"}},
    {"type": "track", "messageId": "e2", "event": "order_completed", "userId": "u1", "properties": {"revenue": 1.5}}]}'

  %[6]s -H "Authorization: Bearer $TARN_KEY" %[1]s/v1/query \
    -d '{"dataset": "events", "measures": ["count", {"op": "sum", "column": "revenue"}], "dimensions": ["event"]}'

  %[6]s -H "Authorization: Bearer $TARN_KEY" "%[1]s/v1/datasets/events/events?id=e2"

Ctrl-C stops; the data stays.
`, r.URL, r.Owner.Email, r.Owner.Password, dir, r.APIKey, curl)
}
