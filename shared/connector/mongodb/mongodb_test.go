package mongodb_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/mongodb"
	"github.com/tarnhq/tarn/shared/connector/mongodb/mongodbtest"
	"github.com/tarnhq/tarn/shared/outbound"
	"github.com/tarnhq/tarn/shared/secret"
)

// reads are the commands that a source may send: none of them writes.
var reads = map[string]bool{"hello": true, "listCollections": true, "find": true, "getMore": true, "killCursors": true, "endSessions": true}

// driver may reach this machine, and send what reads.
func driver(t *testing.T) mongodb.Driver {
	t.Helper()
	loopback, err := outbound.ParseNetworks("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	return mongodb.Driver{Dial: outbound.Dialer(outbound.Options{Allow: loopback}).DialContext, Monitor: &event.CommandMonitor{
		Started: func(_ context.Context, e *event.CommandStartedEvent) {
			if !reads[e.CommandName] {
				t.Errorf("the source sends %s", e.CommandName)
			}
		},
	}}
}

func TestMongoDBKeepsThePromisesOfAConnector(t *testing.T) {
	server := mongodbtest.Start(t)
	connectortest.Suite{
		Kind: mongodb.Kind, Driver: driver(t), Guarded: mongodb.Driver{Dial: outbound.Dialer(outbound.Options{}).DialContext},
		Dialled: func(d connectortest.Dial) connector.Driver { return mongodb.Driver{Dial: mongodb.Dial(d)} },
		Origin:  func(t *testing.T) connectortest.Origin { return newOrigin(t, server) }, ID: "_id",
	}.Run(t)
}

var databases atomic.Int32

// origin is a database of a test's own.
type origin struct {
	mongodbtest.Server
	db *mongo.Database
}

func newOrigin(t *testing.T, server mongodbtest.Server) origin {
	t.Helper()
	return origin{server, server.Client.Database(fmt.Sprint("test", databases.Add(1)))}
}

func (o origin) DSN() secret.Value { return secret.New([]byte(o.Server.DSN(o.db.Name()))) }

func (o origin) Password() string { return mongodbtest.Password }

func (o origin) WrongPassword() secret.Value {
	return secret.New([]byte(strings.Replace(o.Server.DSN(o.db.Name()), "s3cret", "wrong-s3cret", 1)))
}

// Make makes a collection. How wide its documents are to be is noted in another database,
// as collections have no columns.
func (o origin) Make(t *testing.T, table string, wide int) {
	t.Helper()
	if err := o.db.CreateCollection(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	o.insert(t, o.widths(), bson.D{{Key: "_id", Value: table}, {Key: "wide", Value: wide}})
}

func (o origin) widths() *mongo.Collection {
	return o.Client.Database(o.db.Name() + "_widths").Collection("widths")
}

func (o origin) insert(t *testing.T, c *mongo.Collection, doc bson.D) {
	t.Helper()
	if _, err := c.InsertOne(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
}

func (o origin) Put(t *testing.T, table string, items ...connectortest.Item) {
	t.Helper()
	var width struct{ Wide int }
	if err := o.widths().FindOne(t.Context(), bson.D{{Key: "_id", Value: table}}).Decode(&width); err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		doc := bson.D{{Key: "_id", Value: i.ID}, {Key: "at", Value: i.At}, {Key: "name", Value: i.Name}}
		if i.Name == "" {
			doc[2].Value = nil
		}
		for n := range width.Wide {
			doc = append(doc, bson.E{Key: fmt.Sprint("w", n), Value: i.Wide})
		}
		if _, err := o.db.Collection(table).ReplaceOne(t.Context(), bson.D{{Key: "_id", Value: i.ID}}, doc, options.Replace().SetUpsert(true)); err != nil {
			t.Fatal(err)
		}
	}
}

func (o origin) Delete(t *testing.T, table string, ids ...int64) {
	t.Helper()
	for _, id := range ids {
		if _, err := o.db.Collection(table).DeleteOne(t.Context(), bson.D{{Key: "_id", Value: id}}); err != nil {
			t.Fatal(err)
		}
	}
}

// stored are values of the types that the stand-in stores, and what a dataset has of them.
// What it does not store is in TestEveryType.
var stored = []struct {
	value any
	want  string
}{
	{int32(-1), `-1`},
	{int64(9007199254740993), `9007199254740993`},
	{1.5, `1.5`},
	{true, `true`},
	{"a \"quoted\" \\ text\nüñ😀", `"a \"quoted\" \\ text\nüñ😀"`},
	{bson.DateTime(1774751400123), `"2026-03-29T02:30:00.123Z"`},
	{bson.ObjectID{0x65, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, `"650102030405060708090a0b"`},
	{bson.Binary{Subtype: bson.TypeBinaryUUID, Data: []byte("0123456789abcdef")}, `"30313233-3435-3637-3839-616263646566"`},
	{bson.Binary{Data: []byte{0, 255}}, `"00ff"`},
	{bson.D{{Key: "a", Value: bson.A{int32(1), nil}}, {Key: "b", Value: bson.DateTime(0)}}, `{"a":[1,null],"b":{"$date":"1970-01-01T00:00:00Z"}}`},
	{bson.A{}, `[]`},
	{bson.Timestamp{T: 7, I: 2}, `"{\"$timestamp\":{\"t\":7,\"i\":2}}"`},
	{bson.Regex{Pattern: "^a", Options: "i"}, `"{\"$regularExpression\":{\"pattern\":\"^a\",\"options\":\"i\"}}"`},
	{nil, ``},
}

func (o origin) Typed(t *testing.T) (table string, want []string) {
	t.Helper()
	doc, row := bson.D{{Key: "_id", Value: "one"}}, `{"_id":"one"`
	for i, s := range stored {
		name := fmt.Sprintf("c%02d", i)
		doc = append(doc, bson.E{Key: name, Value: s.value})
		if s.want != "" {
			row += `,"` + name + `":` + s.want
		}
	}
	o.insert(t, o.db.Collection("typed"), doc)
	return "typed", []string{row + "}"}
}
