package file

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/tabular"
	"github.com/tarnhq/tarn/shared/tenant"
)

// sending sends the rows of a file as events. It is a producer whose number and positions
// follow from the order and the file, so that what is sent again is recognized; an event
// without an id gets one that says where in which content it stood, so that the same file
// twice is copies.
type sending struct {
	*reading
	loading  Loading
	tenant   tenant.ID
	dataset  dataset.Dataset
	digest   string
	producer *ingest.Producer
	decoder  ingest.Decoder
	text     []byte // memory
	done     Loaded
}

// together is how many rows are sent at a time.
const together = 1000

func (l Loading) events(ctx context.Context, t tenant.ID, d dataset.Dataset, digest string, r *reading) (Loaded, error) {
	options := l.Ingest
	options.ID = events.Producer(xxhash.Sum64String("file "+r.order.ID+" "+digest) | 1)
	if r.order.Again {
		digest = r.order.ID
	}
	accepted := &ingest.Accepted{Table: l.Loader.Manifest.Table, Producer: options.ID, Now: l.Loader.Manifest.Now}
	options.Accepted = accepted
	s := &sending{reading: r, loading: l, tenant: t, dataset: d, digest: digest[:min(16, len(digest))], producer: ingest.NewProducer(options)}
	for part, err := range r.parts(ctx) {
		if err != nil {
			return Loaded{}, err
		}
		if err := s.part(ctx, part); err != nil {
			return Loaded{}, err
		}
	}
	return s.done, accepted.Flush(ctx)
}

func (s *sending) part(ctx context.Context, part tabular.Part) error {
	fixed, properties := parted(part.Rows)
	for from := 0; from < part.Rows.Len; from += together {
		to := min(from+together, part.Rows.Len)
		s.text = s.text[:0]
		for row := from; row < to; row++ {
			s.text = append(s.object(s.text, fixed, properties, row, part), '\n')
		}
		some, err := s.decoder.Decode(s.text, s.order.Arrived)
		if err != nil {
			return err
		}
		if err := s.put(ctx, some); err != nil {
			return err
		}
	}
	var bad []events.Event
	for _, b := range part.Bad {
		bad = append(bad, events.Event{ID: s.idOf(part, b.Line), Time: s.order.Arrived, MadeTime: true,
			Refused: events.Refusal{Code: b.Code, Reason: s.place(part, b.Line) + ": " + b.Reason}, Raw: b.Raw[:min(len(b.Raw), events.MaxEvent)]})
	}
	return s.put(ctx, bad)
}

// parted tells the columns that every event has from properties.
func parted(all rows.Batch) (fixed, properties rows.Batch) {
	fixed.Len, properties.Len = all.Len, all.Len
	for _, c := range all.Columns {
		if slices.ContainsFunc(dataset.Fixed, func(f dataset.Column) bool { return f.Name == c.Name }) && c.Name != dataset.ColumnReceived {
			fixed.Columns = append(fixed.Columns, c)
		} else {
			properties.Columns = append(properties.Columns, c)
		}
	}
	return fixed, properties
}

// object writes a row as a sender would write the event.
func (s *sending) object(dst []byte, fixed, properties rows.Batch, row int, part tabular.Part) []byte {
	begin := len(dst)
	dst = fixed.AppendJSON(dst, row)
	dst = dst[:len(dst)-1] // its end
	member := func(name string) {
		if len(dst) > begin+1 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(append(dst, name...), '"', ':')
	}
	if i := slices.IndexFunc(fixed.Columns, func(c rows.Column) bool { return c.Name == dataset.ColumnEventID }); i < 0 || fixed.Columns[i].IsNull(row) {
		member(dataset.ColumnEventID)
		id, _ := json.Marshal(s.idOf(part, part.Lines[row])) // a string cannot fail
		dst = append(dst, id...)
	}
	if !slices.ContainsFunc(fixed.Columns, func(c rows.Column) bool { return c.Name == dataset.ColumnProperties && !c.IsNull(row) }) {
		member(dataset.ColumnProperties)
		dst = properties.AppendJSON(dst, row)
	}
	return append(dst, '}')
}

func (s *sending) idOf(part tabular.Part, line int64) string {
	if part.Entry == "" {
		return fmt.Sprintf("%s-%d", s.digest, line)
	}
	return fmt.Sprintf("%s-%x-%d", s.digest, xxhash.Sum64String(part.Entry), line)
}

func (s *sending) put(ctx context.Context, some []events.Event) error {
	if len(some) == 0 {
		return nil
	}
	enrichment, err := s.loading.Enricher.Prepare(ctx, s.tenant, s.dataset, some)
	if err != nil {
		return err
	}
	for i := range some {
		switch e := &some[i]; {
		case e.Refused != (events.Refusal{}):
			s.done.Quarantined++
		case e.Dropped != 0:
			s.done.Dropped++
		default:
			s.done.Loaded++
		}
	}
	_, err = s.producer.Put(ctx, ingest.Batch{Tenant: s.tenant, Dataset: s.dataset.ID, Arrived: s.order.Arrived, Events: some, Enrichment: enrichment})
	return err
}
