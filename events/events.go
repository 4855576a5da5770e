// Package events knows what crosses the stream: the envelope, its versions and its
// encoding. It imports nothing of ours, so that a consumer written elsewhere can
// use it alone. What outlives a deploy carries a version: a record is a sealed
// envelope (Seal, Open), and an envelope begins with its version.
//
// An envelope holds deliveries of one dataset and one bucket. A delivery is one
// event as one producer handed it over once: it is named by (Producer, dataset,
// Bucket, position), so that a record that reaches the stream twice, because the
// answer to the first put was lost, is recognized without looking at any event.
package events

// Version is the newest version of the envelope. An envelope that says nothing which
// came with it is written as the version before, byte for byte.
const Version = 2

// plainVersion is the version of an envelope of events that nothing was done to.
const plainVersion = 1

// Limits of one event. What is past them is quarantined, never refused.
const (
	MaxEvent      = 32 << 10 // bytes of its text, as sent
	MaxID         = 256      // bytes of an event id
	MaxName       = 256      // bytes of an event name, or of a property name
	MaxSubject    = 256      // bytes of a user, anonymous or session id
	MaxProperties = 1000     // properties of one event
)

// Producer names one run of one ingesting process: a random number, never reused.
// The zero Producer is nobody.
type Producer uint64

// Envelope is the content of one stream record.
type Envelope struct {
	Tenant   string
	Dataset  string // the dataset's id, not its name
	Bucket   uint16
	Producer Producer
	First    uint64   // position of Events[0]; the others follow without a gap
	Arrived  int64    // when the request came in: UTC microseconds. Its hour is the hour of the ledger
	Account  Producer // whose account in the ledger these count to; zero: Producer's. Set when quarantined events are replayed
	Events   []Event

	// Enrichment is the version of the dataset's enrichment that the events went through;
	// zero: none. Those that are refused are as they were before it.
	Enrichment uint32
}

// Event is one delivery. Text fields may share memory with the buffer they were
// decoded from, which must therefore not change while the Event is in use.
type Event struct {
	ID          string // never empty: one is made where the sender gave none
	MadeID      bool   // the id is ours: a retry of the sender cannot be recognized
	Name        string // empty only when Refused
	Time        int64  // event time: UTC microseconds. The arrival time where the sender gave none
	MadeTime    bool   // the time is ours
	UserID      string
	AnonymousID string
	SessionID   string
	Shape       *Shape  // names of the properties, in order; nil: none
	Values      []Value // one for each name of Shape

	Dropped uint16  // the step of the enrichment that dropped it, from 1; zero: none did. Then it has its id and time and nothing else
	Refused Refusal // why the event can never be stored; zero: it can
	Raw     []byte  // the event's text as sent, of a refused one only; at most MaxEvent bytes of it
}

// Refusal says why an event cannot be stored.
type Refusal struct {
	Code   string // stable, snake_case: "no_event_name"
	Reason string // a sentence for people
}

// Shape is the ordered list of an event's property names. Events of one sender
// mostly share a handful of them, so that shapes are compared by pointer and what
// is derived from one is derived once.
type Shape struct{ Names []string }

// Kind is the kind of a Value.
type Kind uint8

const (
	Null  Kind = iota
	Bool       // Int is 0 or 1
	Int        // a number without fraction or exponent that fits in 64 bits
	Float      // any other number that a 64-bit float holds to the last digit given, or that has a fraction or exponent
	Text       // a string
	JSON       // an object or array as compact JSON; Text holds it
	Big        // a whole number too large for 64 bits; Text holds its digits
)

// Value is the value of one property.
type Value struct {
	Kind  Kind
	Int   int64   // Bool and Int
	Float float64 // Float
	Text  string  // Text, JSON and Big
}
