package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"

	"github.com/tarnhq/tarn/shared/fault"
)

// redacted is what is written of any Value.
const redacted = "[secret]"

// Value is a secret's value. It cannot be printed, logged or encoded, also as a part of
// something else: what it holds is behind a function, for package fmt calls no method of
// an unexported field and follows pointers where a verb is wrong. The zero Value is none.
type Value struct{ held func() []byte }

// New hides a value, of which the caller keeps no copy that it writes to.
func New(text []byte) Value {
	if len(text) == 0 {
		return Value{}
	}
	return Value{func() []byte { return text }}
}

// Reveal returns the value itself, or nothing for the zero Value. It must not be
// written to.
func (v Value) Reveal() []byte {
	if v.held == nil {
		return nil
	}
	return v.held()
}

// Equal compares in a time that does not depend on where values differ.
func (v Value) Equal(other Value) bool {
	return subtle.ConstantTimeCompare(v.Reveal(), other.Reveal()) == 1
}

// Format implements fmt.Formatter, for every verb.
func (Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

func (Value) String() string   { return redacted }
func (Value) GoString() string { return redacted }

// LogValue implements slog.LogValuer.
func (Value) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, which package json asks, too.
func (Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText refuses: what is read back would be what MarshalText wrote.
func (*Value) UnmarshalText([]byte) error {
	return fault.New(fault.Internal, "secret_unreadable", "a secret cannot be read from text")
}
