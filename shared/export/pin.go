package export

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// pin is what an export reads: the segments of one version. Segments that were removed
// since stay for a while; after that the export begins again with a new pin.
type pin struct {
	Dataset  dataset.Dataset  `json:"dataset"`
	Schema   dataset.Schema   `json:"schema"`
	Version  manifest.Version `json:"version"`
	Segments []segment.Ref    `json:"segments"`
}

func pinOf(s snapshot.Snapshot) pin {
	sealed := snapshot.OfState(s.Dataset, s.State)
	return pin{Dataset: s.Dataset, Schema: sealed.Schema, Version: sealed.Version, Segments: sealed.Segments}
}

// rows counts the rows of all segments.
func (p pin) rows() (n int64) {
	for _, s := range p.Segments {
		n += s.Rows
	}
	return n
}

func (p pin) snapshot() snapshot.Snapshot {
	return snapshot.Snapshot{Dataset: p.Dataset, Schema: p.Schema, Version: p.Version, Segments: p.Segments, Release: func() {}}
}

func (p pin) put(ctx context.Context, blobs blob.Store, key string) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("pin %s: %w", key, err)
	}
	return blobs.Put(ctx, key, text)
}

func loadPin(ctx context.Context, blobs blob.Store, key string) (p pin, err error) {
	text, err := read(ctx, blobs, key)
	if err != nil {
		return pin{}, err
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return pin{}, fmt.Errorf("pin %s: %w", key, err)
	}
	return p, nil
}

func read(ctx context.Context, blobs blob.Store, key string) ([]byte, error) {
	body, err := blobs.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil && fault.KindOf(err) == fault.Internal {
		err = fault.Wrap(fault.Unavailable, "blob_unreadable", err)
	}
	return text, err
}
