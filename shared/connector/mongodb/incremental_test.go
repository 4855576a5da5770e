package mongodb_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/mongodb"
	"github.com/tarnhq/tarn/shared/connector/mongodb/mongodbtest"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/job"
)

// things is a collection that is read by a cursor.
var things = connector.Table{Table: "things", Dataset: "things", Cursor: "at", Key: []string{"_id"}}

// synced is a world whose connector reads things.
func synced(t *testing.T, o origin, table connector.Table) (*connectortest.World, connector.Connector) {
	t.Helper()
	w := connectortest.NewWorld(connector.Drivers{mongodb.Kind: driver(t)})
	return w, w.Create(t, connector.Spec{Name: "shop", Kind: mongodb.Kind, Tables: []connector.Table{table}, DSN: o.DSN()})
}

func (o origin) put(t *testing.T, values ...any) {
	t.Helper()
	for i := 0; i < len(values); i += 2 {
		o.insert(t, o.db.Collection("things"), bson.D{{Key: "_id", Value: values[i]}, {Key: "at", Value: values[i+1]}})
	}
}

func TestACursorIsANumberATextAnIDOrADate(t *testing.T) {
	server := mongodbtest.Start(t)
	id := func(second, rest byte) bson.ObjectID { return bson.ObjectID{0x65, 0, 0, second, rest} }
	for name, c := range map[string]struct {
		window              connector.Window
		first, late, missed any
		next                any
	}{
		"int":      {first: int32(5000), late: int64(4000), missed: int32(3999), next: int64(1 << 60)},
		"float":    {window: "10", first: 5000.5, late: 4990.5, missed: 4990.25, next: 1e300},
		"number":   {window: "1", first: int32(10), late: 9.5, missed: 8.75, next: int64(11)},
		"text":     {first: "m", late: "m", missed: "l", next: "n"},
		"ObjectId": {window: "2s", first: id(9, 5), late: id(7, 0), missed: id(6, 255), next: id(9, 6)},
		"date":     {window: "1m", first: bson.DateTime(60_000), late: bson.DateTime(0), missed: bson.DateTime(-1), next: bson.DateTime(60_001)},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(t, server)
			table := things
			table.Window = c.window
			w, connection := synced(t, o, table)
			o.put(t, "first", c.first, "null", nil)
			w.Sync(t, connection, false)
			o.put(t, "late", c.late, "missed", c.missed, "next", c.next)
			w.Sync(t, connection, false)
			if got := ids(t, w); !slices.Equal(got, []string{"first", "late", "next"}) {
				t.Errorf("it has %v", got)
			}
		})
	}
}

// ids are the keys in the dataset.
func ids(t *testing.T, w *connectortest.World) (all []string) {
	t.Helper()
	for _, row := range w.Has(t, "things") {
		var r struct {
			ID string `bson:"_id"`
		}
		if err := bson.UnmarshalExtJSON([]byte(row), false, &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r.ID)
	}
	return all
}

func TestTypesThatAConditionWouldPassOverAreRefused(t *testing.T) {
	server := mongodbtest.Start(t)
	for name, c := range map[string]struct {
		code   string
		values []any // _id and cursor
	}{
		"a cursor of two types":       {"bad_cursor", []any{1, bson.DateTime(0), 2, "2026-01-01"}},
		"a cursor that is a document": {"bad_cursor", []any{1, bson.D{}}},
		"a cursor that is a truth":    {"bad_cursor", []any{1, true}},
		"a cursor among arrays":       {"bad_cursor", []any{1, 1, 2, bson.A{2}, 3, 3}},
		"an _id of two types":         {"bad_key", []any{1, 1, "1", 1}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrigin(t, server)
			o.put(t, c.values...)
			w, connection := synced(t, o, things)
			connectortest.Wants(t, w.Try(t, connection, false), c.code)
		})
	}
}

func TestAKeyWhoseTextsWouldMeetIsRefusedInALaterSyncToo(t *testing.T) {
	o := newOrigin(t, mongodbtest.Start(t))
	table := things
	table.Key = []string{"code"}
	w, connection := synced(t, o, table)
	put := func(id int, code any) {
		o.insert(t, o.db.Collection("things"), bson.D{{Key: "_id", Value: id}, {Key: "at", Value: id}, {Key: "code", Value: code}})
	}
	put(1, 1)
	w.Sync(t, connection, false)
	put(2000, int64(2))
	w.Sync(t, connection, false)
	put(4000, "1")
	connectortest.Wants(t, w.Try(t, connection, false), "bad_key")
	if diff := cmp.Diff([]string{`{"_id":1,"at":1,"code":1}`, `{"_id":2000,"at":2000,"code":2}`}, w.Has(t, "things")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAServerThatLagsDoesNotMoveThePassBack(t *testing.T) {
	o := newOrigin(t, mongodbtest.Start(t))
	table := things
	table.Key = nil
	w, connection := synced(t, o, table)
	o.put(t, "a", 1, "b", 2)
	w.Sync(t, connection, false)
	if _, err := o.db.Collection("things").DeleteOne(t.Context(), bson.D{{Key: "_id", Value: "b"}}); err != nil { // as a secondary does not have it yet
		t.Fatal(err)
	}
	w.Sync(t, connection, false)
	o.put(t, "b", 2)
	w.Sync(t, connection, false)
	if got := ids(t, w); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("it has %v", got)
	}
}

func TestAFieldThatOnlyHasNullsMakesNoColumnAndNarrowsNone(t *testing.T) {
	o := newOrigin(t, mongodbtest.Start(t))
	w, connection := synced(t, o, things)
	one := func(id int, v any) {
		o.insert(t, o.db.Collection("things"), bson.D{{Key: "_id", Value: id}, {Key: "at", Value: id * 2000}, {Key: "v", Value: v}})
	}
	for id, v := range []any{nil, 7, nil, 1.5} {
		one(id+1, v)
		if j := w.Sync(t, connection, false); j.State != job.Done {
			t.Fatal(j.State)
		}
	}
	if diff := cmp.Diff([]string{`{"_id":1,"at":2000}`, `{"_id":2,"at":4000,"v":7}`, `{"_id":3,"at":6000}`, `{"_id":4,"at":8000,"v":1.5}`}, w.Has(t, "things")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	schema := w.State(t, "things").Schema
	if at := schema.Find("v"); at < 0 || schema.Columns[at].Type != dataset.Float {
		t.Errorf("the columns are %v", schema.Columns)
	}
}

func TestAPositionThatIsNoneIsAnErrorOfOurs(t *testing.T) {
	o := newOrigin(t, mongodbtest.Start(t))
	o.put(t, 1, 1)
	source, err := driver(t).Open(t.Context(), connector.Config{DSN: o.DSN()})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	for _, from := range []string{`{`, `{"through":{"$numberInt":"1"},"after":[{"$numberInt":"1"}]}`} {
		var f *fault.Error
		for _, err := range source.Read(t.Context(), connector.Read{Table: things, From: []byte(from)}) {
			if err == nil || errors.As(err, &f) {
				t.Errorf("%s: %v", from, err)
			}
		}
	}
}
