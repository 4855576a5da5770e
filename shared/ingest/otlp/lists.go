package otlp

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tarnhq/tarn/shared/ingest/internal/wire"
)

// What an event may hold several of.
const (
	spanEvents = iota
	spanLinks
	exemplars
	counts
	bounds
	positive
	negative
	quantiles
	entities
)

// list adds a list as a property, unless it is empty, and empties it.
func (d *Decoder) list(name string, list int) {
	if v, ok := d.in.List(list); ok {
		d.add(name, v)
	}
}

// object appends the message at hand as an object: scalar fields by their names in JSON,
// and the field of its attributes, unless that is 0, as an object of their keys.
func (d *Decoder) object(dst []byte, s wire.Schema, attributes protowire.Number) ([]byte, error) {
	dst = append(dst, '{')
	begin := len(dst)
	all := d.in.Mark()
	err := d.in.Each(s, wire.All.Without(attributes), func(n protowire.Number) error {
		f := s[place(s, n)]
		dst = d.appendField(appendKey(dst, begin, f.Name), f.Kind)
		return nil
	})
	if err != nil || attributes == 0 {
		return append(dst, '}'), err
	}
	d.in.Back(all)
	first := true
	err = d.in.Each(s, wire.Only(attributes), func(protowire.Number) error {
		if first {
			dst = append(appendKey(dst, begin, "attributes"), '{')
		} else {
			dst = append(dst, ',')
		}
		first = false
		dst, err = d.appendMember(dst, 2)
		return err
	})
	if !first {
		dst = append(dst, '}')
	}
	return append(dst, '}'), err
}

func place(s wire.Schema, n protowire.Number) int {
	for i := range s {
		if s[i].Number == n {
			return i
		}
	}
	return -1
}

func (d *Decoder) appendField(dst []byte, k wire.Kind) []byte {
	switch k {
	case wire.Text, wire.ID:
		return appendText(dst, d.in.Text)
	case wire.Double:
		return wire.Number(d.in.Float()).AppendJSON(dst)
	case wire.Fixed32:
		return strconv.AppendUint(dst, d.in.Uint(), 10)
	default:
		return strconv.AppendInt(dst, d.in.Int(), 10)
	}
}

// entity reads what a resource says that it is of.
func (d *Decoder) entity() error {
	dst := append(d.in.Item(entities), '{')
	begin := len(dst)
	var listed [2][]byte
	err := d.in.Each(entityRef, wire.All, func(n protowire.Number) error {
		if n > 2 {
			keys := &listed[n-3]
			if len(*keys) > 0 {
				*keys = append(*keys, ',')
			}
			*keys = appendText(*keys, d.in.Text)
			return nil
		}
		dst = appendKey(dst, begin, entityRef[n-1].Name)
		dst = appendText(dst, d.in.Text)
		return nil
	})
	for i, keys := range listed {
		if len(keys) > 0 {
			dst = appendKey(dst, begin, entityRef[i+2].Name)
			dst = append(append(append(dst, '['), keys...), ']')
		}
	}
	d.in.Lists[entities] = append(dst, '}')
	return err
}

// appendKey appends the key of a member to an object whose members begin at begin.
func appendKey(dst []byte, begin int, name string) []byte {
	if len(dst) > begin {
		dst = append(dst, ',')
	}
	return append(append(append(dst, '"'), name...), `":`...)
}
