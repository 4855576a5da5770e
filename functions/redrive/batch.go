package redrive

import (
	"encoding/json"
	"errors"

	"github.com/tarnhq/tarn/shared/stream"
)

// failedBatch is the part of Lambda's invocation record that matters. The payload
// is what the function was called with, as text that holds JSON.
type failedBatch struct {
	Payload payload `json:"payload"`
}

type payload struct {
	Records []struct {
		Kinesis struct {
			PartitionKey string `json:"partitionKey"`
			Data         []byte `json:"data"`
		} `json:"kinesis"`
	} `json:"Records"`
}

// UnmarshalJSON takes the payload as text, and as the object that the text holds.
func (p *payload) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = []byte(text)
	}
	type plain payload
	return json.Unmarshal(raw, (*plain)(p))
}

// decode returns the records of a failed batch, in order.
func decode(text []byte, hash func(string) stream.Hash) ([]stream.Entry, error) {
	var batch failedBatch
	if err := json.Unmarshal(text, &batch); err != nil {
		return nil, err
	}
	if len(batch.Payload.Records) == 0 {
		return nil, errors.New("no records")
	}
	entries := make([]stream.Entry, len(batch.Payload.Records))
	for i, r := range batch.Payload.Records {
		if r.Kinesis.PartitionKey == "" {
			return nil, errors.New("a record without a partition key")
		}
		entries[i] = stream.Entry{Hash: hash(r.Kinesis.PartitionKey), Data: r.Kinesis.Data}
	}
	return entries, nil
}
