package postgres

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/jackc/pglogrepl"
)

// parse reads a message. The library trusts what a message says of its own lengths: it makes
// room for that much, and panics where there is less.
func parse(raw []byte) (m pglogrepl.Message, err error) {
	broken := fmt.Errorf("log of changes: a message of %d bytes is broken", len(raw))
	if !fits(raw) {
		return nil, broken
	}
	defer func() {
		if recover() != nil {
			m, err = nil, broken
		}
	}()
	if m, err = pglogrepl.Parse(raw); err != nil {
		return nil, fmt.Errorf("log of changes: %w", err)
	}
	return m, nil
}

// fits reports whether a message is as long as the lengths in it.
func fits(raw []byte) bool {
	const head = 5 // the type, and a relation or a number of them
	if len(raw) < head {
		return true // there are none
	}
	switch pglogrepl.MessageType(raw[0]) {
	case pglogrepl.MessageTypeTruncate:
		return int(binary.BigEndian.Uint32(raw[1:])) <= len(raw)/4
	case pglogrepl.MessageTypeInsert, pglogrepl.MessageTypeUpdate, pglogrepl.MessageTypeDelete:
		return tuplesFit(raw[head:])
	}
	return true
}

// tuplesFit walks over tuples: a letter, the number of columns, and of each a letter and, of
// a value, its length and bytes.
func tuplesFit(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 3 {
			return false
		}
		columns := binary.BigEndian.Uint16(b[1:])
		b = b[3:]
		for range columns {
			if len(b) == 0 {
				return false
			}
			what := b[0]
			if b = b[1:]; what != pglogrepl.TupleDataTypeText && what != pglogrepl.TupleDataTypeBinary {
				continue
			}
			if len(b) < 4 || int(binary.BigEndian.Uint32(b)) > len(b)-4 {
				return false
			}
			b = b[4+binary.BigEndian.Uint32(b):]
		}
	}
	return true
}

func unhex(data []byte) ([]byte, error) {
	raw, err := hex.DecodeString(strings.TrimPrefix(string(data), `\x`))
	if err != nil {
		return nil, fmt.Errorf("log of changes: %w", err)
	}
	return raw, nil
}
