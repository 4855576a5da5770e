// #nosec G115 -- transaction ids are compared by their low halves, which go round

package postgres

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/rows"
)

// fetchKeys is how many rows are asked for by their keys at a time.
const fetchKeys = 50_000

// Fetch implements connector.Feed. Rows are read as they are now: so a large value that an
// update left alone, which the log leaves out, is there, and so is a generated column. The
// moment must be one that has all that the log told of: a transaction is in the log a
// little before others can see it.
func (s *Source) Fetch(ctx context.Context, t connector.Table, c connector.Changed) iter.Seq2[load.Part, error] {
	return func(yield func(load.Part, error) bool) {
		stopped := false
		err := s.fetch(ctx, t, c, func(p load.Part) bool {
			stopped = !yield(p, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(load.Part{}, err)
		}
	}
}

func (s *Source) fetch(ctx context.Context, t connector.Table, c connector.Changed, yield func(load.Part) bool) error {
	defer s.end(ctx)
	seen, _ := c.Seen.(map[uint32]bool)
	err := s.until(ctx, func() (bool, error) {
		s.end(ctx)
		if err := s.begin(ctx); err != nil {
			return false, err
		}
		return s.sees(ctx, seen)
	})
	if err != nil {
		return err
	}
	r, err := s.relation(ctx, t.Table)
	if err != nil {
		return err
	}
	key, err := r.find(t.Key...)
	if err != nil {
		return err
	}
	for texts := c.Tables[t.Table].Texts; len(texts) > 0; {
		some := texts[:min(fetchKeys, len(texts))]
		texts = texts[len(some):]
		part := load.Part{Gone: gone(key, some)}
		if part.Rows, err = s.rowsOf(ctx, t, r.columns, key, some); err != nil || !yield(part) {
			return err
		}
	}
	return nil
}

// sees reports whether the transaction that is open sees others, by the low half of their ids.
func (s *Source) sees(ctx context.Context, others map[uint32]bool) (bool, error) {
	text, err := s.one(ctx, "SELECT pg_current_snapshot()")
	if err != nil {
		return false, err
	}
	parts := strings.SplitN(string(text), ":", 3) // xmin, xmax and those in between that are under way
	if len(parts) != 3 {
		return false, fmt.Errorf("snapshot %q", text)
	}
	end, err := strconv.ParseUint(parts[1], 10, 64)
	if err != nil {
		return false, err
	}
	for id := range others {
		if int32(id-uint32(end)) >= 0 { // ids go round: half of them are later
			return false, nil
		}
	}
	for open := range strings.SplitSeq(parts[2], ",") {
		if n, err := strconv.ParseUint(open, 10, 64); err == nil && others[uint32(n)] {
			return false, nil
		}
	}
	return true, nil
}

// gone are keys as rows of which nothing else is known.
func gone(key []column, texts [][]string) rows.Batch {
	b, how := builder(key)
	values := make([][]byte, len(key))
	for _, one := range texts {
		for i, text := range one {
			values[i] = []byte(text)
		}
		addRow(b, how, values)
	}
	return b.Batch()
}

// rowsOf reads the rows with keys.
func (s *Source) rowsOf(ctx context.Context, t connector.Table, columns, key []column, texts [][]string) (rows.Batch, error) {
	b, how := builder(columns)
	list, on, arrays, args := []string{}, []string{}, []string{}, [][]byte{}
	for _, c := range columns {
		list = append(list, c.selected())
	}
	for i, c := range key {
		arrays = append(arrays, fmt.Sprintf("$%d::text[]", i+1))
		on = append(on, fmt.Sprintf("t.%s = k.k%d::%s", quote(c.name), i, c.typ))
		args = append(args, array(texts, i))
	}
	names := make([]string, len(key))
	for i := range names {
		names[i] = fmt.Sprint("k", i)
	}
	sql := fmt.Sprintf("SELECT %s FROM unnest(%s) AS k(%s) JOIN %s AS t ON %s",
		strings.Join(list, ", "), strings.Join(arrays, ", "), strings.Join(names, ", "), table(t.Table), strings.Join(on, " AND "))
	err := s.each(ctx, sql, args, func(values [][]byte) error {
		addRow(b, how, values)
		return nil
	})
	return b.Batch(), err
}

// array writes one column of keys as PostgreSQL reads an array of texts.
func array(texts [][]string, column int) []byte {
	out := []byte{'{'}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for i, one := range texts {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), escape.Replace(one[column])...), '"')
	}
	return append(out, '}')
}
