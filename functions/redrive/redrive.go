// Package redrive puts the batches that the event source gave up on back on the
// stream, and takes those of feeds again. An operator calls it once the cause is mended;
// docs/redrive.md says how.
//
// Records keep their bytes, and with them the positions that tell a second copy
// from a second delivery: a redrive that is cut short can be repeated, and changes
// no count. What it cannot read it leaves where it is.
package redrive

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/feed"
	"github.com/tarnhq/tarn/shared/stream"
)

const (
	folder   = "aws/lambda/"    // where Lambda puts failed batches
	maxFile  = 32 << 20         // bytes of one; an invocation's payload is 6 MB
	reserve  = 30 * time.Second // no batch is begun with less time left
	pageSize = 100
)

// Failures is the part of blob.Store that a redrive uses.
type Failures interface {
	List(ctx context.Context, prefix, next string, limit int) (blob.Page, error)
	Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	Delete(ctx context.Context, key string) error
}

// Putter is the part of stream.Stream that a redrive uses.
type Putter interface {
	Put(ctx context.Context, entries []stream.Entry) ([]stream.Place, error)
}

// Redriver moves batches from the failure store to the stream.
type Redriver struct {
	Failures Failures
	Stream   Putter
	Hash     func(partitionKey string) stream.Hash
	Now      func() time.Time
	Own      string // name of the stream

	// ReadFeed reads a batch of a stream that others write, and Take takes it.
	ReadFeed func(payload []byte) (feed.Feed, []feed.Record, error)
	Take     func(ctx context.Context, f feed.Feed, records []feed.Record) (taken int, err error)
}

// Report is what a run did.
type Report struct {
	Batches    int      `json:"batches"`              // put back, and gone from the failure store
	Records    int      `json:"records"`              // in them
	Unreadable []string `json:"unreadable,omitempty"` // keys of what is no failed batch, left where they are
	More       bool     `json:"more"`                 // time ran out: call again
}

// Run puts back every batch there is, in order of keys, until the deadline is near.
// On an error the batch in hand stays in the failure store; what was done before it
// is done.
func (r Redriver) Run(ctx context.Context) (Report, error) {
	var report Report
	next := ""
	for {
		page, err := r.Failures.List(ctx, folder, next, pageSize)
		if err != nil {
			return report, err
		}
		for _, file := range page.Blobs {
			if r.late(ctx) {
				report.More = true
				return report, nil
			}
			if err := r.move(ctx, file.Key, &report); err != nil {
				return report, fmt.Errorf("batch %s: %w", file.Key, err)
			}
		}
		if page.Next == "" {
			return report, nil
		}
		next = page.Next
	}
}

func (r Redriver) late(ctx context.Context) bool {
	deadline, has := ctx.Deadline()
	return has && r.Now().Add(reserve).After(deadline)
}

func (r Redriver) move(ctx context.Context, key string, report *Report) error {
	text, err := r.read(ctx, key)
	if err != nil {
		return err
	}
	var batch failedBatch
	if err := json.Unmarshal(text, &batch); err != nil {
		report.Unreadable = append(report.Unreadable, key)
		return nil
	}
	send := r.back
	if batch.Payload.foreign(r.Own) {
		send = r.taken
	}
	records, err := send(ctx, batch)
	if records == 0 { // it is no batch, or none of this stage
		report.Unreadable = append(report.Unreadable, key)
		return nil
	}
	if err != nil {
		return err
	}
	if err := r.Failures.Delete(ctx, key); err != nil {
		return err
	}
	report.Batches++
	report.Records += records
	return nil
}

// back puts a batch's records on the stream, and returns how many it has: none of what
// cannot be read.
func (r Redriver) back(ctx context.Context, batch failedBatch) (records int, err error) {
	entries, err := decode(batch, r.Hash)
	if err != nil {
		return 0, err
	}
	for _, put := range puts(entries) {
		if err := r.put(ctx, put); err != nil {
			return len(entries), err
		}
	}
	return len(entries), nil
}

// taken has the events of a feed's batch put on the stream.
func (r Redriver) taken(ctx context.Context, batch failedBatch) (records int, err error) {
	of, all, err := r.ReadFeed(batch.Payload.text)
	if err != nil {
		return 0, err
	}
	_, err = r.Take(ctx, of, all)
	return len(all), err
}

func (r Redriver) read(ctx context.Context, key string) ([]byte, error) {
	body, err := r.Failures.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(io.LimitReader(body, maxFile))
}

// put repeats what the stream refuses as long as it takes something each time.
func (r Redriver) put(ctx context.Context, entries []stream.Entry) error {
	for len(entries) > 0 {
		places, err := r.Stream.Put(ctx, entries)
		if err != nil {
			return err
		}
		var refused []stream.Entry
		for i, place := range places {
			if place.Err != nil {
				refused, err = append(refused, entries[i]), place.Err
			}
		}
		if len(refused) == len(entries) {
			return err
		}
		entries = refused
	}
	return nil
}

// puts divides entries into as few puts as the stream's limits allow.
func puts(entries []stream.Entry) [][]stream.Entry {
	var out [][]stream.Entry
	start, bytes := 0, 0
	for i, e := range entries {
		if i > start && (i-start == stream.MaxPut || bytes+len(e.Data) > stream.MaxBytes) {
			out = append(out, entries[start:i])
			start, bytes = i, 0
		}
		bytes += len(e.Data)
	}
	if start < len(entries) {
		out = append(out, entries[start:])
	}
	return out
}
