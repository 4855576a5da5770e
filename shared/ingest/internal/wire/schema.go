// Package wire reads messages of protobuf, and of its JSON form, by a schema: what is
// made of a message is written once for both. It copies no text, keeps no tree, and
// allocates nothing once it has warmed up.
//
// A message that cannot be read ends the request: its sender's encoder wrote it whole, so
// that nobody can say what of it was meant. A text that cannot be stored (scan.Flaw) is
// read on past, and spoils only the event that has it.
package wire

import "google.golang.org/protobuf/encoding/protowire"

// Kind is how the values of a field are written.
type Kind uint8

// The kinds.
const (
	Message Kind = iota
	Text
	Bytes   // Base64 in JSON, which is what Reader.Text holds of it
	ID      // bytes that are hexadecimal digits in JSON, which is what Reader.Text holds of it
	Bool    //
	Varint  // int32, int64, uint32, uint64 and enumerations
	Zigzag  // sint32 and sint64
	Fixed64 // fixed64 and sfixed64
	Fixed32 //
	Double  //
)

var types = [...]protowire.Type{
	Message: protowire.BytesType, Text: protowire.BytesType, Bytes: protowire.BytesType, ID: protowire.BytesType,
	Bool: protowire.VarintType, Varint: protowire.VarintType, Zigzag: protowire.VarintType,
	Fixed64: protowire.Fixed64Type, Fixed32: protowire.Fixed32Type, Double: protowire.Fixed64Type,
}

// Field is a field of a message. Its number is below 32.
type Field struct {
	Number   protowire.Number
	Name     string // in JSON
	Kind     Kind
	Repeated bool
}

// Schema is what a message may hold. Fields that are not in it are passed over, as
// protobuf wants it.
type Schema []Field

// Fields is a set of numbers of fields.
type Fields uint32

// All are all fields of a message.
const All = ^Fields(0)

// Only returns the set of some numbers.
func Only(numbers ...protowire.Number) (set Fields) {
	for _, n := range numbers {
		set |= 1 << n
	}
	return set
}

// Without returns the set without some numbers.
func (s Fields) Without(numbers ...protowire.Number) Fields { return s &^ Only(numbers...) }

func (s Fields) has(n protowire.Number) bool { return s>>n&1 != 0 }

func (s Schema) numbered(n protowire.Number) *Field {
	for i := range s {
		if s[i].Number == n {
			return &s[i]
		}
	}
	return nil
}

func (s Schema) named(name string) *Field {
	for i := range s {
		if s[i].Name == name {
			return &s[i]
		}
	}
	return nil
}
