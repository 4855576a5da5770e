package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/enrich"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/tabular"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Loaded says what a load did.
type Loaded struct {
	Loaded      int64 `json:"loaded" doc:"rows; of events, those that were acknowledged"`
	Quarantined int64 `json:"quarantined" doc:"records that cannot be stored: they are listed with their lines and the reasons"`
	Replaced    int64 `json:"replaced,omitempty" doc:"rows that are no more"`
	Dropped     int64 `json:"dropped,omitempty" doc:"rows of subjects that were erased; events that the dataset's enrichment drops"`
	Already     bool  `json:"already,omitempty" doc:"a file with the same content had been appended before: nothing was done"`
}

// Loading loads files.
type Loading struct {
	Loader   load.Loader
	Ingest   ingest.Options // of the producers that send events; their ID is set here
	Enricher *enrich.Enricher
}

// Told is told how far a load has come: bytes read, of how many, and rows.
type Told func(read, size, rows int64)

// Load loads a file into a dataset. Repeated it changes nothing, even after a failure of
// which nobody knows what it left: rows of a table become visible at once, and events are
// sent as deliveries that are recognized.
func (l Loading) Load(ctx context.Context, t tenant.ID, d dataset.Dataset, order Order, src tabular.Source, told Told) (Loaded, error) {
	if err := order.Check(d); err != nil {
		return Loaded{}, err
	}
	digest, err := digestOf(ctx, src)
	if err != nil {
		return Loaded{}, err
	}
	options, err := tabular.Detect(ctx, src, order.Name, order.Options)
	if err != nil {
		return Loaded{}, err
	}
	r := &reading{order: order, src: src, options: options, declared: d.Declared, told: told}
	if d.Kind == dataset.Table {
		return l.rows(ctx, t, d, order.loadID(digest), r)
	}
	return l.events(ctx, t, d, digest, r)
}

// Order is a load of a file.
type Order struct {
	Spec
	ID      string // of the order: what it names is done once
	Arrived int64  // of its events, UTC microseconds: the same each time it is repeated
}

// loadID names the load. A file that is appended is known by its content, whoever orders
// it, unless it is asked for again; to replace rows by the same may well be meant.
func (o Order) loadID(digest string) load.ID {
	if o.Mode == load.Append && !o.Again {
		return load.ID("content " + digest)
	}
	return load.ID("file " + o.ID)
}

func digestOf(ctx context.Context, src tabular.Source) (string, error) {
	body, err := src.Open(ctx, 0, -1)
	if err != nil {
		return "", err
	}
	defer body.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, body); err != nil {
		return "", fault.Wrap(fault.Unavailable, "file_unreadable", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (l Loading) rows(ctx context.Context, t tenant.ID, d dataset.Dataset, id load.ID, r *reading) (Loaded, error) {
	done, err := l.Loader.Load(ctx, t, d, load.Plan{ID: id, Mode: r.order.Mode, Key: r.order.Key, Parts: r.loadParts(ctx)})
	if err != nil {
		return Loaded{}, err
	}
	return Loaded{Loaded: done.Rows, Quarantined: done.Quarantined, Replaced: done.Replaced, Dropped: done.Dropped, Already: done.Before && r.order.Mode == load.Append}, nil
}

// reading reads a file, from its beginning each time it is asked to.
type reading struct {
	order    Order
	src      tabular.Source
	options  tabular.Options
	declared []dataset.Column
	told     Told
}

func (r *reading) parts(ctx context.Context) iter.Seq2[tabular.Part, error] {
	return func(yield func(tabular.Part, error) bool) {
		file, err := tabular.Open(ctx, r.src, r.options, r.declared)
		if err != nil {
			yield(tabular.Part{}, err)
			return
		}
		defer file.Close()
		for rows := int64(0); ; {
			part, err := file.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(part, err) || err != nil {
				return
			}
			if rows += int64(part.Rows.Len); r.told != nil {
				r.told(part.Read, r.src.Size(), rows)
			}
		}
	}
}

func (r *reading) loadParts(ctx context.Context) iter.Seq2[load.Part, error] {
	return func(yield func(load.Part, error) bool) {
		for part, err := range r.parts(ctx) {
			out := load.Part{Rows: part.Rows}
			for _, b := range part.Bad {
				out.Bad = append(out.Bad, load.Bad{Row: r.place(part, b.Line), Code: b.Code, Reason: b.Reason, Raw: b.Raw})
			}
			if !yield(out, err) {
				return
			}
		}
	}
}

// place says where in a file something is: "orders.csv:17".
func (r *reading) place(part tabular.Part, line int64) string {
	name := r.order.Name
	if part.Entry != "" {
		name += "/" + part.Entry
	}
	return fmt.Sprintf("%s:%d", name, line)
}
