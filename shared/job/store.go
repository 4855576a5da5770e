package job

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/queue"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Jobs keeps the jobs of tenants.
type Jobs struct {
	Table table.Table
	Queue queue.Queue
	Now   func() time.Time
	NewID func() string // random, lower-case; nil: 12 letters and digits
	Lost  func(error)   // told of a hint that could not be sent; may be nil
}

// The partitions that belong to no tenant: who has jobs that are due, and when
// somebody has to look at a job again. No tenant has a name that begins with '/'.
const (
	ring  = "jobs/ring"  // by tenant
	clock = "jobs/clock" // by time, then job
)

func partition(t tenant.ID) string { return "jobs#" + string(t) }

func jobKey(t tenant.ID, id ID) table.Key {
	return table.Key{Partition: partition(t), Sort: "job#" + string(id)}
}

func requestKey(t tenant.ID, id ID) table.Key {
	return table.Key{Partition: partition(t), Sort: "request#" + string(id)}
}

func logKey(t tenant.ID, id ID) table.Key {
	return table.Key{Partition: partition(t), Sort: "log#" + string(id)}
}

func ringKey(t tenant.ID) table.Key { return table.Key{Partition: ring, Sort: string(t)} }

// line is the prefix of a tenant's jobs that are due, in the order of their turns.
const line = "in#queued#due#"

// entries returns the keys under which a job is found beside its own: by its state,
// and if it must be looked at again, by when.
func (j Job) entries() []table.Key {
	own := func(sort string) table.Key {
		return table.Key{Partition: partition(j.Tenant), Sort: sort + string(j.ID)}
	}
	at := func(t time.Time) table.Key {
		return table.Key{Partition: clock, Sort: fmt.Sprintf("%020d#%s#%s", t.UnixMicro(), j.Tenant, j.ID)}
	}
	switch {
	case j.State == Running:
		return []table.Key{own("in#running#"), at(j.Lease)}
	case j.State == Queued && !j.Due.IsZero():
		return []table.Key{own("in#queued#later#"), at(j.Due)}
	case j.State == Queued:
		return []table.Key{own(fmt.Sprintf("%s%020d#", line, j.turn().UnixMicro()))}
	}
	return []table.Key{own("in#" + string(j.State) + "#")}
}

// idOf returns the job that an entry's sort key stands for.
func idOf(sort string) ID { return ID(sort[strings.LastIndexByte(sort, '#')+1:]) }

// Get returns a job with its request, or fault.NotFound.
func (s Jobs) Get(ctx context.Context, t tenant.ID, id ID) (Job, error) {
	j, err := s.load(ctx, t, id)
	if err != nil {
		return Job{}, err
	}
	request, err := s.Table.Get(ctx, requestKey(t, id))
	j.Request = request.Body
	if pinned := request.Attributes["pinned"]; pinned != "" {
		j.Pinned = json.RawMessage(pinned)
	}
	return j, err
}

// load returns a job without its request.
func (s Jobs) load(ctx context.Context, t tenant.ID, id ID) (Job, error) {
	item, err := s.Table.Get(ctx, jobKey(t, id))
	if fault.Is(err, fault.NotFound) {
		return Job{}, fault.New(fault.NotFound, "job_not_found", "there is no job %.40q", string(id)).
			WithHint("jobs are kept for %d days", Keep/(24*time.Hour))
	}
	if err != nil {
		return Job{}, err
	}
	return decode(item)
}

func decode(item table.Item) (Job, error) {
	var j Job
	if err := json.Unmarshal(item.Body, &j); err != nil {
		return Job{}, fmt.Errorf("job %s: %w", item.Key.Sort, err)
	}
	j.stamp, j.key = item.Attributes["stamp"], item.Attributes["key"]
	return j, nil
}

// requestItem holds what stays the same of a job.
func (j Job) requestItem() table.Item {
	item := table.Item{Key: requestKey(j.Tenant, j.ID), Body: j.Request, Expires: j.Expires}
	if len(j.Pinned) > 0 {
		item.Attributes = map[string]string{"pinned": string(j.Pinned)}
	}
	return item
}

// item is the job's own. The stamp tells whose write it is.
func (j Job) item() (table.Item, error) {
	body, err := json.Marshal(j)
	if err != nil {
		return table.Item{}, fmt.Errorf("job %s: %w", j.ID, err)
	}
	attributes := map[string]string{"stamp": j.stamp}
	if j.key != "" {
		attributes["key"] = j.key
	}
	return table.Item{Key: jobKey(j.Tenant, j.ID), Attributes: attributes, Body: body, Expires: j.Expires}, nil
}

// change replaces was, as it was loaded, by next, and writes more with it. It fails
// with fault.Conflict when somebody else has changed the job since.
func (s Jobs) change(ctx context.Context, was, next Job, more ...table.Write) (Job, error) {
	next.Revision, next.stamp, next.Updated = was.Revision+1, s.newID(), s.now()
	writes, err := moves(was, next)
	if err != nil {
		return Job{}, err
	}
	if next.Private && next.State.Ended() {
		next.Request, next.Pinned = nil, nil
		more = append(more, table.Put(next.requestItem()))
	}
	err = s.Table.Commit(ctx, append(writes, more...)...)
	if err == nil {
		return next, nil
	}
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Unavailable) { // it may be applied all the same
		if now, again := s.load(ctx, next.Tenant, next.ID); again == nil && now.stamp == next.stamp {
			return next, nil
		}
	}
	return Job{}, err
}

// moves returns the writes that make next of was.
func moves(was, next Job) ([]table.Write, error) {
	item, err := next.item()
	if err != nil {
		return nil, err
	}
	writes := []table.Write{table.Put(item).If(table.Equal("stamp", was.stamp))}
	old, fresh := was.entries(), next.entries()
	for _, key := range old {
		if !contains(fresh, key) {
			writes = append(writes, table.Delete(key))
		}
	}
	for _, key := range fresh {
		if !contains(old, key) || !was.Expires.Equal(next.Expires) {
			writes = append(writes, table.Put(table.Item{Key: key, Expires: next.Expires}))
		}
	}
	return writes, nil
}

func contains(keys []table.Key, key table.Key) bool {
	for _, k := range keys {
		if k == key {
			return true
		}
	}
	return false
}

// rings puts a tenant among those who have jobs that are due. The mark is another each
// time, so that nobody takes the tenant out who has not seen its newest job.
func (s Jobs) rings(t tenant.ID) table.Write {
	return table.Put(table.Item{Key: ringKey(t), Attributes: map[string]string{"mark": s.newID()}})
}

// hint tells the workers that there is work, or will be. The table holds what is to be
// done, and the worker's own clock makes up for a hint that is lost.
func (s Jobs) hint(ctx context.Context, delay time.Duration) {
	if _, err := s.Queue.Send(ctx, []byte("work"), min(delay, queue.MaxDelay)); err != nil && s.Lost != nil {
		s.Lost(err)
	}
}

func (s Jobs) newID() string {
	if s.NewID != nil {
		return s.NewID()
	}
	return strings.ToLower(rand.Text())[:12]
}

// now is as exact as what is stored.
func (s Jobs) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
