package dataset

import (
	"math"
	"strconv"
	"time"
)

// Type is the type of a column. Schemas only widen: int to float to text, and
// anything to json when objects or arrays are among the values.
type Type string

// The types. A time is a UTC instant in microseconds.
const (
	Bool  Type = "bool"
	Int   Type = "int"   // 64 bits, signed
	Float Type = "float" // IEEE 754, 64 bits
	Text  Type = "text"
	Time  Type = "time"
	JSON  Type = "json" // objects and arrays, as compact JSON text
)

// Column is a named, typed column.
type Column struct {
	Name     string `json:"name" minLength:"1" maxLength:"200"`
	Type     Type   `json:"type" enum:"bool,int,float,text,time,json"`
	Declared bool   `json:"declared,omitempty" doc:"declared by the owner: never widened"`
	Wide     bool   `json:"wide,omitempty" doc:"an inferred int that has held a number that no float holds: it widens to text, never to float"`
}

// The fixed columns of an events dataset. Their names cannot be properties'
// columns; a property of such a name stays in the JSON column.
const (
	ColumnEventID     = "event_id"
	ColumnEvent       = "event"
	ColumnTime        = "time"
	ColumnReceived    = "received_at"
	ColumnUserID      = "user_id"
	ColumnAnonymousID = "anonymous_id"
	ColumnSessionID   = "session_id"
	ColumnProperties  = "properties" // JSON of what has no column of its own
)

// Fixed lists the fixed columns of an events dataset, in order.
var Fixed = []Column{
	{Name: ColumnEventID, Type: Text}, {Name: ColumnEvent, Type: Text}, {Name: ColumnTime, Type: Time},
	{Name: ColumnReceived, Type: Time}, {Name: ColumnUserID, Type: Text}, {Name: ColumnAnonymousID, Type: Text},
	{Name: ColumnSessionID, Type: Text}, {Name: ColumnProperties, Type: JSON},
}

// MaxColumns bounds the columns that properties make; values of further names
// stay in the JSON column, where queries still reach them by name.
const MaxColumns = 250

// Schema is the set of a dataset's property columns. A version of it only adds
// columns or widens them.
type Schema struct {
	Version int      `json:"version"`
	Columns []Column `json:"columns"` // in order of appearance; fixed ones not included
}

// Find returns the place of a property column in s.Columns, or -1.
func (s Schema) Find(name string) int {
	for i, c := range s.Columns {
		if c.Name == name {
			return i
		}
	}
	return -1
}

// IsFixed reports whether name is that of a fixed column.
func IsFixed(name string) bool {
	for _, c := range Fixed {
		if c.Name == name {
			return true
		}
	}
	return false
}

// IsSubject reports whether a column of that name says who a row is about, which is what
// is asked for when somebody is to be erased.
func IsSubject(name string) bool { return name == ColumnUserID || name == ColumnAnonymousID }

// Widen returns the narrowest type that holds the values of both.
func Widen(a, b Type) Type {
	switch {
	case a == b:
		return a
	case a == JSON || b == JSON:
		return JSON
	case a == Int && b == Float, a == Float && b == Int:
		return Float
	default:
		return Text
	}
}

// Widen returns the narrowest column that holds the values of both. An int column
// that has held a number no float holds becomes text where it would become a float.
func (c Column) Widen(d Column) Column {
	wide := c.Wide || d.Wide
	c.Type = Widen(c.Type, d.Type)
	if wide && c.Type == Float {
		c.Type = Text
	}
	c.Wide = wide && c.Type == Int
	return c
}

// ExactFloat reports whether an int survives the way to a float and back. One that
// does not widens its column to text, because nothing is silently coerced.
func ExactFloat(i int64) bool {
	f := float64(i)
	return f < 1<<63 && int64(f) == i
}

// FormatFloat writes a float as text columns hold it: the shortest decimal that
// reads back the same. A whole number within 64 bits is written as an int is, so
// that an int reads the same whether or not it passed through a float column.
func FormatFloat(f float64) string {
	if i := int64(f); f >= -1<<63 && f < 1<<63 && float64(i) == f && !(i == 0 && math.Signbit(f)) {
		return strconv.FormatInt(i, 10)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// FormatTime writes a time, in UTC microseconds, as text columns hold it.
func FormatTime(micros int64) string {
	return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano)
}
