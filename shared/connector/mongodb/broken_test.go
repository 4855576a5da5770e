package mongodb_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/mongodb"
	"github.com/tarnhq/tarn/shared/connector/mongodb/mongodbtest"
	"github.com/tarnhq/tarn/shared/dataset"
)

func TestASyncWhoseConnectionBreaksAnywhereEndsInTheSameRows(t *testing.T) {
	o := newOrigin(t, mongodbtest.Start(t))
	noon := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	o.Make(t, "things", 0)
	var want []string
	for id := range int64(9) {
		at := noon.Add(time.Duration(id) * time.Hour)
		o.Put(t, "things", connectortest.Item{ID: id, At: at, Name: "thing"})
		want = append(want, fmt.Sprintf(`{"_id":%d,"at":"%s","name":"thing"}`, id, at.Format(time.RFC3339)))
	}
	stride := 97
	if testing.Short() {
		stride = 997
	}
	for mode, table := range map[connector.Mode]connector.Table{connector.Full: {}, connector.Incremental: {Cursor: "at"}} {
		table.Table, table.Mode, table.Dataset = "things", mode, dataset.Name(mode)
		for after, whole := 20, false; !whole; after += stride {
			w := &connectortest.Wire{Left: after}
			world := connectortest.NewWorld(connector.Drivers{mongodb.Kind: mongodb.Driver{Dial: w.Dial}})
			world.Rows = 2
			c := world.Create(t, connector.Spec{Name: "shop", Kind: mongodb.Kind, Tables: []connector.Table{table}, DSN: o.DSN()})
			world.Sync(t, c, false)
			if diff := cmp.Diff(want, world.Has(t, table.Dataset)); diff != "" {
				t.Errorf("%s, broken after %d bytes: -want +got:\n%s", mode, after, diff)
			}
			whole = w.Left > 0
		}
	}
}
