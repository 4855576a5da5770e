package mongodb_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/mongodb"
	"github.com/tarnhq/tarn/shared/connector/mongodb/mongodbtest"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/outbound"
	"github.com/tarnhq/tarn/shared/secret"
)

// shop is a scripted server with one collection, things.
type shop struct {
	mongodbtest.Scripted
	is   bson.D     // of the collection, beside its name
	docs []bson.Raw // in it; the last one comes in a second batch

	mu    sync.Mutex
	finds []bson.Raw // that it was asked
}

func open(t *testing.T, s *shop, config connector.Config) connector.Source {
	t.Helper()
	if s.Answer == nil {
		s.Answer = s.answer
	}
	s.Serve(t)
	for i, e := range s.Hello {
		if e.Key == "hosts" && e.Value == nil {
			s.Hello[i].Value = bson.A{s.Address}
		}
	}
	config.DSN = secret.New([]byte("mongodb://" + s.Address + "/shop"))
	source, err := driver(t).Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.Close)
	return source
}

func (s *shop) answer(name string, command bson.Raw) bson.D {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch name {
	case "listCollections":
		is := bson.D{{Key: "name", Value: "things"}, {Key: "type", Value: "collection"}}
		if s.is != nil {
			is = append(is[:1:1], s.is...)
		}
		return mongodbtest.Found(0, "firstBatch", []bson.D{is})
	case "find":
		s.finds = append(s.finds, command)
		if len(s.docs) > 1 {
			return mongodbtest.Found(7, "firstBatch", s.docs[:len(s.docs)-1])
		}
		return mongodbtest.Found(0, "firstBatch", s.docs)
	case "getMore":
		return mongodbtest.Found(0, "nextBatch", s.docs[len(s.docs)-1:])
	}
	return nil
}

var whole = connector.Table{Table: "things", Dataset: "things", Mode: connector.Full}

// replica is what a member of a replica set says of itself.
func replica(hosts ...string) bson.D {
	var named any
	if len(hosts) > 0 {
		named = hosts
	}
	return bson.D{{Key: "setName", Value: "rs"}, {Key: "setVersion", Value: 1}, {Key: "hosts", Value: named}}
}

func TestAWholeCollectionIsReadAtOneMomentWhereTheServerHasThat(t *testing.T) {
	plain := `{"level":"majority"} {"_id":1}`
	for name, c := range map[string]struct {
		hello, is bson.D
		settings  string
		want      string // read concern and order
	}{
		"a replica set":               {hello: replica(), want: `{"level":"snapshot"} null`},
		"a cluster":                   {hello: bson.D{{Key: "msg", Value: "isdbgrid"}}, want: `{"level":"snapshot"} null`},
		"a server alone":              {want: plain},
		"an old replica set":          {hello: append(replica(), bson.E{Key: "maxWireVersion", Value: 9}), want: plain},
		"who does not want it":        {hello: replica(), settings: `{"snapshot": false}`, want: plain},
		"a view":                      {hello: replica(), is: bson.D{{Key: "type", Value: "view"}}, want: `{"level":"majority"} null`},
		"a capped collection":         {hello: replica(), is: bson.D{{Key: "type", Value: "collection"}, {Key: "options", Value: bson.D{{Key: "capped", Value: true}}}}, want: `{"level":"majority"} null`},
		"a collection of time series": {hello: replica(), is: bson.D{{Key: "type", Value: "timeseries"}}, want: `{"level":"majority"} null`},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shop{docs: []bson.Raw{raw(t, bson.D{{Key: "_id", Value: 1}}), raw(t, bson.D{{Key: "_id", Value: 2}})}}
			s.Hello, s.is = c.hello, c.is
			rows := read(t, open(t, s, connector.Config{Settings: json.RawMessage(c.settings)}), connector.Read{Table: whole})
			if diff := cmp.Diff([]string{`{"_id":1}`, `{"_id":2}`}, rows); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got := shown(t, s.finds[0], "readConcern") + " " + shown(t, s.finds[0], "sort"); got != c.want {
				t.Errorf("asked for %s, want %s", got, c.want)
			}
			if s.finds[0].Lookup("maxTimeMS").AsInt64() <= 0 {
				t.Error("the server is given no time limit")
			}
		})
	}
}

func TestAServerThatRefusesToReadOneMomentIsReadWithout(t *testing.T) {
	s := &shop{docs: []bson.Raw{raw(t, bson.D{{Key: "_id", Value: 1}})}}
	s.Hello = replica()
	s.Answer = func(name string, command bson.Raw) bson.D {
		if name == "find" && shown(t, command, "readConcern") == `{"level":"snapshot"}` {
			return mongodbtest.Failed(72, "InvalidOptions")
		}
		return s.answer(name, command)
	}
	if rows := read(t, open(t, s, connector.Config{}), connector.Read{Table: whole}); len(rows) != 1 || len(s.finds) != 1 {
		t.Errorf("it has %v, after %v", rows, s.finds)
	}
}

func TestACollationOfTheCollectionIsNotAskedFor(t *testing.T) {
	s := &shop{is: bson.D{{Key: "type", Value: "collection"}, {Key: "options", Value: bson.D{{Key: "collation", Value: bson.D{{Key: "locale", Value: "de"}}}}}},
		docs: []bson.Raw{raw(t, bson.D{{Key: "_id", Value: "a"}, {Key: "at", Value: "a"}})}}
	read(t, open(t, s, connector.Config{}), connector.Read{Table: connector.Table{Table: "things", Dataset: "things", Cursor: "at", Key: []string{"_id"}}})
	for _, f := range s.finds {
		if got := shown(t, f, "collation"); got != `{"locale":"simple"}` {
			t.Errorf("%s: collation %s", f, got)
		}
	}
}

func TestTLSIsSpokenAndACertificateThatNobodyKnowsRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: it takes as long as a server is waited for; go test without -short runs it")
	}
	lender := httptest.NewTLSServer(nil)
	defer lender.Close()
	s := &shop{docs: []bson.Raw{raw(t, bson.D{{Key: "_id", Value: 1}})}}
	s.TLS, s.Answer = lender.TLS, s.answer
	s.Serve(t)
	for options, want := range map[string]string{"?tls=true&tlsInsecure=true": "", "?tls=true": "source_unavailable", "": "source_unavailable"} {
		source, err := driver(t).Open(t.Context(), connector.Config{DSN: secret.New([]byte("mongodb://" + s.Address + "/shop" + options))})
		if want == "" && err == nil {
			if rows := read(t, source, connector.Read{Table: whole}); len(rows) != 1 {
				t.Errorf("it has %v", rows)
			}
			source.Close()
			continue
		}
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != want {
			t.Errorf("%q: %v, want %q", options, err, want)
		}
	}
}

func TestMembersThatAServerNamesAreReachedThroughTheSameDialAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: it takes as long as a server is waited for; go test without -short runs it")
	}
	s := &shop{}
	s.Hello, s.Answer = replica("10.9.9.9:27017", "sock.example/tmp/mongodb.sock"), s.answer
	s.Serve(t)
	var mu sync.Mutex
	dialed := map[string]bool{}
	loopback, err := outbound.ParseNetworks("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	d := mongodb.Driver{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		dialed[address] = true
		mu.Unlock()
		return outbound.Dialer(outbound.Options{Allow: loopback}).DialContext(ctx, network, address)
	}}
	_, err = d.Open(t.Context(), connector.Config{DSN: secret.New([]byte("mongodb://" + s.Address + "/shop"))})
	mu.Lock()
	defer mu.Unlock()
	if !dialed["10.9.9.9:27017"] || !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "not public") {
		t.Errorf("dialed %v: %v", dialed, err)
	}
}

func TestAnErrorOfTheServerSaysWhatToDo(t *testing.T) {
	for code, want := range map[int32]struct {
		kind fault.Kind
		code string
	}{
		13:    {fault.Invalid, "source_denied"},
		18:    {fault.Invalid, "source_refused"},
		26:    {fault.NotFound, "unknown_table"},
		43:    {fault.Unavailable, "source_unavailable"}, // the cursor is forgotten
		50:    {fault.Unavailable, "source_timeout"},
		59:    {fault.Invalid, "source_error"}, // no such command
		239:   {fault.Invalid, "snapshot_too_old"},
		292:   {fault.Invalid, "source_error"},
		11600: {fault.Unavailable, "source_unavailable"}, // it stops
	} {
		s := &shop{}
		s.Answer = func(name string, command bson.Raw) bson.D {
			if name == "find" {
				return mongodbtest.Failed(code, "Code")
			}
			return s.answer(name, command)
		}
		source := open(t, s, connector.Config{})
		for _, err := range source.Read(t.Context(), connector.Read{Table: whole}) {
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != want.kind || f.Code != want.code || f.Kind == fault.Invalid && f.Code != "source_error" && f.Hint == "" {
				t.Errorf("error %d becomes %v, want %v", code, err, want)
			}
		}
	}
}

func raw(t interface {
	Helper()
	Fatal(...any)
}, doc bson.D) bson.Raw {
	t.Helper()
	b, err := bson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// shown is a member of a command as JSON.
func shown(t *testing.T, command bson.Raw, name string) string {
	t.Helper()
	v := command.Lookup(name)
	if v.IsZero() {
		return "null"
	}
	text, err := bson.MarshalExtJSON(v.Document(), false, false)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// read returns the rows of a table as JSON.
func read(t *testing.T, source connector.Source, r connector.Read) (all []string) {
	t.Helper()
	for b, err := range source.Read(t.Context(), r) {
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Bad) > 0 {
			t.Fatalf("to quarantine: %+v", b.Bad)
		}
		for row := range b.Rows.Len {
			all = append(all, string(b.Rows.AppendJSON(nil, row)))
		}
	}
	return all
}
