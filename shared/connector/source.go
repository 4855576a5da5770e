package connector

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/rows"
)

// Source is another system, connected. One goroutine uses it. What is wrong with the
// connection string or the tables is fault.Invalid or fault.NotFound, what another try may
// mend fault.Unavailable; no error's text holds a secret.
type Source interface {
	// Check returns an error unless the source answers and may be read.
	Check(ctx context.Context) error

	// Discover lists the tables that can be read.
	Discover(ctx context.Context) ([]Relation, error)

	// Read returns the rows of a table from a position on, as they are at one moment,
	// in batches of bounded memory. It ends when there are no more for now. To iterate
	// again reads again.
	Read(ctx context.Context, r Read) iter.Seq2[Batch, error]

	// Close lets go of the connection.
	Close()
}

// Read is what is read of a table. The order of rows is that of its mode: of Incremental
// cursor and key, of Changes key, of Full any.
type Read struct {
	Table Table
	From  json.RawMessage // the Next of a batch before; nil: from the first row
	Rows  int             // of a batch, about; zero: what the source thinks good
}

// Batch is some rows, what among them was none, and the position from which the rows after
// them are read.
type Batch struct {
	Rows rows.Batch
	Bad  []load.Bad
	Next json.RawMessage
}

// part returns the batch as a load has it.
func (b Batch) part() load.Part { return load.Part{Rows: b.Rows, Bad: b.Bad} }

// Mark is a place in a source's log of changes. Later ones are greater, as text.
type Mark string

// Feed is a Source with a log of changes. A subscription keeps what has changed since it
// was made, until that is confirmed.
type Feed interface {
	Source

	// Subscribe makes sure that a subscription covers the tables: what of them is read
	// after it, and the changes that it holds, are together everything. One that must
	// be there but is not is fault.NotFound.
	Subscribe(ctx context.Context, name string, tables []Table, must bool) error

	// End returns the end of the log as it is now.
	End(ctx context.Context) (Mark, error)

	// Changes returns what has changed and was not confirmed, in the order of commits,
	// up to a mark. Most bounds how much, but a transaction stays whole.
	Changes(ctx context.Context, name string, tables []Table, until Mark, most int) (Changed, error)

	// Fetch returns the rows that keys name as they are after all that was returned with
	// them, with the keys themselves as gone: those without a row are no more.
	Fetch(ctx context.Context, t Table, c Changed) iter.Seq2[load.Part, error]

	// Confirm lets the subscription forget what is up to a mark.
	Confirm(ctx context.Context, name string, through Mark) error

	// Unsubscribe removes the subscriptions whose names begin so, but for one.
	Unsubscribe(ctx context.Context, prefix, but string) error
}

// Changed is what has changed.
type Changed struct {
	Tables  map[string]Keys // by Table.Table
	Through Mark
	More    bool // there is more up to the mark that was asked for
	Seen    any  // the source's own, for Fetch
}

// Keys are those of rows that have changed.
type Keys struct {
	Texts [][]string // in the order of the table's key
	All   bool       // all rows may have: they have to be read anew
}

// Relation is a table that a source has.
type Relation struct {
	Table   string   `json:"table" example:"public.orders"`
	Columns []Column `json:"columns"`
	Key     []string `json:"key,omitempty" doc:"the primary key"`
}

// Column is a column of a Relation.
type Column struct {
	Name     string       `json:"name"`
	Type     string       `json:"type" doc:"as the source calls it" example:"numeric(10,2)"`
	Becomes  dataset.Type `json:"becomes" doc:"as a dataset has it, while all values fit"`
	Nullable bool         `json:"nullable"`
}
