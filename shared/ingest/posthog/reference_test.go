package posthog

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/ingest/internal/eventtest"
)

// TestEverythingAnEventSaysIsAPropertyOfIt compares with a slow reference.
func TestEverythingAnEventSaysIsAPropertyOfIt(t *testing.T) {
	var d Decoder
	rapid.Check(t, func(rt *rapid.T) {
		properties := eventtest.Object("a", "b", "$set", "token", "$device_id", "$session_id", "").Draw(rt, "properties")
		beside := eventtest.Object("$set", "$set_once", "type", "library").Draw(rt, "beside")
		options := eventtest.Object("process_person_profile", "product_tour_id").Draw(rt, "options")
		event := map[string]any{"event": "x", "uuid": "1", "distinct_id": "u", "properties": properties, "options": options, "api_key": "KEY"}
		maps.Copy(event, beside)
		got, err := d.Decode(Request{Body: eventtest.JSON(t, event), Arrived: arrived})
		if err != nil || len(got) != 1 || got[0].Refused.Code != "" {
			rt.Fatal(err, got)
		}
		want := maps.Clone(properties)
		for name, v := range options {
			want["$"+name] = v
		}
		for name, v := range beside {
			if has, ok := want[name]; ok && !same(t, has, v) {
				name = "message_" + name
			}
			want[name] = v
		}
		if diff := cmp.Diff(want, eventtest.Properties(t, got[0])); diff != "" {
			rt.Errorf("(-reference +got) %s", diff)
		}
	})
}

// same reports whether two values are written alike.
func same(t *testing.T, a, b any) bool {
	return string(eventtest.JSON(t, a)) == string(eventtest.JSON(t, b))
}
