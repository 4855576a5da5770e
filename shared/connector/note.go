package connector

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/load"
)

// note is how far a table was read. It is committed with the rows.
type note struct {
	Seq    int64           `json:"seq"`              // loads so far: no two notes of a table are the same
	At     json.RawMessage `json:"at,omitempty"`     // where the source goes on
	Copied bool            `json:"copied,omitempty"` // of Changes: all rows were read once
	Mark   Mark            `json:"mark,omitempty"`   // of Changes: those up to it are in
}

// after returns the note of a load that begins at n.
func (n note) after(change func(*note)) note {
	n.Seq++
	change(&n)
	return n
}

func (n note) text() json.RawMessage {
	text, err := json.Marshal(n)
	if err != nil {
		panic(err) // plain data
	}
	return text
}

// place is where a table's notes are kept. To read the table in another way, or anew, begins
// with none.
func (c Connector) place(t Table) string {
	return "connector/" + string(c.ID) + "/" + c.Epoch + "/" + t.setup()
}

// loadID names the load that begins at a note, for ever: whoever else begins there does
// the same one.
func (c Connector) loadID(t Table, n note) load.ID {
	sum := sha256.Sum256(n.text())
	return load.ID(c.place(t) + "/" + hex.EncodeToString(sum[:12]))
}

func (x *run) note(ctx context.Context, d dataset.Dataset, t Table) (n note, err error) {
	text, err := x.Loader.Note(ctx, x.job.Tenant, d.ID, x.connector.place(t))
	if err != nil || text == nil {
		return note{}, err
	}
	if err := json.Unmarshal(text, &n); err != nil {
		return note{}, fmt.Errorf("note of table %s: %w", t.Table, err)
	}
	return n, nil
}
