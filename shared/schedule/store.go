package schedule

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// MaxSchedules bounds the schedules of a tenant.
const MaxSchedules = 200

// Maker is who has a schedule do what it does. Its jobs are theirs.
type Maker struct {
	ID     string          `json:"id"`
	Scopes []access.Action `json:"scopes,omitempty"` // of the credential that made it; empty: all
}

// Schedule is a schedule as it is kept.
type Schedule struct {
	ID      string       `json:"id"` // no schedule before it of the same name had
	Tenant  tenant.ID    `json:"tenant"`
	Spec    Spec         `json:"spec"`
	Dataset dataset.Name `json:"dataset,omitempty"` // that its jobs concern
	By      Maker        `json:"by"`
	Created time.Time    `json:"created"`
	Updated time.Time    `json:"updated"`         // by people
	Next    time.Time    `json:"next,omitzero"`   // the first tick that was not dealt with; zero: there is none
	Trying  time.Time    `json:"trying,omitzero"` // since when that tick could not be dealt with for a fault that may pass

	stamp string // of the write that made it
}

// Store keeps the schedules of tenants.
type Store struct {
	Table table.Table
	Now   func() time.Time
	NewID func() string // random, lower-case; nil: 12 letters and digits
}

// clock is the partition of what is due, by time, for all tenants.
const clock = "schedules/clock"

const schedulePrefix = "schedule#"

func partition(t tenant.ID) string { return "schedules#" + string(t) }

func scheduleKey(t tenant.ID, name Name) table.Key {
	return table.Key{Partition: partition(t), Sort: schedulePrefix + string(name)}
}

// entries are the keys under which a schedule is found by when it is due.
func (s Schedule) entries() []table.Key {
	if s.Spec.Paused || s.Next.IsZero() {
		return nil
	}
	return []table.Key{{Partition: clock, Sort: fmt.Sprintf("%s#%s#%s", instant(s.Next), s.Tenant, s.Spec.Name)}}
}

// instant is a time as text that is ordered as times are.
func instant(t time.Time) string { return fmt.Sprintf("%020d", t.UnixMicro()) }

// entry is what the clock says: what is due, and when.
type entry struct {
	at     time.Time
	tenant tenant.ID
	name   Name
}

func entryOf(key table.Key) (e entry, err error) {
	at, rest, _ := strings.Cut(key.Sort, "#")
	owner, name, ok := strings.Cut(rest, "#")
	var micros int64
	if _, err := fmt.Sscanf(at, "%d", &micros); err != nil || !ok {
		return e, fmt.Errorf("the clock has %q", key.Sort)
	}
	return entry{time.UnixMicro(micros), tenant.ID(owner), Name(name)}, nil
}

// Get returns a schedule, or fault.NotFound.
func (s Store) Get(ctx context.Context, t tenant.ID, name Name) (Schedule, error) {
	if err := name.Check(); err != nil {
		return Schedule{}, errNoSchedule(name)
	}
	item, err := s.Table.Get(ctx, scheduleKey(t, name))
	if fault.Is(err, fault.NotFound) {
		return Schedule{}, errNoSchedule(name)
	}
	if err != nil {
		return Schedule{}, err
	}
	return decode(item)
}

func errNoSchedule(name Name) error {
	return fault.New(fault.NotFound, "schedule_not_found", "there is no schedule %.70q", string(name))
}

func decode(item table.Item) (Schedule, error) {
	var s Schedule
	if err := json.Unmarshal(item.Body, &s); err != nil {
		return s, fmt.Errorf("schedule %s: %w", item.Key.Sort, err)
	}
	s.stamp = item.Attributes["stamp"]
	return s, nil
}

func (s Schedule) item() (table.Item, error) {
	body, err := json.Marshal(s)
	return table.Item{Key: scheduleKey(s.Tenant, s.Spec.Name), Attributes: map[string]string{"stamp": s.stamp}, Body: body}, err
}

// List returns a page of a tenant's schedules by name; next continues.
func (s Store) List(ctx context.Context, t tenant.ID, next string, limit int) (all []Schedule, more string, err error) {
	page, err := s.Table.List(ctx, table.Query{Partition: partition(t), Prefix: schedulePrefix, Next: next, Limit: limit})
	if err != nil {
		return nil, "", err
	}
	for _, item := range page.Items {
		one, err := decode(item)
		if err != nil {
			return nil, "", err
		}
		all = append(all, one)
	}
	return all, page.Next, nil
}

// add stores a new schedule.
func (s Store) add(ctx context.Context, new Schedule) error {
	if err := s.room(ctx, new.Tenant); err != nil {
		return err
	}
	item, err := new.item()
	if err != nil {
		return err
	}
	writes := []table.Write{table.Put(item).If(table.Absent)}
	for _, key := range new.entries() {
		writes = append(writes, table.Put(table.Item{Key: key}))
	}
	err = s.commit(ctx, new, writes)
	if fault.Is(err, fault.Conflict) {
		return fault.New(fault.Conflict, "schedule_exists", "there is a schedule %q", new.Spec.Name).WithHint("change it with PATCH /v1/schedules/%s", new.Spec.Name)
	}
	return err
}

// room returns fault.Invalid if a tenant has as many schedules as it can have.
func (s Store) room(ctx context.Context, t tenant.ID) error {
	n := 0
	for next := ""; ; {
		page, err := s.Table.List(ctx, table.Query{Partition: partition(t), Prefix: schedulePrefix, Next: next})
		if err != nil {
			return err
		}
		if n += len(page.Items); n >= MaxSchedules {
			return fault.New(fault.Invalid, "too_many_schedules", "there are %d schedules already", MaxSchedules).WithHint("delete some that are over")
		}
		if next = page.Next; next == "" {
			return nil
		}
	}
}

// replace writes next in the place of was, as it was loaded, and more with it. It fails
// with fault.Conflict when somebody else has changed the schedule since.
func (s Store) replace(ctx context.Context, was, next Schedule, more ...table.Write) (Schedule, error) {
	next.stamp = s.newID()
	item, err := next.item()
	if err != nil {
		return was, err
	}
	writes := append([]table.Write{table.Put(item).If(table.Equal("stamp", was.stamp))}, more...)
	old, fresh := was.entries(), next.entries()
	if len(old) > 0 && (len(fresh) == 0 || old[0] != fresh[0]) {
		writes = append(writes, table.Delete(old[0]))
	}
	if len(fresh) > 0 && (len(old) == 0 || old[0] != fresh[0]) {
		writes = append(writes, table.Put(table.Item{Key: fresh[0]}))
	}
	return next, s.commit(ctx, next, writes)
}

// commit commits writes with a schedule among them. An answer that was lost is asked for.
func (s Store) commit(ctx context.Context, next Schedule, writes []table.Write) error {
	err := s.Table.Commit(ctx, writes...)
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.Unavailable) {
		if now, again := s.Get(ctx, next.Tenant, next.Spec.Name); again == nil && now.stamp == next.stamp {
			return nil
		}
	}
	return err
}

// remove deletes a schedule as it was loaded. Its runs expire.
func (s Store) remove(ctx context.Context, was Schedule) error {
	writes := []table.Write{table.Delete(scheduleKey(was.Tenant, was.Spec.Name)).If(table.Equal("stamp", was.stamp))}
	for _, key := range was.entries() {
		writes = append(writes, table.Delete(key))
	}
	return s.Table.Commit(ctx, writes...)
}

func (s Store) newID() string {
	if s.NewID != nil {
		return s.NewID()
	}
	return strings.ToLower(rand.Text())[:12]
}

// now is as exact as what is stored.
func (s Store) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
