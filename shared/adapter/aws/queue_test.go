package aws

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

func TestABodyGoesAsTextWheneverSQSTakesIt(t *testing.T) {
	for body, want := range map[string]bool{
		`{"a":"ü✓😀"}`: true, "a\tb\r\nc": true, "a\x00": false, "a\x1b": false, "\xff": false, "\ufffe": false, "\uffff": false, "\ufffd": true,
	} {
		if got := isMessageText([]byte(body)); got != want {
			t.Errorf("isMessageText(%q) = %v, want %v", body, got, want)
		}
	}
}

func TestTimesAreRoundedUpToSeconds(t *testing.T) {
	for d, want := range map[time.Duration]int32{-time.Hour: 0, 0: 0, 1: 1, time.Second: 1, time.Second + 1: 2, 15 * time.Minute: 900} {
		if got := wholeSeconds(d); got != want {
			t.Errorf("wholeSeconds(%v) = %d, want %d", d, got, want)
		}
	}
}

func TestAnEmptyMessageIsInvalid(t *testing.T) {
	_, err := serve(t, lost).account().Queue("u", "f").Send(t.Context(), nil, 0)
	wantKind(t, err, fault.Invalid)
}

func TestARedriveThatBreaksOffTellsHowFarItCame(t *testing.T) {
	failed, err := json.Marshal(map[string]any{"Messages": []map[string]string{
		{"MessageId": "1", "ReceiptHandle": "r1", "Body": "a"}, {"MessageId": "2", "ReceiptHandle": "r2", "Body": "b"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, reply(200, string(failed)), reply(200, `{"MessageId":"3"}`), reply(200, "{}"), refuse(400, "OverLimit"))
	moved, err := s.account().Queue("u", "f").Redrive(t.Context())
	wantKind(t, err, fault.Throttled)
	if moved != 1 {
		t.Errorf("moved %d messages, want 1", moved)
	}
}
