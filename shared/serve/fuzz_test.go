package serve

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// FuzzInvoke has events of any form answered: with an error, or with a response that
// the gateway can read and whose status is one of HTTP's.
func FuzzInvoke(f *testing.F) {
	sample, err := os.ReadFile("../../events/samples/apigateway-ingest.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample)
	f.Add([]byte(`{"rawPath":"/%zz?#","rawQueryString":"a#b","headers":{"host":"\n"},"cookies":["\u0000"],"requestContext":{"domainName":"[::1","http":{"method":"GE T","path":"\\"}}}`))
	f.Add([]byte(`{"body":"%","isBase64Encoded":true,"requestContext":{"authorizer":{"lambda":{"tenant":null}}}}`))
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := Principal(r); err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Path", r.URL.EscapedPath())
		_, _ = io.Copy(w, r.Body)
	})
	f.Fuzz(func(t *testing.T, payload []byte) {
		out, err := gateway{handler: echo, log: quiet()}.Invoke(t.Context(), payload)
		if err != nil {
			return
		}
		var r events.APIGatewayV2HTTPResponse
		if err := json.Unmarshal(out, &r); err != nil || r.StatusCode < 200 || r.StatusCode > 599 {
			t.Errorf("%v: %s", err, out)
		}
	})
}
