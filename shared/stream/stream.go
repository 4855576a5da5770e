// Package stream is the port for the log that every event crosses: partitioned,
// ordered within a shard, replayable for its retention. Package streamtest holds
// the suite that every implementation passes.
package stream

import (
	"context"
	"strings"
	"time"
)

// Limits that hold for every implementation.
const (
	MaxRecord = 1<<20 - 1<<10 // bytes of one record's data; Kinesis counts a key within its mebibyte
	MaxPut    = 500           // records of one Put
	MaxBytes  = 5<<20 - 8<<10 // bytes of one Put, without 500 keys
)

// Sequence is a record's place in its shard: a decimal number wider than 64 bits,
// kept as text. The zero Sequence precedes every record.
type Sequence string

// After reports whether s is later than t. Sequences carry no leading zeros, so
// the longer one is the larger.
func (s Sequence) After(t Sequence) bool {
	if len(s) != len(t) {
		return len(s) > len(t)
	}
	return s > t
}

// Previous returns the sequence one below s, and the zero Sequence for that of "1"
// and below.
func (s Sequence) Previous() Sequence {
	digits := []byte(s)
	for i := len(digits) - 1; i >= 0; i-- {
		if digits[i] > '0' {
			digits[i]--
			break
		}
		digits[i] = '9'
	}
	return Sequence(strings.TrimLeft(string(digits), "0"))
}

// Next returns the sequence one above s, and "1" for the zero Sequence.
func (s Sequence) Next() Sequence {
	digits := []byte(s)
	for i := len(digits) - 1; i >= 0; i-- {
		if digits[i] < '9' {
			digits[i]++
			return Sequence(digits)
		}
		digits[i] = '0'
	}
	return Sequence("1" + string(digits))
}

// ShardID names a shard. It holds no '#' and no '/'.
type ShardID string

// Hash places a record: the shard whose range holds it takes it. It is the upper
// half of a 128-bit hash key; the lower half is zero.
type Hash uint64

// Shard is a part of the stream. Its range is [From, Through], inclusive.
type Shard struct {
	ID            ShardID
	From, Through Hash
	Parents       []ShardID // read them to their end before this one
	Closed        bool      // takes no more records; read it to its end
}

// Entry is a record to be put.
type Entry struct {
	Hash Hash
	Data []byte
}

// Place tells where a record went, or why not. A nil Err means it is stored and
// survives a crash.
type Place struct {
	Shard    ShardID
	Sequence Sequence
	Err      error
}

// Record is a stored entry.
type Record struct {
	Sequence Sequence
	Hash     Hash
	Data     []byte    // do not change it
	Arrived  time.Time // approximate
}

// Stream is the log.
type Stream interface {
	// Put appends entries and returns a Place for each, in order. Records of one
	// Put for one shard keep their order unless some of them fail. An error of the
	// whole call (fault.Unavailable) leaves the outcome of every entry unknown.
	Put(ctx context.Context, entries []Entry) ([]Place, error)

	// Shards lists all shards that still hold records or take them.
	Shards(ctx context.Context) ([]Shard, error)

	// Read returns up to limit records that follow after, waiting up to wait for
	// the first. It returns none when there are none; drained tells that the shard
	// is closed and everything in it has been returned. A sequence older than the
	// retention is fault.NotFound.
	Read(ctx context.Context, shard ShardID, after Sequence, limit int, wait time.Duration) (records []Record, drained bool, err error)
}
