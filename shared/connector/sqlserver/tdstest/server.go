// Package tdstest serves the Tabular Data Stream protocol, in which SQL Server speaks, as
// far as a client needs it that only reads: [MS-TDS] 7.4, without encryption. What is
// answered to statements is a test's own.
package tdstest

import (
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"testing"
)

// Login is what a client says of itself.
type Login struct {
	User, Password, Database, App string
	ReadOnly                      bool // the application's intent
}

// Answer is what a statement returns. Without columns it returns no rows.
type Answer struct {
	Columns []Column
	Rows    [][][]byte // values as their types encode them
}

// Column is a column of an Answer.
type Column struct {
	Name string
	Type Type
}

// Error is an error of the server.
type Error struct {
	Number  int32
	Message string
}

func (e Error) Error() string { return e.Message }

// Handler answers.
type Handler interface {
	Login(l Login) error // an Error refuses it
	Query(l Login, statement string) (Answer, error)
	Begin(isolation byte)
}

// Start serves on an address of this machine until the test ends.
func Start(t *testing.T, h Handler) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections sync.WaitGroup
	ended := make(chan struct{})
	t.Cleanup(func() {
		close(ended)
		_ = listener.Close()
		connections.Wait()
	})
	connections.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			connections.Go(func() {
				<-ended
				_ = conn.Close() // some clients that were refused leave it open
			})
			connections.Go(func() {
				defer func() { _ = conn.Close() }()
				s := &session{conn: conn, handler: h}
				if err := s.serve(); err != nil && !errors.Is(err, errEnded) {
					t.Errorf("a connection: %v", err)
				}
			})
		}
	})
	return listener.Addr().String()
}

// session is a connection of a client.
type session struct {
	conn    net.Conn
	handler Handler
	login   Login
	out     []byte // tokens of an answer
}

// Kinds of messages.
const (
	kindBatch       = 1
	kindReply       = 4
	kindAttention   = 6
	kindTransaction = 14
	kindLogin       = 16
	kindPrelogin    = 18
)

// notEncrypted is what the server says of encryption: it has none.
const notEncrypted = 2

func (s *session) serve() error {
	for {
		kind, body, err := s.receive()
		if err != nil {
			return err
		}
		s.out = nil
		switch kind {
		case kindPrelogin:
			// The options version and encryption, where they are and how long, an end, and their values.
			s.out = append(s.out, 0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0, 0, 0, 0, notEncrypted)
		case kindLogin:
			err = s.signIn(body)
		case kindBatch:
			s.answer(body)
		case kindTransaction:
			s.transact(body)
		case kindAttention:
			s.done(doneAttention, 0)
		default:
			err = errors.New("a message of a kind that is not served")
		}
		if err != nil {
			return err
		}
		if err := s.send(); err != nil {
			return err
		}
	}
}

func (s *session) signIn(body []byte) error {
	l, err := readLogin(body)
	if err != nil {
		return err
	}
	s.login = l
	if err := s.handler.Login(l); err != nil {
		s.fail(err)
		return nil
	}
	program := append([]byte{1, 0x74, 0, 0, 4, 4}, toUTF16("Test")...)
	s.token(tokenLoginAck, append(program, 16, 0, 0, 0))
	s.done(0, 0)
	return nil
}

// answer runs a statement, which stands behind headers that say how long they are.
func (s *session) answer(body []byte) {
	a, err := s.handler.Query(s.login, fromUTF16(body[binary.LittleEndian.Uint32(body):]))
	if err != nil {
		s.fail(err)
		return
	}
	if len(a.Columns) > 0 {
		s.metadata(a.Columns)
		for _, row := range a.Rows {
			s.out = append(s.out, tokenRow)
			for _, value := range row {
				s.out = append(s.out, value...)
			}
		}
	}
	s.done(doneCount, len(a.Rows))
}

// Requests and changes of transactions.
const (
	requestBegin  = 5
	changedBegin  = 8
	changedCommit = 9
	changedBack   = 10
	requestCommit = 7
)

// transact begins or ends a transaction. Nothing is written, so there is nothing to it.
func (s *session) transact(body []byte) {
	body = body[binary.LittleEndian.Uint32(body):]
	id := []byte{8, 1, 2, 3, 4, 5, 6, 7, 8}
	switch binary.LittleEndian.Uint16(body) {
	case requestBegin:
		s.handler.Begin(body[2])
		s.token(tokenChanged, append(append([]byte{changedBegin}, id...), 0))
	case requestCommit:
		s.token(tokenChanged, append([]byte{changedCommit, 0}, id...))
	default:
		s.token(tokenChanged, append([]byte{changedBack, 0}, id...))
	}
	s.done(0, 0)
}
