package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// hintsOf serves one event to work and returns the error and what was logged.
func hintsOf(ctx context.Context, work Work, event string) (string, error) {
	var log bytes.Buffer
	h := hinted{work: work, log: slog.New(slog.NewJSONHandler(&log, nil)), now: time.Now}
	err := h.event(ctx, json.RawMessage(event))
	return log.String(), err
}

func TestAnyEventIsAHintThatThereIsWork(t *testing.T) {
	for name, event := range map[string]string{
		"of a queue": `{"Records":[{"messageId":"1","body":"work"}]}`, "of the clock": `{"source":"aws.events"}`, "of nobody": `null`,
	} {
		runs := 0
		log, err := hintsOf(t.Context(), func(context.Context) (int, error) { runs++; return 3, nil }, event)
		if err != nil || runs != 1 || !strings.Contains(log, `"runs":3`) {
			t.Errorf("%s: worked %d times, %v, %s", name, runs, err, log)
		}
	}
}

func TestWorkThatFailedLeavesItsHintInTheQueue(t *testing.T) {
	down := fault.New(fault.Unavailable, "down", "down")
	if _, err := hintsOf(t.Context(), func(context.Context) (int, error) { return 0, down }, `{}`); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v: the queue would take the hint for done", err)
	}
}

func TestWorkEndsBeforeItsInvocation(t *testing.T) {
	ends := time.Now().Add(time.Minute)
	ctx, cancel := context.WithDeadline(t.Context(), ends)
	defer cancel()
	if _, err := hintsOf(ctx, func(ctx context.Context) (int, error) {
		if got, ok := ctx.Deadline(); !ok || !got.Equal(ends.Add(-margin)) {
			t.Errorf("work ends at %v, the invocation at %v", got, ends)
		}
		return 0, nil
	}, `{}`); err != nil {
		t.Error(err)
	}
}
