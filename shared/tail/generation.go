package tail

import (
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/suppression"
)

// generation is what one seal will commit: the fold of a run of records. It has one
// writer, the worker of its shard; readers see what view returned.
type generation struct {
	after          stream.Sequence // the record that precedes it: a mark, or the end of the generation before
	since          time.Time       // of the first record
	first, through stream.Sequence // of the records; empty while there is none
	schema         dataset.Schema  // what the rows need
	parts          []part
	rows           int
	era            segment.Era         // that the first record's ids were met in
	held           suppression.Edition // that all records were held against, or a later one
	ids            idSet               // of the rows, as far as it was needed
	room           rows.Room           // for the first part
	duplicates     []segment.DuplicateRow
	quarantined    []segment.QuarantineRow
	dropped        []segment.DuplicateRow // marks
	kept           int64                  // bytes of duplicates, quarantined and dropped, roughly
	counts         map[ledger.Account]ledger.Counts
	frozen         *view           // set by freeze
	seen           checkpoint.Seen // set by freeze: positions through the last record
}

// perRow is what a duplicate or quarantined event takes beside its texts, in bytes.
const perRow = 100

// part is a run of rows under one schema. A change of the schema begins the next.
type part struct {
	id      uint64 // unique in the process
	first   int    // the generation's rows before it
	builder *rows.Builder
}

// view is what readers may see of a generation. It does not change.
type view struct {
	after    stream.Sequence
	through  stream.Sequence // empty while there is no record
	schema   dataset.Schema
	parts    []snapshot.Part
	unsealed snapshot.Unsealed
	rows     int
}

func newGeneration(schema dataset.Schema, after stream.Sequence) *generation {
	return &generation{schema: schema, after: after, counts: map[ledger.Account]ledger.Counts{}}
}

// reserve makes room for as much as another generation holds.
func (g *generation) reserve(like *generation) {
	if n := len(like.parts); n > 0 {
		g.room = like.parts[n-1].builder.Room()
	}
}

// id returns the id of a row.
func (g *generation) id(row int) []byte {
	i := len(g.parts) - 1
	for g.parts[i].first > row {
		i--
	}
	return g.parts[i].builder.EventID(row - g.parts[i].first)
}

// empty reports whether no record was folded in.
func (g *generation) empty() bool { return g.first == "" }

// note counts deliveries.
func (g *generation) note(a ledger.Account, some ledger.Counts) {
	if some != (ledger.Counts{}) {
		g.counts[a] = g.counts[a].Plus(some)
	}
}

// size returns the number of rows, duplicates and quarantined events among them, and
// the bytes of memory that they take: nobody fills it by sending the same again.
func (g *generation) size() (rows int, bytes int64) {
	rows, bytes = len(g.duplicates)+len(g.quarantined)+len(g.dropped), g.kept
	for _, p := range g.parts {
		rows += p.builder.Len()
		bytes += p.builder.Size()
	}
	return rows, bytes
}

// quarantine keeps an event that cannot be stored, of which q says the rest.
func (g *generation) quarantine(e *events.Event, why events.Refusal, q segment.QuarantineRow) ledger.Counts {
	q.EventID, q.Code, q.Reason, q.Raw = cloned(e.ID), cloned(why.Code), cloned(why.Reason), append([]byte(nil), q.Raw...)
	g.quarantined = append(g.quarantined, q)
	g.kept += int64(len(q.Raw)+len(e.ID)+len(why.Reason)) + perRow
	return ledger.Counts{Quarantined: 1}
}

// duplicate keeps a copy of an event that is stored already.
func (g *generation) duplicate(e *events.Event, arrived int64) ledger.Counts {
	g.duplicates = append(g.duplicates, segment.DuplicateRow{EventID: cloned(e.ID), Time: e.Time, Received: arrived})
	g.kept += int64(len(e.ID)) + perRow
	return ledger.Counts{Duplicate: 1}
}

// drop keeps a mark of an event, and nothing else.
func (g *generation) drop(hash string, e *events.Event, arrived int64) ledger.Counts {
	g.dropped = append(g.dropped, segment.Mark(hash, e.Time, arrived))
	g.kept += int64(len(hash)) + perRow
	return ledger.Counts{Dropped: 1}
}

// store appends a row under a schema that admits it.
func (g *generation) store(e *events.Event, arrived int64, onConflict dataset.OnConflict, newID func() uint64) events.Refusal {
	n := len(g.parts)
	if n == 0 || g.parts[n-1].builder.Full() || !g.parts[n-1].builder.Admits(e) {
		next, changed, refusal := rows.Resolve(g.schema, e, onConflict)
		if refusal != (events.Refusal{}) {
			return refusal
		}
		if changed {
			g.schema = manifest.MergeSchema(g.schema, next)
		}
		g.begin(part{id: newID(), first: g.rows, builder: rows.NewBuilder(g.schema, onConflict)})
	}
	g.parts[len(g.parts)-1].builder.Append(e, arrived)
	g.rows++
	return events.Refusal{}
}

func (g *generation) begin(p part) {
	if len(g.parts) == 0 {
		p.builder.Reserve(g.room)
	}
	g.parts = append(g.parts, p)
}

// view publishes the generation as it is.
func (g *generation) view() *view {
	if g.frozen != nil {
		return g.frozen
	}
	v := &view{after: g.after, through: g.through, schema: g.schema, unsealed: snapshot.Unsealed{
		Duplicates: g.duplicates[:len(g.duplicates):len(g.duplicates)], Quarantined: g.quarantined[:len(g.quarantined):len(g.quarantined)],
		Dropped: g.dropped[:len(g.dropped):len(g.dropped)],
		Lines:   ledger.Lines(g.counts)}}
	for _, p := range g.parts {
		batch := p.builder.View()
		v.parts = append(v.parts, snapshot.Part{ID: p.id, Rows: batch})
		v.rows += batch.Len
	}
	return v
}

// freeze ends the generation: nothing is added any more.
func (g *generation) freeze(seen checkpoint.Seen) { g.frozen, g.seen = g.view(), seen }
