package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/postgres"
	"github.com/tarnhq/tarn/shared/connector/postgres/postgrestest"
	"github.com/tarnhq/tarn/shared/dataset"
)

func TestASyncWhoseConnectionBreaksAnywhereEndsInTheSameRows(t *testing.T) {
	o := newOrigin(t, postgrestest.Start(t))
	noon := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	o.Make(t, "things", 0)
	var want []string
	for id := range int64(9) {
		at := noon.Add(time.Duration(id) * time.Hour)
		o.Put(t, "things", connectortest.Item{ID: id, At: at, Name: "thing"})
		want = append(want, fmt.Sprintf(`{"at":"%s","id":%d,"name":"thing"}`, at.Format(time.RFC3339), id))
	}
	for mode, table := range map[connector.Mode]connector.Table{
		connector.Full:        {},
		connector.Incremental: {Cursor: "at"},
		connector.Changes:     {Key: []string{"id"}},
	} {
		table.Table, table.Mode, table.Dataset = "things", mode, dataset.Name(mode)
		for after := 200; ; after += stride() {
			w := &connectortest.Wire{Left: after}
			world := connectortest.NewWorld(connector.Drivers{postgres.Kind: postgres.Driver{Dial: w.Dial}})
			world.Rows = 2
			c := world.Create(t, connector.Spec{Name: "crm", Kind: postgres.Kind, Tables: []connector.Table{table}, DSN: o.DSN()})
			world.Sync(t, c, false)
			if diff := cmp.Diff(want, world.Has(t, table.Dataset)); diff != "" {
				t.Errorf("%s, broken after %d bytes: -want +got:\n%s", mode, after, diff)
			}
			whole := w.Left > 0
			w.Left = 0
			release(t, world, c)
			if whole {
				break
			}
		}
	}
}

// release drops what keeps changes, of which a server has room for few.
func release(t *testing.T, w *connectortest.World, c connector.Connector) {
	t.Helper()
	source, err := w.Store().Open(t.Context(), connectortest.Owner, c, w.Drivers)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if err := c.Release(t.Context(), source); err != nil {
		t.Fatal(err)
	}
}

// stride leaves out some bytes where a short test is asked for.
func stride() int {
	if testing.Short() {
		return 997
	}
	return 97
}
