package audit

import (
	"context"
	"fmt"
	"strconv"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Report is what a verification found.
type Report struct {
	Whole   bool   `json:"whole" doc:"whether nothing is wrong as far as was looked"`
	Through Head   `json:"through" doc:"the last entry that is as it was written. Keep it: given as \"after\", it proves that nothing before it was changed or cut off"`
	Ended   bool   `json:"ended" doc:"whether all was looked at; otherwise go on after \"through\""`
	Broken  *Break `json:"broken,omitempty" doc:"the first link that is not as it was written"`
}

// Break is a broken link.
type Break struct {
	Number uint64 `json:"number"`
	Reason string `json:"reason" example:"is missing"`
}

// verification is one under way.
type verification struct {
	store    *Store
	tenant   tenant.ID
	sent     *walk
	last     Head
	erasures map[uint64]Entry // entries about erasures, as far as they were asked for
}

// Verify looks at a tenant's chain after an entry that is known to be in it; the zero Head
// is before all. It stops at the first broken link, and when ctx is about to end. What is
// appended meanwhile is looked at, too.
func (s *Store) Verify(ctx context.Context, t tenant.ID, after Head, enough func() bool) (Report, error) {
	v := &verification{store: s, tenant: t, sent: s.walk(t, payloadKey(t, after.Number+1), ""), last: after, erasures: map[uint64]Entry{}}
	reason, err := v.known(ctx)
	if reason != "" || err != nil {
		return Report{Broken: &Break{after.Number, reason}}, err
	}
	for !enough() {
		ended, reason, err := v.advance(ctx, enough)
		switch {
		case err != nil:
			return Report{}, err
		case reason != "":
			return Report{Through: v.last, Broken: &Break{v.last.Number + 1, reason}}, nil
		case ended:
			return Report{Whole: true, Through: v.last, Ended: true}, nil
		}
	}
	return Report{Whole: true, Through: v.last}, nil
}

// known reports what is wrong with the entry that the verification begins after.
func (v *verification) known(ctx context.Context) (reason string, err error) {
	if v.last.Number == 0 {
		return "", nil
	}
	item, err := v.store.inner.Get(ctx, entryKey(v.tenant, v.last.Number))
	if fault.Is(err, fault.NotFound) {
		return "is missing", nil
	}
	if err != nil {
		return "", err
	}
	if hashOf(item.Body) != v.last.Hash {
		return "is not the one that is known", nil
	}
	e, err := decode(item.Body)
	if err != nil {
		return err.Error(), nil
	}
	v.last.time = e.Time
	return "", nil
}

// advance looks at all entries there are, and then whether the chain ends with the last.
func (v *verification) advance(ctx context.Context, enough func() bool) (ended bool, reason string, err error) {
	entries := v.store.walk(v.tenant, entryKey(v.tenant, v.last.Number+1), entryPrefix)
	for !enough() {
		item, ok, err := entries.next(ctx)
		if err != nil {
			return false, "", err
		}
		if !ok {
			return v.atHead(ctx)
		}
		if reason, err := v.link(ctx, item); reason != "" || err != nil {
			return false, reason, err
		}
	}
	return false, "", nil
}

// atHead compares the last entry with the head, which is read after it: both are written
// at once, so the head cannot be behind, and where it is ahead there is a next entry.
func (v *verification) atHead(ctx context.Context) (ended bool, reason string, err error) {
	head, err := v.store.head(ctx, v.tenant)
	switch {
	case err != nil:
		return false, "", err
	case head.Number == v.last.Number && head.Hash == v.last.Hash:
		return true, "", nil
	case head.Number <= v.last.Number:
		return false, fmt.Sprintf("or one before is not what was written: the log ends with %d", head.Number), nil
	}
	_, err = v.store.inner.Get(ctx, entryKey(v.tenant, v.last.Number+1))
	if fault.Is(err, fault.NotFound) {
		return false, "is missing, like all after it", nil
	}
	return false, "", err
}

// link looks at the next entry and moves past it, or returns what is wrong with it.
func (v *verification) link(ctx context.Context, item table.Item) (reason string, err error) {
	number := v.last.Number + 1
	e, decodeErr := decode(item.Body)
	switch {
	case item.Key != entryKey(v.tenant, number):
		return "is missing, or another stands in its place", nil
	case decodeErr != nil:
		return decodeErr.Error(), nil
	case e.Number != number:
		return fmt.Sprintf("says that it is %d", e.Number), nil
	case e.Before != string(v.last.Hash):
		return "does not follow the one before: this one or that was changed", nil
	case e.Time.Before(v.last.time):
		return "is older than the one before", nil
	}
	if reason, err := v.payload(ctx, e); reason != "" || err != nil {
		return reason, err
	}
	v.last = Head{Number: number, Hash: hashOf(item.Body), time: e.Time}
	return "", nil
}

// payload looks at what lies beside an entry.
func (v *verification) payload(ctx context.Context, e Entry) (reason string, err error) {
	item, ok, err := v.sent.at(ctx, payloadKey(v.tenant, e.Number).Sort)
	if err == nil && !ok { // written since the page was read
		v.sent = v.store.walk(v.tenant, payloadKey(v.tenant, e.Number), "")
		item, ok, err = v.sent.at(ctx, payloadKey(v.tenant, e.Number).Sort)
	}
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "has lost its payload", nil
	case item.Attributes[erasedBy] != "":
		return v.erased(ctx, e.Number, item.Attributes[erasedBy])
	case commitment(item.Attributes["salt"], item.Body) != e.Payload:
		return "has another payload than it had", nil
	}
	return "", nil
}

// erased looks whether the entry that a payload was erased by says so.
func (v *verification) erased(ctx context.Context, number uint64, by string) (reason string, err error) {
	const lost = "has lost its payload, and no entry tells that it was erased"
	n, err := strconv.ParseUint(by, 10, 64)
	if err != nil || n <= number {
		return lost, nil
	}
	e, ok := v.erasures[n]
	if !ok {
		item, err := v.store.inner.Get(ctx, entryKey(v.tenant, n))
		if err != nil && !fault.Is(err, fault.NotFound) {
			return "", err
		}
		if e, err = decode(item.Body); err != nil {
			return lost, nil
		}
		v.erasures[n] = e
	}
	if !e.erases(number) {
		return lost, nil
	}
	return "", nil
}
