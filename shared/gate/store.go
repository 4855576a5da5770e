package gate

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// age is how long a process goes by rules that it has read: so long those that another
// process changed may still hold.
const age = 2 * time.Second

// MaxRules bounds the rules and grants of a tenant: each question reads them all.
const MaxRules = 1000

// Store keeps the rules and the grants of tenants. It must not be copied.
type Store struct {
	Table  table.Table
	Now    func() time.Time
	Random io.Reader // crypto/rand.Reader, but for tests

	mu      sync.Mutex
	read    map[tenant.ID]known
	changes int // so far
}

type known struct {
	rules rules
	at    time.Time
}

func partition(t tenant.ID) string { return "rules#" + string(t) }

const (
	filterPrefix = "filter#"
	grantPrefix  = "grant#"
	maskPrefix   = "mask#"
	saltSort     = "salt"
)

// AddFilter stores a row filter under a new id. It holds at once in this process, and
// within seconds in others.
func (s *Store) AddFilter(ctx context.Context, t tenant.ID, f RowFilter) (RowFilter, error) {
	if err := f.check(); err != nil {
		return f, err
	}
	var err error
	if f.ID, f.Created, err = s.fresh(ctx, t); err != nil {
		return f, err
	}
	return f, s.put(ctx, t, filterPrefix+f.ID, f)
}

// AddMask stores a mask under a new id. It holds at once in this process, and within
// seconds in others.
func (s *Store) AddMask(ctx context.Context, t tenant.ID, m ColumnMask) (ColumnMask, error) {
	if err := m.check(); err != nil {
		return m, err
	}
	var err error
	if m.ID, m.Created, err = s.fresh(ctx, t); err != nil {
		return m, err
	}
	salt, err := s.salting(ctx, t)
	if err != nil {
		return m, err
	}
	err = s.put(ctx, t, maskPrefix+m.ID, m, salt...)
	if fault.Is(err, fault.Conflict) && len(salt) > 0 { // somebody else's first mask was faster
		err = s.put(ctx, t, maskPrefix+m.ID, m)
	}
	return m, err
}

// Filters lists a tenant's row filters, Masks its masks.
func (s *Store) Filters(ctx context.Context, t tenant.ID) ([]RowFilter, error) {
	r, err := s.load(ctx, t)
	return r.filters, err
}

// Masks lists a tenant's masks.
func (s *Store) Masks(ctx context.Context, t tenant.ID) ([]ColumnMask, error) {
	r, err := s.load(ctx, t)
	return r.masks, err
}

// RemoveFilter ends a row filter, or returns fault.NotFound.
func (s *Store) RemoveFilter(ctx context.Context, t tenant.ID, id string) error {
	return s.remove(ctx, t, filterPrefix, id)
}

// RemoveMask ends a mask, or returns fault.NotFound.
func (s *Store) RemoveMask(ctx context.Context, t tenant.ID, id string) error {
	return s.remove(ctx, t, maskPrefix, id)
}

func (s *Store) remove(ctx context.Context, t tenant.ID, prefix, id string) error {
	key := table.Key{Partition: partition(t), Sort: prefix + id}
	if err := s.Table.Commit(ctx, table.Delete(key).If(table.Present)); err != nil {
		if fault.Is(err, fault.Conflict) {
			return fault.New(fault.NotFound, "rule_not_found", "there is no rule %.40q", id)
		}
		return err
	}
	s.forget(t)
	return nil
}

// Restriction is what a caller does not see of a dataset.
func (s *Store) Restriction(ctx context.Context, p access.Principal, of dataset.Name) (query.Restriction, error) {
	rules, err := s.recent(ctx, p.Tenant)
	if err != nil {
		return query.Restriction{}, err
	}
	r, err := rules.restriction(p.Behind(), of)
	if err != nil || p.Embed == nil {
		return r, err
	}
	return fixed(r, *p.Embed)
}

// recent returns the rules of a tenant as this process has read them a moment ago.
func (s *Store) recent(ctx context.Context, t tenant.ID) (rules, error) {
	now := s.Now()
	s.mu.Lock()
	k, ok := s.read[t]
	changes := s.changes
	s.mu.Unlock()
	if ok && now.Sub(k.at) < age {
		return k.rules, nil
	}
	loaded, err := s.load(ctx, t)
	if err != nil {
		return rules{}, err
	}
	s.remember(t, known{loaded, now}, changes)
	return loaded, nil
}

// fixed adds the filters of an embed token.
func fixed(r query.Restriction, e access.Embed) (query.Restriction, error) {
	r.Attributes = e.By.Attributes
	for _, text := range e.Filters {
		f, err := query.DecodeRestriction(text)
		if err != nil {
			return query.Restriction{}, err // it was checked when the token was made
		}
		r.Filters = append(r.Filters, f)
	}
	return r, nil
}

// remember keeps rules that were read after so many changes: what was read before one is
// not kept after it.
func (s *Store) remember(t tenant.ID, k known, changes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes != changes {
		return
	}
	if s.read == nil {
		s.read = map[tenant.ID]known{}
	}
	s.read[t] = k
}

// forget has the next question read the rules.
func (s *Store) forget(t tenant.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	delete(s.read, t)
}

func (s *Store) put(ctx context.Context, t tenant.ID, sort string, rule any, more ...table.Write) error {
	body, err := json.Marshal(rule)
	if err != nil {
		return err
	}
	write := table.Put(table.Item{Key: table.Key{Partition: partition(t), Sort: sort}, Body: body}).If(table.Absent)
	if err := s.Table.Commit(ctx, append(more, write)...); err != nil {
		return err
	}
	s.forget(t)
	return nil
}

// fresh makes an id for one more rule.
func (s *Store) fresh(ctx context.Context, t tenant.ID) (id string, created time.Time, err error) {
	r, err := s.load(ctx, t)
	if err != nil {
		return "", created, err
	}
	if len(r.filters)+len(r.masks)+len(r.grants) >= MaxRules {
		return "", created, fault.New(fault.Invalid, "too_many_rules", "there are %d rules already", MaxRules).WithHint("name roles or groups, and attributes of callers, in place of single users")
	}
	id, err = s.random(8)
	return id, s.Now().UTC().Truncate(time.Microsecond), err
}

// salting is the write that makes the salt of a tenant's hashes, unless there is one.
func (s *Store) salting(ctx context.Context, t tenant.ID) ([]table.Write, error) {
	key := table.Key{Partition: partition(t), Sort: saltSort}
	if _, err := s.Table.Get(ctx, key); !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	salt, err := s.random(32)
	return []table.Write{table.Put(table.Item{Key: key, Body: []byte(salt)}).If(table.Absent)}, err
}

func (s *Store) random(bytes int) (string, error) {
	b := make([]byte, bytes)
	if _, err := io.ReadFull(s.Random, b); err != nil {
		return "", fmt.Errorf("random bytes for a rule: %w", err)
	}
	return hex.EncodeToString(b), nil
}

func (s *Store) load(ctx context.Context, t tenant.ID) (out rules, err error) {
	for next := ""; ; {
		page, err := s.Table.List(ctx, table.Query{Partition: partition(t), Next: next})
		if err != nil {
			return rules{}, err
		}
		for _, item := range page.Items {
			if err := out.add(item); err != nil {
				return rules{}, fmt.Errorf("rule %s of %s: %w", item.Key.Sort, t, err)
			}
		}
		if next = page.Next; next == "" {
			return out, nil
		}
	}
}

func (r *rules) add(item table.Item) error {
	switch {
	case item.Key.Sort == saltSort:
		r.salt = string(item.Body)
	case strings.HasPrefix(item.Key.Sort, filterPrefix):
		var f RowFilter
		if err := json.Unmarshal(item.Body, &f); err != nil {
			return err
		}
		r.filters = append(r.filters, f)
	case strings.HasPrefix(item.Key.Sort, grantPrefix):
		var g Grant
		if err := json.Unmarshal(item.Body, &g); err != nil {
			return err
		}
		r.grants = append(r.grants, g)
	case strings.HasPrefix(item.Key.Sort, carriedPrefix):
		var c Carried
		if err := json.Unmarshal(item.Body, &c); err != nil {
			return err
		}
		r.carried = append(r.carried, c)
	case strings.HasPrefix(item.Key.Sort, maskPrefix):
		var m ColumnMask
		if err := json.Unmarshal(item.Body, &m); err != nil {
			return err
		}
		r.masks = append(r.masks, m)
	}
	return nil
}
