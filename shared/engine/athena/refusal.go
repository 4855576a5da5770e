package athena

import (
	"fmt"

	"github.com/tarnhq/tarn/shared/fault"
)

// refusal is the answer to a question that is too large for the engine here and can
// not be put to the one that scales. The hint says what is always possible.
func refusal(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "scan_too_large", "the question looks at more than may be scanned here, and %s", fmt.Sprintf(format, args...)).
		WithHint("shorten the time range, or have the limit of scans raised")
}

// unpublished is the answer to a question of which too much is not in the table yet.
func unpublished(format string, args ...any) *fault.Error {
	return fault.New(fault.Unavailable, "not_published", "the question looks at more than may be scanned here, and %s", fmt.Sprintf(format, args...)).
		WithHint("ask again in some minutes, or for a shorter or earlier time range")
}
