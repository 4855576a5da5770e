package otlp

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
	"github.com/tarnhq/tarn/shared/ingest/internal/telemetry"
	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
)

// subject is an id of an event, and the property that it would be otherwise.
type subject struct{ id, key, name string }

// attribute reads the key and value at hand as a property.
func (d *Decoder) attribute(prefix string) error {
	key, v, err := d.keyValue()
	if err != nil {
		return err
	}
	name := key
	if prefix != "" {
		from := len(d.in.Made)
		d.in.Made = append(append(d.in.Made, prefix...), key...)
		name = wire.Share(d.in.Made[from:])
	}
	if prefix != "scope." && d.subject(key, name, v) {
		d.said(name, v)
		return nil
	}
	d.other(name, v)
	return nil
}

func (d *Decoder) other(name string, v events.Value) {
	d.others = append(d.others, telemetry.Property{Name: name, Value: v})
	d.said(name, v)
}

// subject takes an attribute that says by the semantic conventions whom an event is of.
// The nearer one wins: that of a record over that of its resource, and user.id over
// enduser.id, which it came in the place of. What loses stays a property, as does what is
// no id of ours.
func (d *Decoder) subject(key, name string, v events.Value) bool {
	var s *subject
	switch key {
	case "user.id", "enduser.id":
		s = &d.user
	case "enduser.pseudo.id":
		s = &d.anonymous
	case "session.id":
		s = &d.session
	default:
		return false
	}
	id := v.Text
	if v.Kind == events.Int {
		id = strconv.FormatInt(v.Int, 10)
	} else if v.Kind != events.Text {
		return false
	}
	if id == "" || len(id) > events.MaxSubject || key == "enduser.id" && s.key == "user.id" {
		return false
	}
	if s.id != "" && s.id != id {
		d.other(s.name, events.Value{Kind: events.Text, Text: s.id})
	}
	*s = subject{id, key, name}
	return true
}

func (d *Decoder) keyValue() (key string, v events.Value, err error) {
	err = d.in.Each(keyValue, wire.All, func(n protowire.Number) (err error) {
		if n == 1 {
			key = d.in.Text
		} else {
			v, err = d.value()
		}
		return err
	})
	return key, v, err
}

// value reads the AnyValue at hand. An array and a list of keys and values are JSON.
func (d *Decoder) value() (v events.Value, err error) {
	err = d.in.Each(anyValue, wire.All, func(n protowire.Number) (err error) {
		if n != 5 && n != 6 {
			v = d.scalar(n)
			return nil
		}
		list, err := d.appendList(nil, n, 1)
		v = events.Value{Kind: events.JSON, Text: wire.Share(list)}
		return err
	})
	return v, err
}

func (d *Decoder) scalar(n protowire.Number) events.Value {
	switch n {
	case 2:
		v := events.Value{Kind: events.Bool}
		if d.in.Bool() {
			v.Int = 1
		}
		return v
	case 3:
		return events.Value{Kind: events.Int, Int: d.in.Int()}
	case 4:
		return wire.Number(d.in.Float())
	default:
		return events.Value{Kind: events.Text, Text: d.in.Text}
	}
}

// appendList appends the array or the list of keys and values at hand. Depth is that
// which it is at. One that is too deep spoils the event, and is a text of what it is.
func (d *Decoder) appendList(dst []byte, n protowire.Number, depth int) ([]byte, error) {
	if depth > scan.MaxDepth {
		d.in.Spoil(scan.TooDeep, "")
		text, err := d.in.Pass()
		return appendText(dst, text), err
	}
	open, end := byte('['), byte(']')
	if n == 6 {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	err := d.in.Each(values, wire.All, func(protowire.Number) (err error) {
		if last := dst[len(dst)-1]; last != open {
			dst = append(dst, ',')
		}
		if n == 5 {
			dst, err = d.appendValue(dst, depth)
		} else {
			dst, err = d.appendMember(dst, depth)
		}
		return err
	})
	return append(dst, end), err
}

// appendValue appends the AnyValue at hand. Of several values, which are none of the
// protocol's, the last holds.
func (d *Decoder) appendValue(dst []byte, depth int) ([]byte, error) {
	from := len(dst)
	dst = append(dst, "null"...)
	err := d.in.Each(anyValue, wire.All, func(n protowire.Number) (err error) {
		dst = dst[:from]
		if n == 5 || n == 6 {
			dst, err = d.appendList(dst, n, depth+1)
			return err
		}
		dst = d.scalar(n).AppendJSON(dst)
		return nil
	})
	return dst, err
}

// appendMember appends the key and value at hand.
func (d *Decoder) appendMember(dst []byte, depth int) ([]byte, error) {
	all, key := d.in.Mark(), ""
	err := d.in.Each(keyValue, wire.Only(1), func(protowire.Number) error {
		key = d.in.Text
		return nil
	})
	if err != nil {
		return dst, err
	}
	dst = append(appendText(dst, key), ':')
	from := len(dst)
	dst = append(dst, "null"...)
	d.in.Back(all)
	err = d.in.Each(keyValue, wire.Only(2), func(protowire.Number) (err error) {
		dst, err = d.appendValue(dst[:from], depth)
		return err
	})
	return dst, err
}

func appendText(dst []byte, s string) []byte {
	return events.Value{Kind: events.Text, Text: s}.AppendJSON(dst)
}
