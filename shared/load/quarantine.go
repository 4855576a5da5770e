package load

import (
	"context"
	"fmt"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
)

// Bounds of what a load may send to quarantine: more than that is no file with some bad
// rows, but one that was misunderstood.
const (
	maxBad      = 100_000
	maxBadBytes = 64 << 20
)

// quarantined are the rows of a load that cannot be stored, and what it takes out of
// quarantine.
type quarantined struct {
	rows  []Bad
	bytes int
	ended map[ledger.Account]int64
}

func (q *quarantined) add(some ...Bad) error {
	for _, b := range some {
		q.rows = append(q.rows, b)
		if q.bytes += len(b.Raw) + len(b.Reason); len(q.rows) > maxBad || q.bytes > maxBadBytes {
			first := q.rows[0]
			return fault.New(fault.Invalid, "too_many_bad_rows", "more than %d rows cannot be stored, the first at %s: %s", len(q.rows)-1, first.Row, first.Reason).
				WithHint("look at a preview; name the columns' types, or load the columns under other names")
		}
	}
	return nil
}

func (q *quarantined) end(a ledger.Account) {
	if q.ended == nil {
		q.ended = map[ledger.Account]int64{}
	}
	q.ended[a]++
}

// keyless is a row without a key.
func keyless(batch rows.Batch, row int32, key []string) Bad {
	return Bad{Row: fmt.Sprint("row ", row+1), Code: "no_key", Reason: "the key (" + strings.Join(key, ", ") + ") is null", Raw: batch.AppendJSON(nil, int(row))}
}

// quarantine stores what cannot be stored as rows, but for what mentions a suppressed
// subject.
func (a *attempt) quarantine(ctx context.Context) error {
	now := a.manifest.Now().UnixMicro()
	var kept []segment.QuarantineRow
	for _, b := range a.bad.rows {
		if a.suppressed.Mentioned(a.dataset.ID, b.Raw) {
			a.loaded.Dropped++
			continue
		}
		kept = append(kept, segment.QuarantineRow{EventID: b.Row, Received: now, Code: b.Code, Reason: b.Reason, Raw: b.Raw})
	}
	if len(kept) == 0 {
		return nil
	}
	a.loaded.Quarantined = int64(len(kept))
	ref, err := segment.WriteQuarantine(ctx, a.manifest.Blobs, a.swap.Next(), kept)
	a.change.Add = append(a.change.Add, ref)
	return err
}
