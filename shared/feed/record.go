package feed

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/feed/kpl"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/ingest/cloudevents"
	"github.com/tarnhq/tarn/shared/ingest/segmentapi"
)

// Record is an entry of a feed as it was put there.
type Record struct {
	Partition string // the partition's or the shard's name
	Place     string // in its partition: what is delivered again has the same, and nothing else ever
	Time      int64  // UTC microseconds, when it was put there as far as the stream knows; zero: it does not
	Data      []byte
}

// earliest and latest bound the times that events may have.
const (
	earliest = -2208988800_000000 // 1900
	latest   = 7258118400_000000  // 2200
)

// at is the time of an event that says none: the record's own, which is the same whenever
// that is delivered.
func (r Record) at(now int64) int64 {
	if r.Time == 0 || r.Time < earliest || r.Time >= latest {
		return now
	}
	return r.Time
}

// reading reads records of one feed. Its decoders are one format's.
type reading struct {
	feed     Feed
	now      int64 // UTC microseconds
	decoders *sync.Pool
	events   []events.Event // of the records read so far
	bytes    int            // of their plain texts
}

// decoder decodes what one record holds. Events are valid until the next call.
type decoder interface {
	Decode(body []byte, arrived int64) ([]events.Event, error)
}

// decoders are kept, because they learn the shapes of events.
var decoders = map[Format]*sync.Pool{
	Own:         {New: func() any { return new(ingest.Decoder) }},
	Segment:     {New: func() any { return new(message) }},
	CloudEvents: {New: func() any { return new(structured) }},
}

// structured decodes CloudEvents in structured mode.
type structured struct{ cloudevents.Decoder }

func (s *structured) Decode(body []byte, arrived int64) ([]events.Event, error) {
	return s.Decoder.Decode(nil, body, "", arrived)
}

// message decodes a message of Segment's API, which is one or a batch of them.
type message struct{ segmentapi.Decoder }

func (m *message) Decode(body []byte, arrived int64) ([]events.Event, error) {
	all, err := m.Decoder.Decode(segmentapi.Batch, body, arrived)
	var e *fault.Error
	if errors.As(err, &e) && e.Code == "no_batch" {
		return m.Decoder.Decode("", body, arrived) // its type says which call it is
	}
	return all, err
}

func newReading(f Feed, now int64) *reading {
	format := f.Format
	if format == "" {
		format = Own
	}
	return &reading{feed: f, now: now, decoders: decoders[format]}
}

// record adds the events of a record, and of the user records in one that the Kinesis
// Producer Library packed.
func (r *reading) record(rec Record) {
	if r.feed.Kind == Kinesis {
		if user, packed := kpl.Split(rec.Data); packed {
			place := rec.Place
			for i, data := range user {
				rec.Place, rec.Data = place+"."+strconv.Itoa(i), data
				r.value(rec)
			}
			return
		}
	}
	r.value(rec)
}

// value adds the events of what one record holds.
func (r *reading) value(rec Record) {
	if len(rec.Data) == 0 {
		r.unreadable(rec, fault.New(fault.Invalid, "empty_record", "the record is empty"))
		return
	}
	body, err := ingest.ReadBody(bytes.NewReader(rec.Data), nil, ingest.Limits{})
	if err != nil {
		r.unreadable(rec, err)
		return
	}
	defer body.Release()
	if !begins(body.Bytes) {
		r.unreadable(rec, fault.New(fault.Invalid, "bad_json", "the record is not JSON: it begins with neither '{' nor '['"))
		return
	}
	d := r.decoders.Get().(decoder)
	defer r.decoders.Put(d)
	decoded, err := d.Decode(body.Bytes, rec.at(r.now))
	if err != nil {
		r.unreadable(rec, err)
		return
	}
	for i := range decoded {
		e := &decoded[i]
		if e.MadeID {
			e.ID = r.id(rec, i)
		}
		if e.Refused.Code != "" {
			e.Refused.Reason = r.where(rec) + ": " + e.Refused.Reason
		}
	}
	r.events = keep(r.events, decoded)
	r.bytes += len(body.Bytes)
}

// begins reports whether a text begins as JSON of events does. Bytes that are no text may
// hold a line that looks like an event by chance, as a packed record that was damaged does.
func begins(text []byte) bool {
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// id makes the id of an event that has none: where it stands.
func (r *reading) id(rec Record, index int) string {
	return fmt.Sprintf("%s/%s/%s/%d", r.feed.Name, rec.Partition, rec.Place, index)
}

// where says where a record stands, for people.
func (r *reading) where(rec Record) string {
	return fmt.Sprintf("feed %s, partition %s, record %s", r.feed.Name, rec.Partition, rec.Place)
}

// unreadable adds a record that holds no events that anybody could tell apart. All of its
// bytes are kept, in pieces where it is larger than an event may be: nobody else can be
// told to keep it.
func (r *reading) unreadable(rec Record, why error) {
	refused := events.Refusal{Code: "unreadable", Reason: why.Error()}
	var e *fault.Error
	if errors.As(why, &e) {
		refused = events.Refusal{Code: e.Code, Reason: e.Message}
	}
	refused.Reason = r.where(rec) + ": " + refused.Reason
	data := bytes.Clone(rec.Data)
	for i, from := 0, 0; from < len(data) || i == 0; i++ {
		piece, told := cut(data[from:]), refused
		if len(piece) < len(data) {
			told.Reason = fmt.Sprintf("%s; these are its bytes %d to %d of %d", refused.Reason, from, from+len(piece)-1, len(data))
		}
		from += len(piece)
		r.events = append(r.events, events.Event{ID: r.id(rec, i), MadeID: true, Time: rec.at(r.now), MadeTime: true, Refused: told, Raw: piece})
	}
	r.bytes += len(data)
}

// cut returns as much as an event may have of a text, without parting a character.
func cut(text []byte) []byte {
	if len(text) <= events.MaxEvent {
		return text
	}
	end := events.MaxEvent
	for back := 0; back < utf8.UTFMax && !utf8.RuneStart(text[end]); back++ {
		end--
	}
	return text[:end]
}

// keep adds copies of events that share no memory with a decoder, shapes aside, which
// never change.
func keep(dst, decoded []events.Event) []events.Event {
	var text strings.Builder
	text.Grow(textOf(decoded))
	copied := func(s *string) {
		from := text.Len()
		text.WriteString(*s)
		*s = text.String()[from:]
	}
	for _, e := range decoded {
		copied(&e.ID)
		copied(&e.Name)
		copied(&e.UserID)
		copied(&e.AnonymousID)
		copied(&e.SessionID)
		e.Raw = bytes.Clone(e.Raw)
		values := append([]events.Value(nil), e.Values...)
		for i := range values {
			copied(&values[i].Text)
		}
		e.Values = values
		dst = append(dst, e)
	}
	return dst
}

func textOf(decoded []events.Event) (n int) {
	for i := range decoded {
		e := &decoded[i]
		n += len(e.ID) + len(e.Name) + len(e.UserID) + len(e.AnonymousID) + len(e.SessionID)
		for j := range e.Values {
			n += len(e.Values[j].Text)
		}
	}
	return n
}
