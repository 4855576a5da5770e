package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tarnhq/tarn/shared/fault"
)

// Bodies are read into a tree first and taken apart by hand: the standard decoder
// ignores the case of names, lets the last of two equal names win, and cannot say
// which names there are.

// object is a JSON object of a request, with its place for messages.
type object struct {
	path    string
	members map[string]any
}

func refuse(path, format string, args ...any) *fault.Error {
	message := fmt.Sprintf(format, args...)
	if path != "" {
		message = path + ": " + message
	}
	return fault.New(fault.Invalid, "bad_query", "%s", message)
}

// parse reads one JSON value: objects as map[string]any, numbers as json.Number.
func parse(body []byte) (any, error) {
	if len(body) > MaxBody {
		return nil, fault.New(fault.TooLarge, "query_too_large", "a query has at most %d bytes", MaxBody)
	}
	if !utf8.Valid(body) {
		return nil, refuse("", "the body is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	value, err := parseValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, refuse("", "something follows the query's closing brace")
	}
	return value, nil
}

func parseValue(d *json.Decoder, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, refuse("", "nested deeper than %d", MaxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return nil, refuse("", "the body is not valid JSON").WithHint("near byte %d", d.InputOffset()).Because(err)
	}
	switch token {
	case json.Delim('{'):
		return parseObject(d, depth)
	case json.Delim('['):
		list := []any{}
		for d.More() {
			item, err := parseValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, closing(d)
	}
	return token, nil
}

func parseObject(d *json.Decoder, depth int) (any, error) {
	members := map[string]any{}
	for d.More() {
		name, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		value, err := parseValue(d, depth+1)
		if err != nil {
			return nil, err
		}
		text := name.(string) // the tokenizer lets nothing else stand there
		if _, twice := members[text]; twice {
			return nil, refuse("", "%.80q is given twice", text)
		}
		members[text] = value
	}
	return members, closing(d)
}

func closing(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return refuse("", "the body is not valid JSON").WithHint("near byte %d", d.InputOffset()).Because(err)
	}
	return nil
}

// asObject takes an object apart whose fields are among known.
func asObject(path string, value any, known ...string) (object, error) {
	members, ok := value.(map[string]any)
	if !ok {
		return object{}, refuse(path, "must be an object, not %s", kindName(value))
	}
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.Contains(known, name) {
			return object{}, refuse(path, "there is no field %.80q", name).WithHint("%s", suggest(name, known, "fields"))
		}
	}
	return object{path, members}, nil
}

func (o object) at(name string) string {
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

// text returns a text field, empty when absent or null.
func (o object) text(name string) (string, error) {
	switch v := o.members[name].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	default:
		return "", refuse(o.at(name), "must be text, not %s", kindName(v))
	}
}

// choice returns a text field that is one of some texts.
func choice[T ~string](o object, name string, among []T) (T, error) {
	text, err := o.text(name)
	if err != nil || text == "" || slices.Contains(among, T(text)) {
		return T(text), err
	}
	known := make([]string, len(among))
	for i, a := range among {
		known[i] = string(a)
	}
	return "", refuse(o.at(name), "%.80q is not known", text).WithHint("%s", suggest(text, known, "it is one of"))
}

func (o object) boolean(name string) (bool, error) {
	switch v := o.members[name].(type) {
	case nil:
		return false, nil
	case bool:
		return v, nil
	default:
		return false, refuse(o.at(name), "must be true or false, not %s", kindName(v))
	}
}

// number returns a number field and whether there is one.
func (o object) number(name string) (float64, bool, error) {
	switch v := o.members[name].(type) {
	case nil:
		return 0, false, nil
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return 0, false, refuse(o.at(name), "%.40s is out of range", v.String())
		}
		return f, true, nil
	default:
		return 0, false, refuse(o.at(name), "must be a number, not %s", kindName(v))
	}
}

// whole returns a whole number from least to most, zero when absent.
func (o object) whole(name string, least, most int) (int, error) {
	n, given, err := o.number(name)
	if err == nil && given && (n != math.Trunc(n) || n < float64(least) || n > float64(most)) {
		err = refuse(o.at(name), "must be a whole number from %d to %d", least, most)
	}
	return int(n), err
}

// list returns a list field of at most limit items, nil when absent.
func (o object) list(name string, limit int) ([]any, error) {
	switch v := o.members[name].(type) {
	case nil:
		return nil, nil
	case []any:
		if len(v) > limit {
			return nil, refuse(o.at(name), "has %d items; at most %d are possible", len(v), limit)
		}
		return v, nil
	default:
		return nil, refuse(o.at(name), "must be a list, not %s", kindName(v))
	}
}

func kindName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case string:
		return "text"
	case []any:
		return "a list"
	}
	return "an object"
}

// suggest names what comes nearest to a wrong name, or all there is if that is short.
func suggest(wrong string, known []string, what string) string {
	if near := nearest(wrong, known); near != "" {
		return fmt.Sprintf("did you mean %q? %s: %s", near, what, listed(known))
	}
	return fmt.Sprintf("%s: %s", what, listed(known))
}

func listed(names []string) string {
	const most = 30
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
