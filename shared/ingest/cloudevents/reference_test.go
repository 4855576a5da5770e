package cloudevents

import (
	"maps"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/ingest/internal/eventtest"
)

// TestEverythingAnEventSaysIsAPropertyOfIt compares with a slow reference.
func TestEverythingAnEventSaysIsAPropertyOfIt(t *testing.T) {
	var d Decoder
	rapid.Check(t, func(rt *rapid.T) {
		attributes := eventtest.Object("subject", "dataschema", "partitionkey", "x", "data_base64").Draw(rt, "attributes")
		data := eventtest.Object("subject", "source", "a", "x", "id", "specversion", "").Draw(rt, "data")
		event := map[string]any{"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": data}
		maps.Copy(event, attributes)
		got, err := d.Decode(http.Header{"Content-Type": {Structured}}, eventtest.JSON(t, event), "", arrived)
		if err != nil || len(got) != 1 || got[0].Refused.Code != "" {
			rt.Fatal(err, got)
		}
		want := map[string]any{"source": "s"}
		for name, v := range attributes {
			if v != nil {
				want[name] = v
			}
		}
		for name, v := range data {
			if _, taken := attributes[name]; taken || name == "subject" || name == "source" {
				name = "data_" + name
			}
			want[name] = v
		}
		if diff := cmp.Diff(want, eventtest.Properties(t, got[0])); diff != "" {
			rt.Errorf("(-reference +got) %s", diff)
		}
	})
}
