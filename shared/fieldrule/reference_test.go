package fieldrule_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/tests/fake"
)

// names are what properties, members and the parts of rules are drawn from: few, so that
// rules hit.
var names = []string{"a", "b", "a.b", "ip", "email", "context", "user_id", "userId", "sessionId", "session_id", "properties", "traits", "message_a", "é\"\\", ""}

// texts have addresses of all kinds, and what only looks like one.
var texts = []string{"u1", "", "a@b.ch", "203.0.113.77", "2001:db8:1:2::3", "::ffff:203.0.113.77", "fe80::1%eth0", "2002:cb00:714d::1",
	"203.0.113.77:80", "010.0.0.1", " 203.0.113.77", "1.5", "é\"\\\n", "0123456789abcdef0123456789abcdef01234567"}

func aRule(t *rapid.T) fieldrule.Rule {
	parts := rapid.SliceOfN(rapid.SampledFrom(names), 1, 3).Draw(t, "path")
	r := fieldrule.Rule{Field: strings.Join(parts, "."), Treat: rapid.SampledFrom([]fieldrule.Treatment{fieldrule.Drop, fieldrule.Hash, fieldrule.TruncateIP}).Draw(t, "treatment")}
	if fieldrule.Check([]fieldrule.Rule{r}) != nil {
		return fieldrule.Rule{Field: "user_id", Treat: fieldrule.Hash}
	}
	return r
}

func someRules(t *rapid.T) []fieldrule.Rule {
	drawn := rapid.SliceOfNDistinct(rapid.Custom(aRule), 0, 6, func(r fieldrule.Rule) string { return r.Field })
	return drawn.Draw(t, "rules")
}

// aValue draws the JSON text of a value, with space and escapes where they may be.
func aValue(t *rapid.T, depth int) string {
	space := rapid.SampledFrom([]string{"", "", " ", "\n\t"}).Draw(t, "space")
	kind := rapid.IntRange(0, 7).Draw(t, "kind")
	if depth == 0 {
		kind = min(kind, 4)
	}
	switch kind {
	case 0:
		return space + "null" + space
	case 1:
		return strconv.FormatBool(rapid.Bool().Draw(t, "bool"))
	case 2:
		return rapid.SampledFrom([]string{"0", "-7", "42", "1.5", "1.50", "2e3", "123456789012345678901234567890"}).Draw(t, "number")
	case 3, 4:
		return space + quoted(t, rapid.SampledFrom(texts).Draw(t, "text")) + space
	case 5:
		var all []string
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			all = append(all, aValue(t, depth-1))
		}
		return "[" + space + strings.Join(all, ",") + "]"
	default:
		var all []string
		for _, name := range someNames(t) {
			all = append(all, space+quoted(t, name)+space+":"+aValue(t, depth-1))
		}
		return "{" + space + strings.Join(all, ",") + "}"
	}
}

func someNames(t *rapid.T) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 4, rapid.ID).Draw(t, "names")
}

// quoted writes a text in one of the ways that JSON has for it.
func quoted(t *rapid.T, text string) string {
	if rapid.IntRange(0, 3).Draw(t, "escapes") > 0 {
		plain, _ := json.Marshal(text)
		return string(plain)
	}
	out := `"`
	for _, r := range text {
		out += fmt.Sprintf(`\u%04x`, r)
	}
	return out + `"`
}

func anEvent(t *rapid.T) events.Event {
	id := rapid.SampledFrom(append([]string{""}, texts...))
	e := events.Event{ID: "e1", Name: "a", UserID: id.Draw(t, "user"), AnonymousID: id.Draw(t, "anonymous"), SessionID: id.Draw(t, "session")}
	if rapid.IntRange(0, 3).Draw(t, "refused") == 0 {
		return events.Event{ID: "e1", Name: "a", Refused: events.Refusal{Code: "why"}, Raw: []byte(aValue(t, 4))}
	}
	for _, name := range someNames(t) {
		if e.Shape == nil {
			e.Shape = &events.Shape{}
		}
		e.Shape.Names = append(e.Shape.Names, name)
		e.Values = append(e.Values, asValue(aValue(t, 3)))
	}
	return e
}

// asValue makes a property of a value, as decoders do.
func asValue(text string) events.Value {
	var compact bytes.Buffer
	_ = json.Compact(&compact, []byte(text))
	switch v := read(text).(type) {
	case nil:
		return events.Value{Kind: events.Null}
	case bool:
		if v {
			return events.Value{Kind: events.Bool, Int: 1}
		}
		return events.Value{Kind: events.Bool}
	case string:
		return events.Value{Kind: events.Text, Text: v}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return events.Value{Kind: events.Int, Int: n}
		}
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".e") {
			return events.Value{Kind: events.Float, Float: f}
		}
		return events.Value{Kind: events.Big, Text: v.String()}
	default:
		return events.Value{Kind: events.JSON, Text: compact.String()}
	}
}

func read(text string) (v any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		panic(fmt.Sprintf("%s: %v", text, err))
	}
	return v
}

// reference applies rules slowly: it walks whole trees, and compares whole paths.
type reference struct {
	salt  *fieldrule.Salt
	rules []fieldrule.Rule
	hit   map[fieldrule.Treatment]int // values that were treated
}

var aliases = map[string][]string{"user_id": {"userId"}, "anonymous_id": {"anonymousId"}, "session_id": {"sessionId", "context.sessionId"}}

// hits returns what rules do at a path: in what is refused, at any end of it.
func (f reference) hits(path []string, anywhere bool) (treat fieldrule.Treatment) {
	for _, r := range f.rules {
		for _, name := range append([]string{r.Field}, aliases[r.Field]...) {
			for _, where := range []string{"", "message_", "properties.", "traits."} {
				for from := range path {
					if strings.Join(path[from:], ".") == where+name && (from == 0 || anywhere) && (treat == "" || r.Treat == fieldrule.Drop) {
						treat = r.Treat
					}
				}
			}
		}
	}
	return treat
}

// walk returns the tree without what rules take away.
func (f reference) walk(v any, path []string, anywhere bool) any {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, one := range v {
			out = append(out, f.walk(one, path, anywhere))
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name, one := range v {
			here := append(slices.Clone(path), name)
			treat := f.hits(here, anywhere)
			if treat == "" {
				out[name] = f.walk(one, here, anywhere)
			} else if now, stays := f.treat(treat, one); stays {
				out[name] = now
			}
		}
		return out
	default:
		return v
	}
}

func (f reference) treat(treat fieldrule.Treatment, v any) (any, bool) {
	text, isText := v.(string)
	f.hit[treat]++
	switch {
	case treat == fieldrule.Hash && v == nil:
		return nil, true
	case treat == fieldrule.Hash && isText:
		return f.salt.Hash(text), true
	case treat == fieldrule.Hash:
		return "hash of " + fmt.Sprint(v), true // of what, the order of members decides
	case treat == fieldrule.TruncateIP && isText:
		address, err := netip.ParseAddr(text)
		if err != nil {
			return nil, false
		}
		bits := 48
		if address.Is4() || address.Is4In6() {
			bits = 24
		} else if strings.HasPrefix(text, "2002:") {
			bits = 40
		}
		return netip.PrefixFrom(address.Unmap().WithZone(""), bits).Masked().Addr().String(), true
	default:
		return nil, false
	}
}

// tree is an event as one: its properties, or the text of one that is refused.
func tree(e events.Event) any {
	if e.Refused.Code != "" {
		return read(string(e.Raw))
	}
	out := map[string]any{}
	for i := range e.Values {
		out[e.Shape.Names[i]] = read(string(e.Values[i].AppendJSON(nil)))
	}
	return out
}

// isHash has hashes of what is no text compare as what the reference has for them.
var isHash = cmp.FilterValues(func(a, b any) bool {
	x, isText := a.(string)
	y, isOther := b.(string)
	return isText && isOther && (strings.HasPrefix(x, "hash of ") || strings.HasPrefix(y, "hash of "))
}, cmp.Comparer(func(a, b any) bool { return len(a.(string)) == 40 || len(b.(string)) == 40 }))

func TestRulesDoWhatASlowReferenceDoes(t *testing.T) {
	hit := map[fieldrule.Treatment]int{}
	rapid.Check(t, func(t *rapid.T) {
		rules, sent := someRules(t), []events.Event{anEvent(t), anEvent(t)}
		sent = append(sent, events.Event{ID: "e3", Shape: sent[0].Shape, Values: slices.Clone(sent[0].Values)}) // of the same shape
		salts := &fieldrule.Salts{Secrets: &fake.Secrets{}}
		salt, err := salts.Of(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		f := reference{salt, rules, hit}
		var want []any
		for _, e := range sent {
			want = append(want, f.walk(tree(e), nil, e.Refused.Code != ""))
			for _, r := range rules {
				for id, at := range map[string]*string{"user_id": &e.UserID, "anonymous_id": &e.AnonymousID, "session_id": &e.SessionID} {
					if id == r.Field && *at != "" {
						*at = salt.Hash(*at)
					}
				}
			}
			want = append(want, []string{e.ID, e.Name, e.UserID, e.AnonymousID, e.SessionID})
		}
		for range 2 { // again changes nothing
			if err := salts.Apply(t.Context(), "acme", rules, sent); err != nil {
				t.Fatal(err)
			}
			var got []any
			for _, e := range sent {
				got = append(got, tree(e), []string{e.ID, e.Name, e.UserID, e.AnonymousID, e.SessionID})
			}
			if diff := cmp.Diff(want, got, isHash); diff != "" {
				t.Fatalf("%v (-reference +got):\n%s", rules, diff)
			}
		}
	})
	if testing.Short() { // with few draws one may be missing
		return
	}
	for _, treat := range []fieldrule.Treatment{fieldrule.Drop, fieldrule.Hash, fieldrule.TruncateIP} {
		if hit[treat] == 0 {
			t.Errorf("no value was there to %s", treat)
		}
	}
}
