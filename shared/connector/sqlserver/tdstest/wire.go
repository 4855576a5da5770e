// #nosec G115 -- a protocol's bytes are parts of numbers

package tdstest

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"unicode/utf16"
)

var errEnded = errors.New("the client has ended the connection")

// packetSize is how long packets of the server are, their head included.
const packetSize = 4096

// receive reads a message, which may be of several packets.
func (s *session) receive() (kind byte, body []byte, err error) {
	for {
		var head [8]byte
		if _, err := io.ReadFull(s.conn, head[:]); err != nil {
			return 0, nil, errEnded
		}
		part := make([]byte, binary.BigEndian.Uint16(head[2:])-8)
		if _, err := io.ReadFull(s.conn, part); err != nil {
			return 0, nil, errEnded
		}
		body = append(body, part...)
		if last := head[1]&1 != 0; last {
			return head[0], body, nil
		}
	}
}

// send writes the answer.
func (s *session) send() error {
	for number := byte(1); ; number++ {
		n := min(len(s.out), packetSize-8)
		head := []byte{kindReply, 0, 0, 0, 0, 0, number, 0}
		if n == len(s.out) {
			head[1] = 1
		}
		binary.BigEndian.PutUint16(head[2:], uint16(n+8))
		if _, err := s.conn.Write(append(head, s.out[:n]...)); err != nil {
			return errEnded
		}
		if s.out = s.out[n:]; head[1] == 1 {
			return nil
		}
	}
}

// Kinds of tokens.
const (
	tokenMetadata = 0x81
	tokenError    = 0xaa
	tokenLoginAck = 0xad
	tokenRow      = 0xd1
	tokenChanged  = 0xe3
	tokenDone     = 0xfd
)

// What a done says.
const (
	doneError     = 2
	doneCount     = 0x10
	doneAttention = 0x20
)

// token adds a token that says how long it is.
func (s *session) token(kind byte, body []byte) {
	s.out = binary.LittleEndian.AppendUint16(append(s.out, kind), uint16(len(body)))
	s.out = append(s.out, body...)
}

func (s *session) done(status uint16, rows int) {
	s.out = binary.LittleEndian.AppendUint16(append(s.out, tokenDone), status)
	s.out = binary.LittleEndian.AppendUint16(s.out, 0xc1)
	s.out = binary.LittleEndian.AppendUint64(s.out, uint64(rows))
}

// fail adds an error, by a number of the server's own if it has one.
func (s *session) fail(err error) {
	known := Error{Number: 50000, Message: err.Error()}
	_ = errors.As(err, &known)
	body := binary.LittleEndian.AppendUint32(nil, uint32(known.Number))
	body = append(body, 1, 14)
	text := toUTF16(known.Message)
	body = append(binary.LittleEndian.AppendUint16(body, uint16(len(text)/2)), text...)
	s.token(tokenError, append(body, 0, 0, 0, 0, 0, 0))
	s.done(doneError, 0)
}

func (s *session) metadata(columns []Column) {
	s.out = binary.LittleEndian.AppendUint16(append(s.out, tokenMetadata), uint16(len(columns)))
	for _, c := range columns {
		s.out = append(s.out, 0, 0, 0, 0, 1, 0) // no type of the user's own; nullable
		s.out = append(s.out, c.Type...)
		name := toUTF16(c.Name)
		s.out = append(append(s.out, byte(len(name)/2)), name...)
	}
}

// readLogin reads a LOGIN7, whose texts stand where its head says.
func readLogin(body []byte) (Login, error) {
	if len(body) < 94 {
		return Login{}, errors.New("a login that is too short")
	}
	at := func(i int) []byte {
		begin, n := int(binary.LittleEndian.Uint16(body[i:])), 2*int(binary.LittleEndian.Uint16(body[i+2:]))
		return body[begin : begin+n]
	}
	password := append([]byte{}, at(44)...)
	for i, b := range password {
		password[i] = bits.RotateLeft8(b^0xa5, 4)
	}
	return Login{User: fromUTF16(at(40)), Password: fromUTF16(password), App: fromUTF16(at(48)), Database: fromUTF16(at(68)), ReadOnly: body[26]&0x20 != 0}, nil
}

func toUTF16(text string) (b []byte) {
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

func fromUTF16(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
