// Package kpl takes apart the records of the Kinesis Producer Library, which packs many
// user records into one: four bytes of magic, a protobuf message, and the MD5 of that.
//
// What the library and its likes do, as seen of aws-kinesis-agg 4.2.8 and of the consumers
// in its repository, awslabs/kinesis-aggregation:
//   - a record that holds one user record alone may be sent plain;
//   - the message's tables of partition keys and hash keys say where each user record
//     would have gone, which is of no use to who reads a shard to its end;
//   - a record that begins with the magic and has another digest at its end is no packed
//     one: some producer's own bytes begin so by chance.
//
// The order of user records is that of the message, and never another, so that a user
// record is known again by its place when the record is delivered again.
package kpl

import (
	"bytes"
	"crypto/md5" // #nosec G501 -- the format's own checksum; nothing is protected by it

	"google.golang.org/protobuf/encoding/protowire"
)

var magic = []byte{0xf3, 0x89, 0x9a, 0xc2}

// Numbers of the fields of the messages AggregatedRecord and Record.
const (
	fieldRecord protowire.Number = 3
	fieldData   protowire.Number = 3
)

// Split returns the data of the user records in a packed record, in order. It reports
// false for what is none. The data share memory with the record.
func Split(record []byte) (user [][]byte, packed bool) {
	message, ok := bytes.CutPrefix(record, magic)
	if !ok || len(message) < md5.Size {
		return nil, false
	}
	message, digest := message[:len(message)-md5.Size], message[len(message)-md5.Size:]
	sum := md5.Sum(message) // #nosec G401 -- likewise
	if !bytes.Equal(sum[:], digest) {
		return nil, false
	}
	ok = each(message, func(field protowire.Number, value []byte) bool {
		if field != fieldRecord {
			return true
		}
		data, has := dataOf(value)
		user = append(user, data)
		return has
	})
	if !ok {
		return nil, false
	}
	return user, true
}

// dataOf returns the data of a user record, which it must have. Of two the last counts, as
// protobuf says.
func dataOf(record []byte) (data []byte, has bool) {
	ok := each(record, func(field protowire.Number, value []byte) bool {
		if field == fieldData {
			data, has = value, true
		}
		return true
	})
	return data, has && ok
}

// each gives the fields of a message that have bytes to f, until f has had enough or the
// message is broken, of which it tells by false.
func each(message []byte, f func(protowire.Number, []byte) bool) bool {
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return false
		}
		message = message[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(field, kind, message); n < 0 {
				return false
			}
			message = message[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(message)
		if n < 0 || !f(field, value) {
			return false
		}
		message = message[n:]
	}
	return true
}
