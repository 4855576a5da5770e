package tinybird

import (
	"math"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/ingest/internal/eventtest"
)

// TestEveryColumnOfARowIsSomewhere compares with a slow reference: what a row says is a
// field of the event or one of its properties.
func TestEveryColumnOfARowIsSomewhere(t *testing.T) {
	fields := []string{"event_id", "event", "user_id", "anonymous_id", "session_id"}
	var d Decoder
	rapid.Check(t, func(rt *rapid.T) {
		row := eventtest.Object(append(fields, "city", "n", "", "received_at")...).Draw(rt, "row")
		got, err := d.Decode("hits", eventtest.JSON(t, row), arrived)
		if err != nil || len(got) != 1 {
			rt.Fatal(err, len(got))
		}
		ev, legal := got[0], true
		said := map[string]string{"event_id": ev.ID, "event": ev.Name, "user_id": ev.UserID, "anonymous_id": ev.AnonymousID, "session_id": ev.SessionID}
		for _, name := range fields {
			want, ok := text(row[name])
			if legal = legal && ok; !legal {
				break
			}
			made := want == "" && (name == "event_id" || name == "event")
			if ev.Refused.Code == "" && !made && said[name] != want {
				rt.Errorf("%s is %q, want %q", name, said[name], want)
			}
			delete(row, name)
		}
		if legal != (ev.Refused.Code == "") {
			rt.Fatalf("refused: %v", ev.Refused)
		}
		if diff := cmp.Diff(row, eventtest.Properties(t, ev)); legal && diff != "" {
			rt.Errorf("(-reference +got) %s", diff)
		}
	})
}

// text is a name or an id as a row may say it.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), v == math.Trunc(v)
	}
	return "", false
}
