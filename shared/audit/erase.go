package audit

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// erasedBy is the attribute of an erased payload that names the entry about it.
const erasedBy = "erased"

// erasedAtOnce is how many payloads one entry tells of.
const erasedAtOnce = 50

// Erase erases the payloads of a tenant's entries that match, given as their JSON, with
// their salts, and returns how many there were. The chain stays whole: entries of by say
// which payloads are gone. When Erase fails, a part is erased; doing it again goes on.
func (s *Store) Erase(ctx context.Context, t tenant.ID, by string, match func(payload []byte) bool) (int, error) {
	erased := 0
	all := s.walk(t, payloadKey(t, 0), "")
	for {
		var found []string
		for len(found) < erasedAtOnce {
			item, ok, err := all.next(ctx)
			if err != nil {
				return erased, err
			}
			if !ok {
				break
			}
			if item.Attributes[erasedBy] == "" && match(item.Body) {
				found = append(found, item.Key.Sort)
			}
		}
		if len(found) == 0 {
			return erased, nil
		}
		if err := s.erase(ctx, t, by, found); err != nil {
			return erased, err
		}
		erased += len(found)
	}
}

// erase replaces payloads by the number of the entry that tells of it, which is written
// with them.
func (s *Store) erase(ctx context.Context, t tenant.ID, by string, sorts []string) error {
	c := s.chain(t)
	if err := c.begin(ctx); err != nil {
		return err
	}
	defer c.end()
	names := make([]string, len(sorts))
	for i, sort := range sorts {
		names[i] = strings.TrimLeft(sort, "0")
	}
	e := Event{Tenant: t, By: by, Action: ErasePayloads, On: map[string]string{"entries": strings.Join(names, ",")}, Outcome: Done}
	var tried []Head
	return s.write(ctx, t, c, []Event{e}, func(number uint64) []table.Write {
		writes := make([]table.Write, len(sorts))
		for i, sort := range sorts {
			gone := table.Item{Key: table.Key{Partition: payloads(t), Sort: sort}, Attributes: map[string]string{erasedBy: strconv.FormatUint(number, 10)}}
			writes[i] = table.Put(gone).If(table.Present)
		}
		return writes
	}, &tried)
}

// erases reports whether an entry tells that the payload of another one is erased.
func (e Entry) erases(number uint64) bool {
	return e.Action == ErasePayloads && slices.Contains(strings.Split(e.On["entries"], ","), strconv.FormatUint(number, 10))
}
