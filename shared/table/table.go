// Package table is the port for small items that must be right: marks, manifests,
// catalogs, keys. It promises conditional writes, atomic transactions over several
// items, and ordered, paged listing within a partition. Reads are strongly
// consistent. Package tabletest holds the suite that every implementation passes.
package table

import (
	"context"
	"time"
)

// Limits that hold for every implementation, so that what works on a laptop works
// in AWS. A Table answers fault.Invalid past them.
const (
	MaxWrites = 100        // writes in one Commit
	MaxItem   = 390 << 10  // bytes of keys, attributes and body together
	MaxCommit = 3900 << 10 // bytes of all items of one Commit
	MaxPage   = 1000       // items of one page of a List
)

// Key places an item. Items of one partition are ordered by Sort, bytewise.
// Neither part is empty; Partition is at most 1,024 bytes and Sort at most 900.
type Key struct{ Partition, Sort string }

// Item is what a table stores.
type Item struct {
	Key        Key
	Attributes map[string]string // what conditions can ask about; few and short
	Counters   map[string]int64  // what Add changes
	Body       []byte            // opaque to the table, usually JSON; may be nil
	Expires    time.Time         // zero: never. An expired item is not returned, and deleted at leisure
}

// Condition guards a Write.
type Condition struct {
	Op               Op
	Attribute, Value string // of Equal only
}

// Op is the kind of a Condition.
type Op uint8

const (
	OpAlways  Op = iota // no condition
	OpAbsent            // there is no such item (expired counts as absent)
	OpPresent           // there is such an item
	OpEqual             // the item is there and its attribute has this value
)

// Absent and Present are the conditions that need no argument.
var (
	Absent  = Condition{Op: OpAbsent}
	Present = Condition{Op: OpPresent}
)

// Equal holds when the item is there and its attribute has this value. An
// attribute that an item lacks has the value "".
func Equal(attribute, value string) Condition {
	return Condition{Op: OpEqual, Attribute: attribute, Value: value}
}

// Write is one part of a Commit: exactly one of a put, a delete, a check or an
// addition, on one key, under one condition. Make one with Put, Delete, Check or Add.
type Write struct {
	Verb      Verb
	Item      Item // Put: the whole item. Otherwise the key, and for Add the counters
	Condition Condition
}

// Verb is what a Write does.
type Verb uint8

const (
	VerbPut    Verb = iota // replace the whole item
	VerbDelete             // remove the item; absent is fine
	VerbCheck              // change nothing, hold the condition
	VerbAdd                // add Item.Counters to the item's, creating it if absent; the rest of the item stays, Expires is set if given
)

// Put replaces an item.
func Put(item Item) Write { return Write{Verb: VerbPut, Item: item} }

// Delete removes an item.
func Delete(key Key) Write { return Write{Verb: VerbDelete, Item: Item{Key: key}} }

// Check changes nothing; the Commit holds only if the condition does.
func Check(key Key, c Condition) Write {
	return Write{Verb: VerbCheck, Item: Item{Key: key}, Condition: c}
}

// Add adds to the counters of an item, which need not exist.
func Add(key Key, counters map[string]int64, expires time.Time) Write {
	return Write{Verb: VerbAdd, Item: Item{Key: key, Counters: counters, Expires: expires}}
}

// If returns w guarded by the condition.
func (w Write) If(c Condition) Write { w.Condition = c; return w }

// Page is one page of a List. Next continues after it; empty means there is no more.
type Page struct {
	Items []Item
	Next  string
}

// Query asks for the items of a partition in order.
type Query struct {
	Partition string
	Prefix    string // only sort keys that begin with it
	From      string // only sort keys that are at least this one; empty: no bound
	Reverse   bool   // from the last to the first (From is then the greatest key)
	Limit     int    // at most MaxPage, which is also the default
	Next      string // of the page before
}

// Table stores items.
type Table interface {
	// Get returns the item, or fault.NotFound.
	Get(ctx context.Context, key Key) (Item, error)

	// List returns a page of items in the order of their sort keys.
	List(ctx context.Context, q Query) (Page, error)

	// Commit applies all writes or none; no two may name the same key. It fails
	// with fault.Conflict when a condition does not hold. fault.Unavailable leaves
	// the outcome unknown: the caller rereads before it tries again. When it
	// returns nil, the writes survive a crash.
	Commit(ctx context.Context, writes ...Write) error
}
