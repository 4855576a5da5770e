package scan

import (
	"fmt"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
)

// MaxEvents bounds the events of one request: an event takes some 300 bytes of memory
// and of the answer, however short it is.
const MaxEvents = 250_000

// MaxSize bounds the bytes that the events of one request may have in all. What a body
// says once for many of them (a context, a resource, the labels of a series) counts for
// each, because each is stored with it: a small body may swell to gigabytes.
const MaxSize = 64 << 20

// CheckSize returns an error if size bytes of events are more than one request may have.
func CheckSize(size int) error {
	if size <= MaxSize {
		return nil
	}
	return fault.New(fault.TooLarge, "body_too_large", "the events of the body have more than %d bytes in all, with what it says for many of them", MaxSize).
		WithHint("send the events in smaller batches")
}

// CheckCount returns an error if n events are more than one request may have.
func CheckCount(n int) error {
	if n <= MaxEvents {
		return nil
	}
	return fault.New(fault.TooLarge, "too_many_events", "the body has more than %d events", MaxEvents).
		WithHint("send the events in smaller batches")
}

// CheckEvent refuses an event of more bytes than one may have.
func CheckEvent(size int) events.Refusal {
	if size <= events.MaxEvent {
		return events.Refusal{}
	}
	return tooLarge(size)
}

func tooLarge(size int) events.Refusal {
	return events.Refusal{Code: "too_large", Reason: fmt.Sprintf("the event has %d bytes with all that is said of it, and %d are allowed", size, events.MaxEvent)}
}
