package redrive

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/tarnhq/tarn/shared/stream"
)

// failedBatch is the part of Lambda's invocation record that matters. The payload
// is what the function was called with, as text that holds JSON.
type failedBatch struct {
	Payload payload `json:"payload"`
}

type payload struct {
	Records []struct {
		EventSourceARN string `json:"eventSourceARN"`
		Kinesis        struct {
			PartitionKey string `json:"partitionKey"`
			Data         []byte `json:"data"`
		} `json:"kinesis"`
	} `json:"Records"`
	kafka bool            // whose records are no list
	text  json.RawMessage // the event itself
}

// UnmarshalJSON takes the payload as text, and as the object that the text holds.
func (p *payload) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = []byte(text)
	}
	p.text = bytes.Clone(raw)
	var kafka struct {
		EventSource string `json:"eventSource"` // Kinesis says it of each record
	}
	if json.Unmarshal(raw, &kafka) == nil && kafka.EventSource != "" {
		p.kafka = true
		return nil
	}
	type plain payload
	return json.Unmarshal(raw, (*plain)(p))
}

// foreign reports whether a batch comes from a stream that others write: its records are
// none of Tarn's own, and must not get onto its stream as they are.
func (p *payload) foreign(own string) bool {
	for _, r := range p.Records {
		if r.EventSourceARN != "" && !strings.HasSuffix(r.EventSourceARN, ":stream/"+own) {
			return true
		}
	}
	return p.kafka
}

// decode returns the records of a failed batch, in order.
func decode(batch failedBatch, hash func(string) stream.Hash) ([]stream.Entry, error) {
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
