package job

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Submit puts a job in line. A key that its submitter has used before stands for the
// job that it made then if the request is the same, and is fault.Conflict otherwise.
// When Submit returns nil, the job will be done or fail in sight.
func (s Jobs) Submit(ctx context.Context, t tenant.ID, spec Spec) (Job, error) {
	j, err := s.declare(t, spec)
	if err != nil {
		return Job{}, err
	}
	writes, err := s.first(j)
	if err != nil {
		return Job{}, err
	}
	if err := s.Table.Commit(ctx, writes...); err != nil {
		if j, err = s.settled(ctx, j, err); err != nil {
			return Job{}, err
		}
	}
	if !j.State.Ended() {
		s.hint(ctx, 0)
	}
	return j, nil
}

// Place returns a new job and the writes that put it in line, for a commit that holds more:
// then both come to be, or neither. The spec has no key; what else is committed must see to
// it that nothing is done twice. Told is called when the commit has succeeded.
func (s Jobs) Place(t tenant.ID, spec Spec) (j Job, writes []table.Write, told func(context.Context), err error) {
	if j, err = s.declare(t, spec); err == nil {
		writes, err = s.first(j)
	}
	return j, writes, func(ctx context.Context) { s.hint(ctx, 0) }, err
}

// declare turns a spec into a job, or says what is wrong with it.
func (s Jobs) declare(t tenant.ID, spec Spec) (Job, error) {
	if len(spec.Request)+len(spec.Pinned) > MaxRequest {
		return Job{}, fault.New(fault.TooLarge, "request_too_large", "a job's request, with the definitions that it names, has at most %d KiB", MaxRequest>>10)
	}
	if len(spec.Key) > MaxKey {
		return Job{}, fault.New(fault.Invalid, "bad_idempotency_key", "an idempotency key has at most %d bytes", MaxKey)
	}
	now := s.now()
	j := Job{
		ID: ID(fmt.Sprintf("%012x", now.UnixMilli()) + s.newID()), Tenant: t, Kind: spec.Kind, Dataset: spec.Dataset, By: spec.By,
		Request: spec.Request, Pinned: spec.Pinned, Priority: spec.Priority, Private: spec.Private, MaxTries: cmp.Or(spec.Tries, defaultTries), Limit: cmp.Or(spec.Limit, defaultLimit),
		State: Queued, Revision: 1, Submitted: now, Updated: now, Expires: now.Add(Keep), stamp: s.newID(),
	}
	if spec.Key != "" {
		sum := sha256.Sum256([]byte(spec.By + "\n" + spec.Key))
		j.key = hex.EncodeToString(sum[:])
	}
	return j, nil
}

// first returns the writes that put a new job in line.
func (s Jobs) first(j Job) ([]table.Write, error) {
	item, err := j.item()
	if err != nil {
		return nil, err
	}
	writes := []table.Write{
		table.Put(item).If(table.Absent),
		table.Put(j.requestItem()),
		s.rings(j.Tenant),
	}
	if j.key != "" {
		writes = append(writes, table.Put(j.keyItem()).If(table.Absent))
	}
	for _, key := range j.entries() {
		writes = append(writes, table.Put(table.Item{Key: key, Expires: j.Expires}))
	}
	return writes, nil
}

// keyItem remembers what a key was used for.
func (j Job) keyItem() table.Item {
	return table.Item{Key: table.Key{Partition: partition(j.Tenant), Sort: "key#" + j.key}, Attributes: map[string]string{"job": string(j.ID)}, Expires: j.Expires}
}

// settled returns the job that is there although the commit of j failed: j itself, for
// the answer may have been lost, or the one that was submitted under its key before.
func (s Jobs) settled(ctx context.Context, j Job, failure error) (Job, error) {
	if !fault.Is(failure, fault.Conflict) && !fault.Is(failure, fault.Unavailable) {
		return Job{}, failure
	}
	id := j.ID
	if j.key != "" {
		item, err := s.Table.Get(ctx, j.keyItem().Key)
		if err != nil {
			return Job{}, unless(err, failure)
		}
		id = ID(item.Attributes["job"])
	}
	there, err := s.Get(ctx, j.Tenant, id)
	if err != nil {
		return Job{}, unless(err, failure)
	}
	if there.Kind != j.Kind || !bytes.Equal(there.Request, j.Request) {
		return Job{}, fault.New(fault.Conflict, "idempotency_key_reused", "this idempotency key was used for another request").
			WithHint("use a new key for a new request; job %s has this one", there.ID)
	}
	return there, nil
}

// unless returns err, or the failure that it should have explained: nothing is there.
func unless(err, failure error) error {
	if fault.Is(err, fault.NotFound) {
		return failure
	}
	return err
}
