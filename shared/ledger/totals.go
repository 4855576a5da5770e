package ledger

import (
	"cmp"
	"slices"
)

// Plus returns the totals after one more commit. It shares nothing with t that
// either could change.
func (t Totals) Plus(d Delta) Totals {
	sums := make(map[Account]Counts, len(t.Lines)+len(d.Lines))
	for _, lines := range [][]Line{t.Lines, d.Lines} {
		for _, l := range lines {
			sums[l.Account] = sums[l.Account].Plus(l.Counts)
		}
	}
	return Totals{Lines: Lines(sums), Erased: t.Erased + d.Erased, Expired: t.Expired + d.Expired}
}

// Lines lists sums in order of hour and producer.
func Lines(sums map[Account]Counts) []Line {
	lines := make([]Line, 0, len(sums))
	for account, counts := range sums {
		lines = append(lines, Line{account, counts})
	}
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Producer, b.Producer))
	})
	return lines
}

// Row is the balance of an hour, or of all hours.
//
// Accepted == Stored + Duplicate + Quarantined + Dropped + Pending always holds by
// the way Pending is computed; what proves something is that Pending returns to 0,
// and that Visible, which is counted from the rows themselves, is Stored - Erased.
type Row struct {
	Accepted int64 `json:"accepted" doc:"acknowledged to a sender"`
	Counts
	Pending int64 `json:"pending" doc:"acknowledged and not folded in yet; returns to 0"`
}

// Balance sets the counted fates against what was acknowledged, account by
// account: docs/ledger.md says why the larger of the two is what was accepted.
func Balance(acknowledged map[Account]int64, totals Totals) (sum Row, hours map[Hour]Row) {
	hours = map[Hour]Row{}
	add := func(a Account, acknowledged int64, c Counts) {
		accepted := max(acknowledged, c.Arrived())
		r := hours[a.Hour]
		r.Accepted += accepted
		r.Counts = r.Counts.Plus(c)
		r.Pending += accepted - c.Arrived()
		hours[a.Hour] = r
	}
	seen := make(map[Account]bool, len(totals.Lines))
	for _, l := range totals.Lines {
		seen[l.Account] = true
		add(l.Account, acknowledged[l.Account], l.Counts)
	}
	for a, n := range acknowledged {
		if !seen[a] {
			add(a, n, Counts{})
		}
	}
	for _, r := range hours {
		sum.Accepted += r.Accepted
		sum.Counts = sum.Counts.Plus(r.Counts)
		sum.Pending += r.Pending
	}
	return sum, hours
}
