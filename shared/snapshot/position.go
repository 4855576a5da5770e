package snapshot

import (
	"encoding/base64"
	"encoding/json"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
)

// Position is a place in each of some shards of the stream.
type Position map[stream.ShardID]stream.Sequence

// Raise moves p forward to a sequence of a shard, never back.
func (p Position) Raise(shard stream.ShardID, to stream.Sequence) {
	if to.After(p[shard]) {
		p[shard] = to
	}
}

// Covers reports whether everything in q has been reached.
func (p Position) Covers(q Position) bool {
	for shard, sequence := range q {
		if sequence.After(p[shard]) {
			return false
		}
	}
	return true
}

// String writes p as the opaque text of the Tarn-Version header.
func (p Position) String() string {
	text, _ := json.Marshal(map[stream.ShardID]stream.Sequence(p)) // text keys and values cannot fail
	return base64.RawURLEncoding.EncodeToString(text)
}

// ParsePosition reads what String wrote. Empty text is the empty Position.
func ParsePosition(text string) (Position, error) {
	if text == "" {
		return nil, nil
	}
	var p Position
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err != nil || len(text) > 16<<10 {
		return nil, fault.New(fault.Invalid, "bad_position", "wait_for is not a Tarn-Version").
			WithHint("give back the Tarn-Version header of an ingest answer unchanged")
	}
	return p, nil
}
