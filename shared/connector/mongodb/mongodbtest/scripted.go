// #nosec G115 -- the messages of tests are short

package mongodbtest

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Scripted is a server that answers as a test says: what FerretDB does not store or is not.
// It asks for no password.
type Scripted struct {
	Address string
	TLS     *tls.Config // nil: without
	// Hello is added to the answer to hello.
	Hello bson.D
	// Answer answers every other command; nil: {ok: 1}.
	Answer func(name string, command bson.Raw) bson.D
}

// Serve lets the server answer until the test ends.
func (s *Scripted) Serve(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s.Address = l.Addr().String()
	if s.TLS != nil {
		l = tls.NewListener(l, s.TLS)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.talk(conn)
		}
	}()
}

// The two ways to ask and their answers: the first question of a connection is an old one.
const (
	opReply = 1
	opQuery = 2004
	opMsg   = 2013
)

func (s *Scripted) talk(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	for {
		var header [16]byte // length, id, the id that is answered, operation
		if _, err := io.ReadFull(conn, header[:]); err != nil {
			return
		}
		body := make([]byte, int(binary.LittleEndian.Uint32(header[:]))-len(header))
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		operation := binary.LittleEndian.Uint32(header[12:])
		head, command := []byte{0, 0, 0, 0, 0}, bson.Raw(body[5:]) // flags, and the kind of a section
		if operation == opQuery {
			name := bytes.IndexByte(body[4:], 0) + 4
			head, command = append(make([]byte, 16), 1, 0, 0, 0), bson.Raw(body[name+9:]) // flags, cursor, place, number
			operation = opReply
		}
		answer, err := bson.Marshal(s.answer(command))
		if err != nil {
			return
		}
		out := binary.LittleEndian.AppendUint32(nil, uint32(len(header)+len(head)+len(answer)))
		out = append(append(out, 0, 0, 0, 0), header[4:8]...)
		out = append(append(binary.LittleEndian.AppendUint32(out, operation), head...), answer...)
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

func (s *Scripted) answer(command bson.Raw) bson.D {
	first, err := command.IndexErr(0)
	if err != nil {
		return Failed(22, "InvalidBSON")
	}
	ok := bson.E{Key: "ok", Value: 1}
	switch name := first.Key(); name {
	case "hello", "isMaster", "ismaster":
		return append(bson.D{ok, {Key: "isWritablePrimary", Value: true}, {Key: "helloOk", Value: true}, {Key: "maxWireVersion", Value: 21},
			{Key: "maxBsonObjectSize", Value: 16 << 20}, {Key: "maxMessageSizeBytes", Value: 48 << 20}, {Key: "logicalSessionTimeoutMinutes", Value: 30}}, s.Hello...)
	default:
		if answer := s.Answer(name, command); answer != nil {
			return answer
		}
		return bson.D{ok}
	}
}

// Failed is the answer that a command has failed.
func Failed(code int32, name string) bson.D {
	return bson.D{{Key: "ok", Value: 0}, {Key: "errmsg", Value: "it failed"}, {Key: "code", Value: code}, {Key: "codeName", Value: name}}
}

// Found is the answer to a command that finds. A cursor other than zero has more.
func Found[T any](cursor int64, batch string, docs []T) bson.D {
	return bson.D{{Key: "ok", Value: 1}, {Key: "cursor", Value: bson.D{{Key: "id", Value: cursor}, {Key: "ns", Value: "shop.things"}, {Key: batch, Value: docs}}}}
}
