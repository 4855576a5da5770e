package eventtest

import (
	"testing"

	"github.com/tarnhq/tarn/events"
)

// Fate is an event of a batch as it is sent, and the code it is refused with; no code means
// that it is accepted.
type Fate = struct{ Event, Code string }

// CostsNeighboursNothing tests that each event of a batch of three comes to its fate alone:
// the first and the third are accepted and have their ids, and one that is refused has a
// reason and its text. Decode decodes the batch with an event in the middle.
func CostsNeighboursNothing(t *testing.T, fates map[string]Fate, first, third string, decode func(event string) ([]events.Event, error)) {
	t.Helper()
	for name, fate := range fates {
		t.Run(name, func(t *testing.T) {
			got, err := decode(fate.Event)
			if err != nil || len(got) != 3 {
				t.Fatal(err, len(got))
			}
			if got[0].ID != first || got[2].ID != third || got[0].Refused.Code+got[2].Refused.Code != "" {
				t.Errorf("its neighbours are not untouched: %+v", got)
			}
			if got[1].Refused.Code != fate.Code {
				t.Fatalf("refused %q, want %q", got[1].Refused, fate.Code)
			}
			if fate.Code != "" && (got[1].Refused.Reason == "" || string(got[1].Raw) != fate.Event[:min(len(fate.Event), events.MaxEvent)]) {
				t.Errorf("refused without a reason, or with other text: %q", got[1].Raw)
			}
		})
	}
}

// Seeds returns the events of fates that are short enough for a corpus.
func Seeds(fates map[string]Fate) (short []string) {
	for _, fate := range fates {
		if len(fate.Event) < 2000 {
			short = append(short, fate.Event)
		}
	}
	return short
}
