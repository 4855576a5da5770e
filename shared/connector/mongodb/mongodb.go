// Package mongodb reads MongoDB: collections whole, or by a cursor field. It sends commands
// that read, and no others. A document's fields become columns, whose types are those of
// the values that a batch has. docs/connectors.md says what becomes of which.
package mongodb

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
)

// Kind is the kind of connectors that read MongoDB.
const Kind connector.Kind = "mongodb"

// How long is waited: for a server to be found, for the answer to a small question, and for
// the server's part in reading a collection.
const (
	findTime = 10 * time.Second
	askTime  = 5 * time.Minute
	readTime = time.Hour
)

// Driver reaches MongoDB.
type Driver struct {
	Dial     Dial
	Resolver Resolver              // for mongodb+srv
	Monitor  *event.CommandMonitor // nil: nobody looks on
}

// settings are those of a connector.
type settings struct {
	Snapshot *bool `json:"snapshot,omitempty"` // false: mode full reads without one
}

func settingsOf(text json.RawMessage) (s settings, err error) {
	if len(text) == 0 {
		return s, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if d.Decode(&s) != nil || d.More() {
		return s, fault.New(fault.Invalid, "bad_settings", "a connector of this kind has one setting").WithHint(`{"snapshot": false}, or leave "settings" out`)
	}
	return s, nil
}

// Check implements connector.Driver.
func (Driver) Check(c connector.Config) error {
	_, bad := parse(string(c.DSN.Reveal()))
	_, worse := settingsOf(c.Settings)
	for _, t := range c.Tables {
		bad = cmp.Or(bad, checkTable(t))
	}
	return cmp.Or(bad, worse)
}

func checkTable(t connector.Table) error {
	if t.Mode == connector.Changes {
		return fault.New(fault.Invalid, "no_changes", "the changes of a MongoDB are not read").WithHint("use mode incremental or full")
	}
	if strings.Contains(t.Cursor, ".") || strings.HasPrefix(t.Cursor, "$") {
		return fault.New(fault.Invalid, "bad_cursor", "%.80q cannot be a cursor: it is no field of the document itself", t.Cursor).
			WithHint("name a field of the document itself, not one of an embedded document")
	}
	return nil
}

// Open implements connector.Driver.
func (d Driver) Open(ctx context.Context, c connector.Config) (connector.Source, error) {
	t, err := parse(string(c.DSN.Reveal()))
	if err != nil {
		return nil, err
	}
	set, err := settingsOf(c.Settings)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, findTime+5*time.Second)
	defer cancel()
	if t, err = t.resolve(ctx, d.Resolver); err != nil {
		return nil, err
	}
	g := &gate{dial: d.Dial, hosts: t.hosts, shut: cancel, refused: map[string]bool{}}
	client, err := mongo.Connect(d.options(t, g))
	if err != nil {
		return nil, badDSN() // without the cause, which may quote it
	}
	s := &Source{client: client, db: client.Database(t.database), snapshot: set.Snapshot == nil || *set.Snapshot}
	if s.prefer, err = readpref.New(t.prefer); err != nil {
		return nil, badOption()
	}
	err = s.hello(ctx)
	if err == nil {
		return s, nil
	}
	s.Close()
	if g.refuses() && !fault.Is(err, fault.Invalid) {
		return nil, forbidden()
	}
	return nil, err
}

// options are the driver's. None of them is read from a text, a file or the environment; a
// certificate's revocation is not asked for where the certificate says, as that may be
// any address.
func (d Driver) options(t target, g *gate) *options.ClientOptions {
	o := options.Client().SetHosts(t.hosts).SetDialer(g).SetAppName("tarn").SetMonitor(d.Monitor).
		SetServerSelectionTimeout(findTime).SetConnectTimeout(findTime).SetDisableOCSPEndpointCheck(true).SetMaxPoolSize(2)
	if t.user != "" {
		o.SetAuth(options.Credential{AuthMechanism: t.mechanism, AuthSource: t.source, Username: t.user, Password: t.password, PasswordSet: true})
	}
	if t.replicaSet != "" {
		o.SetReplicaSet(t.replicaSet)
	}
	if t.direct {
		o.SetDirect(true)
	}
	if t.secure {
		o.SetTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: t.insecure}) // #nosec G402 -- where the connection string says so
	}
	return o
}

// Source is a connected MongoDB.
type Source struct {
	client   *mongo.Client
	db       *mongo.Database
	prefer   *readpref.ReadPref
	snapshot bool // wanted, and there to be had
}

// Close implements connector.Source.
func (s *Source) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.client.Disconnect(ctx)
}

// snapshots is the version of the protocol from which a find can read one moment (MongoDB 5.0).
const snapshots = 13

// hello asks what the server is. Replica sets and clusters can read one moment.
func (s *Source) hello(ctx context.Context) error {
	var is struct {
		Set     string `bson:"setName"`
		Msg     string `bson:"msg"`
		Version int32  `bson:"maxWireVersion"`
	}
	err := s.db.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}, options.RunCmd().SetReadPreference(s.prefer)).Decode(&is)
	s.snapshot = s.snapshot && is.Version >= snapshots && (is.Set != "" || is.Msg == "isdbgrid")
	return faultOf(err)
}

// Check implements connector.Source.
func (s *Source) Check(ctx context.Context) error {
	_, err := s.collections(ctx, bson.D{})
	return err
}

// find is a question to a collection.
type find struct {
	filter   bson.D
	sort     bson.D
	fields   bson.D // nil: all
	limit    int64  // zero: none
	level    string // of the read concern; empty: majority
	collated bool   // the collection compares texts in its own way, which is not asked for
	within   time.Duration
}

func (f find) command(collection string) bson.D {
	c := bson.D{{Key: "find", Value: collection}, {Key: "filter", Value: f.filter}}
	if f.filter == nil {
		c[1].Value = bson.D{}
	}
	if f.sort != nil {
		c = append(c, bson.E{Key: "sort", Value: f.sort})
	}
	if f.fields != nil {
		c = append(c, bson.E{Key: "projection", Value: f.fields})
	}
	if f.limit > 0 {
		c = append(c, bson.E{Key: "limit", Value: f.limit}, bson.E{Key: "singleBatch", Value: true})
	}
	if f.collated {
		c = append(c, bson.E{Key: "collation", Value: bson.D{{Key: "locale", Value: "simple"}}})
	}
	return append(c, bson.E{Key: "readConcern", Value: bson.D{{Key: "level", Value: cmp.Or(f.level, "majority")}}},
		bson.E{Key: "maxTimeMS", Value: f.within.Milliseconds()})
}

// each calls do with every document that a command finds, until it returns false or an
// error. The documents are do's to keep.
func (s *Source) each(ctx context.Context, command bson.D, do func(bson.Raw) (bool, error)) error {
	c, err := s.db.RunCommandCursor(ctx, command, options.RunCmd().SetReadPreference(s.prefer))
	if err != nil {
		return faultOf(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = c.Close(ctx) // which kills it at the server
	}()
	for c.Next(ctx) {
		if err := ctx.Err(); err != nil { // which the driver notices where it asks for more
			return err
		}
		if more, err := do(bytes.Clone(c.Current)); err != nil || !more {
			return err
		}
	}
	return faultOf(c.Err())
}

// first returns the first document that is found, or nil.
func (s *Source) first(ctx context.Context, collection string, f find) (found bson.Raw, err error) {
	f.limit, f.within = 1, askTime
	err = s.each(ctx, f.command(collection), func(doc bson.Raw) (bool, error) {
		found = doc
		return false, nil
	})
	return found, err
}
