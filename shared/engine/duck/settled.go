package duck

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/lru"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
)

// claim is that a condition is true of every row of a segment. It holds or not for ever:
// neither changes. What the condition compares with is not kept.
type claim struct {
	segment   string // its key
	condition [sha256.Size]byte
}

// standing is what is known of a claim.
type standing int

const (
	raised   standing = iota + 1 // by one question, and not looked into
	refuted                      // there is a row that the condition is not true of
	verified                     // there is none
)

// claimsMemory is how much claims may take, in bytes: about 20,000 of them.
const claimsMemory = 8 << 20

// claimSize is about the memory of a claim besides the key of its segment, in bytes.
const claimSize = 300

// claims remembers them, so that a condition is not tested of rows that are known to meet
// it: what restricts a caller's rows stands in each of their questions.
type claims struct{ kept *lru.Cache[claim, standing] }

func newClaims() claims { return claims{lru.New[claim, standing](claimsMemory)} }

func (c claims) put(of claim, s standing) { c.kept.Put(of, s, claimSize+int64(len(of.segment))) }

// settled are the claims that hold, of those that a statement could do with.
type settled map[claim]bool

// conjunct is one of the conditions that all must be true for a filter to be.
type conjunct struct {
	query.Expr
	hash [sha256.Size]byte
}

func (c conjunct) of(ref segment.Ref) claim { return claim{ref.Key, c.hash} }

func conjuncts(filter *query.Expr) (all []conjunct) {
	if filter == nil {
		return nil
	}
	list := []query.Expr{*filter}
	if filter.Node == query.NodeAnd {
		list = filter.Args
	}
	for _, e := range list {
		text, _ := json.Marshal(e) // holds nothing that cannot be marshalled
		all = append(all, conjunct{e, sha256.Sum256(text)})
	}
	return all
}

// mostConjuncts is up to how many conditions of a filter are looked into.
const mostConjuncts = 8

// settle finds which conditions of a filter are true of all rows of which segments. Who
// asks the second time about a segment has its rows counted.
func (e *Engine) settle(ctx context.Context, filter *query.Expr, sealed selection, paths []string) (settled, error) {
	known, all := settled{}, conjuncts(filter)
	if len(all) > mostConjuncts {
		return known, nil
	}
	for _, condition := range all {
		if !condition.canSettle() {
			continue
		}
		again := selection{}
		var at []string
		for i, ref := range sealed.refs {
			of := condition.of(ref)
			switch was, _ := e.claims.kept.Get(of); was {
			case verified:
				known[of] = true
			case raised:
				again.refs, again.within, at = append(again.refs, ref), append(again.within, true), append(at, paths[i])
			case refuted:
			default:
				e.claims.put(of, raised)
			}
		}
		if err := e.lookInto(ctx, condition, again, at, known); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// canSettle reports whether the condition is of a segment's rows alone, as an audience is
// not, and may be true of all of them, as what says whose they are hardly is.
func (c conjunct) canSettle() bool {
	return !namesAudience(c.Expr) && (c.Field == nil || !slices.Contains(ids, c.Field.Name))
}

func namesAudience(e query.Expr) bool {
	return e.Audience != nil || slices.ContainsFunc(e.Args, namesAudience)
}

// lookInto counts the rows of segments that a condition is true of.
func (e *Engine) lookInto(ctx context.Context, condition conjunct, sealed selection, paths []string, known settled) error {
	var f fields
	f.addFilter(&condition.Expr)
	byPath := make(map[string]segment.Ref, len(paths))
	for i, path := range paths {
		byPath[path] = sealed.refs[i]
	}
	for _, g := range sealed.groups(f, paths) {
		counts, err := e.countEach(ctx, g.counting(f, condition.Expr))
		if err != nil {
			return err
		}
		for i, path := range g.paths {
			ref := byPath[path]
			of, found := condition.of(ref), refuted
			if counts[int64(i)] == ref.Rows {
				found, known[of] = verified, true
			}
			e.claims.put(of, found)
		}
	}
	return nil
}

// counting writes how many rows of each of a group's files, by its place among them, a
// condition is true of.
func (g *group) counting(f fields, condition query.Expr) string {
	columns := make([]string, len(f))
	for i, field := range f {
		columns[i] = fileColumn(g.ref, field)
	}
	return fmt.Sprintf("SELECT place, count(*)\nFROM (SELECT %s, CAST(file_index AS BIGINT) AS place FROM %s) r\nWHERE %s\nGROUP BY place",
		selected(f, columns), g.files(), f.condition(condition))
}

func (e *Engine) countEach(ctx context.Context, statement string) (counts map[int64]int64, err error) {
	rows, err := e.db.QueryContext(ctx, statement)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts = map[int64]int64{}
	for rows.Next() {
		var place, n int64
		if err := rows.Scan(&place, &n); err != nil {
			return nil, err
		}
		counts[place] = n
	}
	return counts, rows.Err()
}

// where parts the conditions of a filter over the sources: those that all of them must
// test, and those that are left to some, because the others are known to meet them. What
// every source meets is neither.
func (s sources) where(r query.Rows) (all, some []conjunct) {
	sealed, _ := s.sealed.of(r.Range, s.paths)
	for _, condition := range conjuncts(r.Filter) {
		met := 0
		for _, ref := range sealed.refs {
			if s.settled[condition.of(ref)] {
				met++
			}
		}
		switch {
		case met == 0:
			all = append(all, condition)
		case met < len(sealed.refs) || len(s.tail) > 0:
			some = append(some, condition)
		}
	}
	return all, some
}

// remainder is segments whose rows are tested for the same conditions.
type remainder struct {
	selection
	paths      []string
	conditions []conjunct
}

// remainders parts segments by which of some conditions they are to be tested for.
func (s sources) remainders(sealed selection, paths []string, some []conjunct) (out []*remainder) {
	byWhich := map[string]*remainder{}
	for i, ref := range sealed.refs {
		var which strings.Builder
		var conditions []conjunct
		for n, condition := range some {
			if !s.settled[condition.of(ref)] {
				fmt.Fprint(&which, n, ",")
				conditions = append(conditions, condition)
			}
		}
		t := byWhich[which.String()]
		if t == nil {
			t = &remainder{selection: selection{buckets: sealed.buckets}, conditions: conditions}
			byWhich[which.String()] = t
			out = append(out, t)
		}
		t.refs, t.within, t.paths = append(t.refs, ref), append(t.within, sealed.within[i]), append(t.paths, paths[i])
	}
	return out
}

// filtered leaves those rows of a scan that conditions are true of.
func (f fields) filtered(scan string, conditions []conjunct) string {
	if len(conditions) == 0 {
		return scan
	}
	return "SELECT * FROM (" + scan + ") r WHERE " + f.conjunction(conditions)
}

// conjunction writes that all of some conditions are true.
func (f fields) conjunction(all []conjunct) string {
	switch len(all) {
	case 0:
		return "true"
	case 1:
		return f.condition(all[0].Expr)
	}
	and := query.Expr{Node: query.NodeAnd}
	for _, c := range all {
		and.Args = append(and.Args, c.Expr)
	}
	return f.condition(and)
}
