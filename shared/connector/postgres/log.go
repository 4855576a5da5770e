package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pglogrepl"

	"github.com/tarnhq/tarn/shared/connector"
)

// maxKeys bounds the keys of a table in one round; with more, it is copied anew.
const maxKeys = 2_000_000

// Changes implements connector.Feed. It peeks: nothing is confirmed by it.
func (s *Source) Changes(ctx context.Context, name string, tables []connector.Table, until connector.Mark, most int) (connector.Changed, error) {
	l := newLog(tables)
	at, err := lsn(until)
	if err != nil {
		return connector.Changed{}, err
	}
	err = s.each(ctx, `SELECT data FROM pg_logical_slot_peek_binary_changes($1, $2::pg_lsn, $3, 'proto_version', '1', 'publication_names', $4)`,
		[][]byte{[]byte(name), at, []byte(strconv.Itoa(most)), []byte(quote(name))}, func(v [][]byte) error { return l.add(v[0]) })
	if err != nil {
		return connector.Changed{}, err
	}
	return l.changed(until, most), nil
}

// log gathers the keys of the rows that its messages are about.
type log struct {
	tables    map[string]connector.Table // by schema.table
	relations map[uint32]*logged
	keys      map[string]*keys // by Table.Table
	messages  int
	through   pglogrepl.LSN // the end of the last transaction
	seen      map[uint32]bool
}

// logged is a table as the log describes it.
type logged struct {
	table connector.Table
	key   []int // places of the key's columns; nil: not one of ours
}

// keys are those of a table's rows, each once.
type keys struct {
	connector.Keys
	known map[string]bool
}

func newLog(tables []connector.Table) *log {
	l := &log{tables: map[string]connector.Table{}, relations: map[uint32]*logged{}, keys: map[string]*keys{}, seen: map[uint32]bool{}}
	for _, t := range tables {
		schema, local := split(t.Table)
		l.tables[schema+"."+local] = t
	}
	return l
}

// add takes a message, which the text format gives as hex digits.
func (l *log) add(data []byte) error {
	raw, err := unhex(data)
	if err != nil {
		return err
	}
	message, err := parse(raw)
	if err != nil {
		return err
	}
	l.messages++
	switch m := message.(type) {
	case *pglogrepl.BeginMessage:
		l.seen[m.Xid] = true
	case *pglogrepl.CommitMessage:
		l.through = m.TransactionEndLSN
	case *pglogrepl.RelationMessage:
		l.relations[m.RelationID] = l.relation(m)
	case *pglogrepl.InsertMessage:
		l.row(m.RelationID, m.Tuple)
	case *pglogrepl.UpdateMessage:
		l.row(m.RelationID, m.OldTuple)
		l.row(m.RelationID, m.NewTuple)
	case *pglogrepl.DeleteMessage:
		l.row(m.RelationID, m.OldTuple)
	case *pglogrepl.TruncateMessage:
		for _, id := range m.RelationIDs {
			l.all(id)
		}
	}
	return nil
}

// relation finds a table of ours, and its key.
func (l *log) relation(m *pglogrepl.RelationMessage) *logged {
	t, ok := l.tables[m.Namespace+"."+m.RelationName]
	if !ok {
		return &logged{}
	}
	r := &logged{table: t}
	for _, name := range t.Key {
		r.key = append(r.key, slices.IndexFunc(m.Columns, func(c *pglogrepl.RelationMessageColumn) bool { return c.Name == name }))
	}
	return r
}

// of returns the keys of a relation, if it is one of ours.
func (l *log) of(relation uint32) (*logged, *keys) {
	r := l.relations[relation]
	if r == nil || r.key == nil {
		return nil, nil
	}
	k := l.keys[r.table.Table]
	if k == nil {
		k = &keys{known: map[string]bool{}}
		l.keys[r.table.Table] = k
	}
	return r, k
}

// row notes the key of a row. A row without one that can be read is any.
func (l *log) row(relation uint32, tuple *pglogrepl.TupleData) {
	r, k := l.of(relation)
	if r == nil || tuple == nil || k.All {
		return
	}
	texts := make([]string, len(r.key))
	for i, at := range r.key {
		if at < 0 || at >= len(tuple.Columns) || tuple.Columns[at].DataType != pglogrepl.TupleDataTypeText {
			l.all(relation)
			return
		}
		texts[i] = string(tuple.Columns[at].Data)
	}
	id := fmt.Sprintf("%q", texts)
	if k.known[id] {
		return
	}
	k.known[id] = true
	k.Texts = append(k.Texts, texts)
	if len(k.Texts) > maxKeys {
		l.all(relation)
	}
}

// all notes that any row may have changed.
func (l *log) all(relation uint32) {
	if r, k := l.of(relation); r != nil {
		k.Keys, k.known = connector.Keys{All: true}, nil
	}
}

// changed is what was gathered of a round that was to end at a mark, or with a transaction
// that makes it one of that many messages.
func (l *log) changed(until connector.Mark, most int) connector.Changed {
	c := connector.Changed{Tables: map[string]connector.Keys{}, Through: until, Seen: l.seen, More: l.messages >= most}
	if end := mark(l.through); c.More || end > until {
		c.Through = end
	}
	for name, k := range l.keys {
		if k.All || len(k.Texts) > 0 {
			c.Tables[name] = k.Keys
		}
	}
	return c
}
