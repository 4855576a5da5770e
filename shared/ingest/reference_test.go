package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fault"
)

func asFault(err error, e **fault.Error) bool { return errors.As(err, e) }

// FuzzDecode compares the Decoder with encoding/json: what is accepted is valid and
// holds what encoding/json reads, and of what is valid each event has the fate that
// the slow reference below gives it.
func FuzzDecode(f *testing.F) {
	for _, c := range fates {
		if len(c.event) < 2000 {
			f.Add([]byte("[" + c.event + "]"))
			f.Add([]byte(c.event + "\n{\"event\":\"b\"}\n"))
		}
	}
	f.Add(clickstream(3))
	learned := newDecoder()
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := learned.Decode(body, arrivedAt)
		var elements []json.RawMessage
		array := bytes.HasPrefix(body, []byte("[")) && json.Unmarshal(body, &elements) == nil
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("not fault.Invalid: %v", err)
			}
			if array {
				t.Fatalf("a valid array is refused: %v", err)
			}
			return
		}
		refusals := 0
		for _, ev := range got {
			if ev.Refused.Code != "" {
				refusals++
			} else if ev.Raw != nil || ev.Name == "" {
				t.Errorf("accepted without a name, or with its text: %+v", ev)
			}
			if ev.ID == "" || len(ev.ID) > events.MaxID || !utf8.ValidString(ev.ID) {
				t.Errorf("bad id %q", ev.ID)
			}
		}
		if bytes.HasPrefix(body, []byte("[")) && refusals == 0 && !array {
			t.Fatal("an invalid array is accepted as a whole")
		}
		if !array {
			return
		}
		if len(got) != len(elements) {
			t.Fatalf("%d events of %d elements", len(got), len(elements))
		}
		for i, element := range elements {
			compare(t, element, got[i])
		}
	})
}

func compare(t *testing.T, element json.RawMessage, got events.Event) {
	t.Helper()
	// What encoding/json mends without a word is not the reference's to judge.
	mended := !utf8.Valid(element) || bytes.Contains(element, []byte(`\u`))
	want, code := reference(element)
	if mended {
		if got.Refused.Code == "" && code != "" {
			t.Errorf("%s: accepted, the reference refuses it: %s", element, code)
		}
		return
	}
	if got.Refused.Code != code {
		t.Errorf("%s: refused %q, the reference says %q", element, got.Refused.Code, code)
	}
	if code != "" {
		return
	}
	if got.MadeID {
		want.ID, want.MadeID = got.ID, want.ID == ""
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: (-reference +got)\n%s", element, diff)
	}
}

// reference reads an event that is valid JSON, token by token, slowly.
func reference(element []byte) (ev events.Event, code string) {
	dec := json.NewDecoder(bytes.NewReader(element))
	dec.UseNumber()
	if start, _ := dec.Token(); start != json.Delim('{') {
		return ev, "not_an_object"
	}
	limits := map[string]struct {
		into  *string
		limit int
	}{
		"event_id": {&ev.ID, events.MaxID}, "event": {&ev.Name, events.MaxName}, "user_id": {&ev.UserID, events.MaxSubject},
		"anonymous_id": {&ev.AnonymousID, events.MaxSubject}, "session_id": {&ev.SessionID, events.MaxSubject},
	}
	seen := map[string]bool{}
	ev.Time, ev.MadeTime = arrivedAt, true
	for dec.More() {
		token, _ := dec.Token()
		key := token.(string)
		text, isText := limits[key]
		if !isText && key != "time" && key != "properties" {
			return ev, "unknown_field"
		}
		if seen[key] {
			return ev, "duplicate_key"
		}
		seen[key] = true
		var raw json.RawMessage
		if dec.Decode(&raw) != nil {
			return ev, "bad_json"
		}
		if string(raw) == "null" {
			continue
		}
		if key == "properties" {
			if code := referenceProperties(raw, &ev); code != "" {
				return ev, code
			}
			continue
		}
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return ev, "wrong_type"
		}
		if key == "time" {
			ev.Time, code = referenceTime(s)
			ev.MadeTime = false
		} else if *text.into = s; len(s) > text.limit {
			code = "too_long"
		}
		if code != "" {
			return ev, code
		}
	}
	switch {
	case ev.Name == "":
		return ev, "no_event_name"
	case len(element) > events.MaxEvent:
		return ev, "too_large"
	}
	return ev, ""
}

var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

func referenceTime(s string) (int64, string) {
	if !rfc3339.MatchString(s) { // package time also takes one digit for an hour, and a comma
		return 0, "bad_time"
	}
	leap := s[17:19] == "60"
	if leap { // which package time does not know
		s = s[:17] + "59" + s[19:]
	}
	at, err := time.Parse(time.RFC3339Nano, strings.ToUpper(s[:10]+"T"+s[11:]))
	if err != nil {
		return 0, "bad_time"
	}
	if leap {
		at = at.UTC().Truncate(time.Second).Add(999_999 * time.Microsecond)
		if at.Hour() != 23 || at.Minute() != 59 {
			return 0, "bad_time"
		}
	}
	if at.Before(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)) || !at.Before(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)) {
		return 0, "time_out_of_range"
	}
	return at.UnixMicro(), ""
}

func referenceProperties(raw json.RawMessage, ev *events.Event) (code string) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if start, _ := dec.Token(); start != json.Delim('{') {
		return "wrong_type"
	}
	shape, seen := &events.Shape{}, map[string]bool{}
	for dec.More() {
		token, _ := dec.Token()
		name := token.(string)
		var value json.RawMessage
		_ = dec.Decode(&value) // it is valid: the whole is
		switch {
		case len(name) > events.MaxName:
			return "name_too_long"
		case len(shape.Names) >= events.MaxProperties:
			return "too_many_properties"
		case seen[name]:
			return "duplicate_key"
		}
		seen[name] = true
		v, code := referenceValue(value)
		if code != "" {
			return code
		}
		shape.Names, ev.Values = append(shape.Names, name), append(ev.Values, v)
	}
	if len(shape.Names) > 0 {
		ev.Shape = shape
	}
	return ""
}

func referenceValue(raw json.RawMessage) (v events.Value, code string) {
	switch c := raw[0]; {
	case c == 'n':
	case c == 't':
		v = events.Value{Kind: events.Bool, Int: 1}
	case c == 'f':
		v = events.Value{Kind: events.Bool}
	case c == '"':
		v.Kind = events.Text
		_ = json.Unmarshal(raw, &v.Text)
	case c == '{' || c == '[':
		depth, deepest := 2, 0
		dec := json.NewDecoder(bytes.NewReader(raw))
		for token, err := dec.Token(); err == nil; token, err = dec.Token() {
			switch token {
			case json.Delim('{'), json.Delim('['):
				depth++
				deepest = max(deepest, depth)
			case json.Delim('}'), json.Delim(']'):
				depth--
			}
		}
		if deepest > 64 {
			return v, "too_deep"
		}
		var compact bytes.Buffer
		_ = json.Compact(&compact, raw)
		v = events.Value{Kind: events.JSON, Text: compact.String()}
	case strings.ContainsAny(string(raw), ".eE") || string(raw) == "-0":
		f, err := strconv.ParseFloat(string(raw), 64)
		mantissa, _, _ := strings.Cut(strings.ToLower(string(raw)), "e")
		if err != nil || f == 0 && strings.ContainsAny(mantissa, "123456789") {
			return v, "number_out_of_range"
		}
		v = events.Value{Kind: events.Float, Float: f}
	default:
		i, err := strconv.ParseInt(string(raw), 10, 64)
		v = events.Value{Kind: events.Int, Int: i}
		if err != nil {
			v = events.Value{Kind: events.Big, Text: string(raw)}
		}
	}
	return v, ""
}

func TestTheReferenceAgreesOnTheFates(t *testing.T) {
	for name, c := range fates {
		if json.Valid([]byte(c.event)) {
			t.Run(name, func(t *testing.T) {
				compare(t, json.RawMessage(strings.TrimSpace(c.event)), decode(t, "["+c.event+"]")[0])
			})
		}
	}
	if _, code := reference([]byte(`{"event":"a","properties":{"x":` + strconv.FormatFloat(math.MaxFloat64, 'f', 1, 64) + `}}`)); code != "" {
		t.Error(code)
	}
}
