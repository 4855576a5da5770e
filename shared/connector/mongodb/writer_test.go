package mongodb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/mongodb"
	"github.com/tarnhq/tarn/shared/connector/mongodb/mongodbtest"
)

// accounts is how many there are at first.
func accounts() int {
	if testing.Short() {
		return 300
	}
	return 2000
}

// account is a document of the table accounts.
type account struct {
	ID      bson.ObjectID `bson:"_id"`
	Balance int64         `bson:"balance"`
	Changed time.Time     `bson:"changed"`
}

func (a account) json() string {
	return fmt.Sprintf(`{"_id":"%s","balance":%d,"changed":"%s"}`, a.ID.Hex(), a.Balance, a.Changed.UTC().Format(time.RFC3339Nano))
}

// TestTenKilledSyncsEndInWhatTheSourceHas writes on while ten syncs go, each killed at some
// call, after which the dataset is what the collection is.
func TestTenKilledSyncsEndInWhatTheSourceHas(t *testing.T) {
	o := newOrigin(t, mongodbtest.Start(t))
	all := make([]any, accounts())
	for i := range all {
		all[i] = account{ID: bson.NewObjectID(), Changed: time.Now().Add(time.Duration(i-len(all)) * time.Minute)}
	}
	c := o.db.Collection("accounts")
	if _, err := c.InsertMany(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "changed", Value: 1}, {Key: "_id", Value: 1}}}); err != nil {
		t.Fatal(err)
	}
	w := connectortest.NewWorld(connector.Drivers{mongodb.Kind: driver(t)})
	w.Rows = accounts() / 6 // of a load: the first takes several
	connection := w.Create(t, connector.Spec{Name: "bank", Kind: mongodb.Kind, DSN: o.DSN(),
		Tables: []connector.Table{{Table: "accounts", Dataset: "accounts", Cursor: "changed", Key: []string{"_id"}, Window: "5s"}}})
	stop := o.write(t, c, all)
	random := rand.New(rand.NewPCG(1, 2))
	killed, calls := 0, 30
	for range 10 {
		w.Kill(1 + random.IntN(calls))
		w.Sync(t, connection, false)
		if w.Struck() {
			killed++
		}
		calls = max(10, w.Kill(0)/2)
	}
	writes := stop()
	w.Sync(t, connection, false)
	if killed < 8 || writes < 100 {
		t.Errorf("%d of 10 syncs were killed, and %d documents written", killed, writes)
	}
	if diff := cmp.Diff(o.accounts(t, c), w.Has(t, "accounts")); diff != "" {
		t.Errorf("-source +dataset:\n%s", diff)
	}
}

func (o origin) accounts(t *testing.T, c *mongo.Collection) (rows []string) {
	t.Helper()
	found, err := c.Find(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	var all []account
	if err := found.All(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		rows = append(rows, a.json())
	}
	slices.Sort(rows)
	return rows
}

// write changes accounts and adds new ones until stop is called, which says how many.
func (o origin) write(t *testing.T, c *mongo.Collection, all []any) (stop func() int) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	writes := 0
	go func() {
		random := rand.New(rand.NewPCG(3, 4))
		for ctx.Err() == nil {
			a := all[random.IntN(len(all))].(account)
			if writes%3 == 0 {
				a.ID = bson.NewObjectID()
			}
			a.Balance, a.Changed = random.Int64(), time.Now()
			if _, err := c.ReplaceOne(context.WithoutCancel(ctx), bson.D{{Key: "_id", Value: a.ID}}, a, options.Replace().SetUpsert(true)); err != nil {
				done <- err
				return
			}
			writes++
		}
		done <- nil
	}()
	return func() int {
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		return writes
	}
}
