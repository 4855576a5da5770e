package enrich

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/useragent"
	"github.com/tarnhq/tarn/tests/fake"
)

// plan is the table that is looked up in, as the reference has it.
var plan = map[string]map[string]any{
	"u1": {"plan": "free", "seats": int64(1)},
	"u2": {"plan": "team", "seats": nil},
	"5":  {"plan": "five", "seats": int64(5)},
}

// TestListsDoWhatASlowReferenceDoes holds random lists over random events against a model
// that knows events as maps, and does each step by the letter of the documentation.
func TestListsDoWhatASlowReferenceDoes(t *testing.T) {
	salts := &fieldrule.Salts{Secrets: &fake.Secrets{}}
	salt, err := salts.Of(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	fates := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(someStep), 0, 8).Draw(rt, "steps")
		text, err := json.Marshal(steps)
		if err != nil {
			rt.Fatal(err)
		}
		parsed, err := Parse(text)
		if err != nil {
			rt.Fatalf("%s: %v", text, err)
		}
		p, err := Compile(7, parsed)
		if err != nil {
			rt.Fatalf("%s: %v", text, err)
		}
		shapes := []*events.Shape{nil}
		for range 3 {
			shapes = append(shapes, &events.Shape{Names: rapid.SliceOfNDistinct(rapid.SampledFrom(properties), 1, 4, rapid.ID[string]).Draw(rt, "names")})
		}
		batch := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) events.Event { return someEvent(rt, shapes) }), 1, 60).Draw(rt, "events")
		var want []map[string]any
		var texts []string
		for i := range batch {
			batch[i].ID = fmt.Sprint("e", rapid.IntRange(0, 1<<20).Draw(rt, "id"))
			texts = append(texts, string(events.AppendJSON(nil, &batch[i])))
			want = append(want, reference(steps, modelOf(&batch[i]), salt))
		}
		r, err := p.prepare(t.Context(), "acme", &Enricher{Salts: salts, Tables: known(steps)})
		if err != nil {
			rt.Fatal(err)
		}
		r.all(batch)
		for i := range batch {
			got := modelOf(&batch[i])
			if batch[i].Dropped == 0 && batch[i].Refused.Code == "" {
				if got[Property] != int64(7) {
					rt.Fatalf("the version is %v", got[Property])
				}
				delete(got, Property)
			}
			if diff := cmp.Diff(want[i], got); diff != "" {
				rt.Fatalf("%s\nof %s (-want +got):\n%s", text, texts[i], diff)
			}
			if batch[i].Refused.Code != "" && string(batch[i].Raw) != texts[i] {
				rt.Fatalf("in quarantine is %s, and not %s", batch[i].Raw, texts[i])
			}
			fates[fmt.Sprintf("%t %v", got["!dropped"] != nil, got["!refused"])]++
		}
	})
	for _, fate := range []string{"false <nil>", "true <nil>", "false cast_failed", "false field_taken"} {
		if fates[fate] == 0 && !testing.Short() { // a few random lists need not meet each
			t.Errorf("no event came to the end %q: %v", fate, fates)
		}
	}
}

var properties = []string{"a", "b", "c", "d", "os", "bot"}

// known is a memory that has the table already.
func known(steps []Step) *Tables {
	tables := &Tables{Now: func() time.Time { return time.Unix(0, 0) }}
	for _, s := range steps {
		if s.LookUp == nil {
			continue
		}
		h := tables.held("acme", *s.LookUp)
		h.checked, h.table = time.Unix(0, 0), &lookup{rows: map[string][]events.Value{}}
		for key, row := range plan {
			var values []events.Value
			for _, column := range s.LookUp.Take {
				switch v := row[column].(type) {
				case nil:
					values = append(values, events.Value{})
				case string:
					values = append(values, events.Value{Kind: events.Text, Text: v})
				case int64:
					values = append(values, events.Value{Kind: events.Int, Int: v})
				}
			}
			h.table.rows[key] = values
		}
	}
	return tables
}

func someStep(t *rapid.T) Step {
	name := rapid.SampledFrom(append([]string{"user_id", "anonymous_id"}, properties...))
	property := rapid.SampledFrom(properties)
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 0:
		r := Rename{From: name.Draw(t, "from"), To: name.Draw(t, "to")}
		if r.From == r.To {
			r.To = "e"
		}
		return Step{Rename: &r}
	case 1:
		return Step{Cast: &Cast{property.Draw(t, "field"), rapid.SampledFrom([]Type{Int, Float, Bool, Text, Time}).Draw(t, "to")}}
	case 2:
		return Step{Drop: &Field{property.Draw(t, "field")}}
	case 3:
		return Step{Hash: &Field{name.Draw(t, "field")}}
	case 4:
		return Step{LookUp: &LookUp{Dataset: "plans", Key: "id", By: name.Draw(t, "by"), Prefix: rapid.SampledFrom([]string{"", "p_"}).Draw(t, "prefix"),
			Take: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"plan", "seats"}), 1, 2, rapid.ID[string]).Draw(t, "take")}}
	case 5:
		return Step{Parse: &UserAgent{Field: rapid.SampledFrom(append([]string{"a.ua"}, properties...)).Draw(t, "field"), Prefix: rapid.SampledFrom([]string{"", "ua_"}).Draw(t, "prefix")}}
	case 6:
		return Step{Sample: &Sample{rapid.SampledFrom([]float64{0.5, 0.9}).Draw(t, "share"), rapid.SampledFrom([]string{"event_id", "user_id", "a"}).Draw(t, "by")}}
	default:
		f := someFilter(t, 2)
		return Step{Filter: &f}
	}
}

func someFilter(t *rapid.T, depth int) query.Filter {
	kind := 3
	if depth > 0 {
		kind = rapid.IntRange(0, 6).Draw(t, "kind")
	}
	some := func() (all []query.Filter) {
		for range rapid.IntRange(1, 3).Draw(t, "operands") {
			all = append(all, someFilter(t, depth-1))
		}
		return all
	}
	switch kind {
	case 0:
		return query.Filter{And: some()}
	case 1:
		return query.Filter{Or: some()}
	case 2:
		not := someFilter(t, depth-1)
		return query.Filter{Not: &not}
	}
	f := query.Filter{Column: rapid.SampledFrom(append([]string{"user_id", "event", "event_id"}, properties...)).Draw(t, "column")}
	literal := rapid.SampledFrom([]any{"u1", "5", "true", json.Number("5"), json.Number("1.5"), json.Number("0"), json.Number("-3e2")})
	f.Op = rapid.SampledFrom([]query.Comparison{query.Equal, query.NotEqual, query.Less, query.LessEqual, query.Greater, query.GreaterEqual, query.In, query.NotIn,
		query.Between, query.Contains, query.StartsWith, query.EndsWith, query.IsNull, query.IsNotNull}).Draw(t, "op")
	switch f.Op {
	case query.IsNull, query.IsNotNull:
	case query.In, query.NotIn:
		f.Value = rapid.SliceOfN(rapid.OneOf(literal, rapid.SampledFrom([]any{true, false})), 1, 3).Draw(t, "values")
	case query.Between:
		f.Value = []any{literal.Draw(t, "low"), literal.Draw(t, "high")}
	case query.Equal, query.NotEqual:
		f.Value = rapid.OneOf(literal, rapid.SampledFrom([]any{true, false})).Draw(t, "value")
	case query.Contains, query.StartsWith, query.EndsWith:
		f.Value = rapid.SampledFrom([]string{"u", "1", "5", "true"}).Draw(t, "part")
	default:
		f.Value = literal.Draw(t, "value")
	}
	if list, ok := f.Value.([]any); ok {
		f.Value = slices.Clone(list)
	}
	return f
}

func someEvent(t *rapid.T, shapes []*events.Shape) events.Event {
	id := rapid.SampledFrom([]string{"", "u1", "u2", "5", "u9"})
	e := events.Event{Name: rapid.SampledFrom([]string{"click", "5"}).Draw(t, "name"), Time: 1767323045000000, UserID: id.Draw(t, "user"), AnonymousID: id.Draw(t, "anonymous"),
		Shape: rapid.SampledFrom(shapes).Draw(t, "shape")}
	if e.Shape == nil {
		return e
	}
	for range e.Shape.Names {
		e.Values = append(e.Values, rapid.SampledFrom([]events.Value{
			{}, {Kind: events.Bool}, {Kind: events.Bool, Int: 1}, {Kind: events.Int, Int: 5}, {Kind: events.Int, Int: 1}, {Kind: events.Int, Int: math.MaxInt64},
			{Kind: events.Float, Float: 1.5}, {Kind: events.Float, Float: 5}, {Kind: events.Float, Float: 1e300}, {Kind: events.Text, Text: "u1"}, {Kind: events.Text, Text: "5"},
			{Kind: events.Text, Text: "1.5"}, {Kind: events.Text, Text: "TRUE"}, {Kind: events.Text, Text: "2026-01-02T03:04:05.1234567+01:00"}, {Kind: events.Text, Text: "0x10"},
			{Kind: events.Text, Text: "Inf"}, {Kind: events.Text, Text: "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"}, {Kind: events.Text, Text: "Googlebot/2.1"}, {Kind: events.JSON, Text: `{"x":[1,2]}`}, {Kind: events.JSON, Text: `{"ua":"Googlebot/2.1"}`}, {Kind: events.JSON, Text: `["ua"]`}, {Kind: events.JSON, Text: `{"ua":7}`}, {Kind: events.Big, Text: "92233720368547758080"},
		}).Draw(t, "value"))
	}
	return e
}

// modelOf is an event as a map: text is string, JSON and whole numbers past 64 bits are
// types of their own.
func modelOf(e *events.Event) map[string]any {
	m := map[string]any{"event_id": e.ID}
	if e.Dropped != 0 {
		m["!dropped"] = int(e.Dropped)
	}
	if e.Refused.Code != "" {
		m["!refused"] = e.Refused.Code
	}
	for name, text := range map[string]string{"event": e.Name, "user_id": e.UserID, "anonymous_id": e.AnonymousID} {
		if text != "" {
			m[name] = text
		}
	}
	if e.Shape == nil {
		return m
	}
	for i, name := range e.Shape.Names {
		switch v := e.Values[i]; v.Kind {
		case events.Null:
			m[name] = nil
		case events.Bool:
			m[name] = v.Int != 0
		case events.Int:
			m[name] = v.Int
		case events.Float:
			m[name] = v.Float
		case events.Text:
			m[name] = v.Text
		case events.JSON:
			m[name] = json.RawMessage(v.Text)
		case events.Big:
			m[name] = json.Number(v.Text)
		}
	}
	return m
}

// reference is what becomes of an event.
func reference(steps []Step, m map[string]any, salt *fieldrule.Salt) map[string]any {
	fate := func(kind string, why any) map[string]any { return map[string]any{"event_id": m["event_id"], kind: why} }
	for i, s := range steps {
		keep, code := true, ""
		switch {
		case s.Rename != nil:
			code = referenceRename(*s.Rename, m)
		case s.Cast != nil:
			if v := m[s.Cast.Field]; v != nil {
				if m[s.Cast.Field] = referenceCast(v, s.Cast.To); m[s.Cast.Field] == nil {
					code = "cast_failed"
				}
			}
		case s.Drop != nil:
			delete(m, s.Drop.Field)
		case s.Hash != nil:
			if v := m[s.Hash.Field]; v != nil {
				m[s.Hash.Field] = salt.Hash(sentAs(v))
			}
		case s.LookUp != nil:
			code = referenceLookUp(*s.LookUp, m)
		case s.Parse != nil:
			referenceParse(*s.Parse, m)
		case s.Sample != nil:
			by := m["event_id"]
			if v := m[s.Sample.By]; v != nil {
				by = v
			}
			share := new(big.Float).Quo(new(big.Float).SetUint64(xxhash.Sum64String(asText(by))), new(big.Float).SetMantExp(big.NewFloat(1), 64))
			keep = share.Cmp(big.NewFloat(s.Sample.Share)) < 0
		default:
			holds := referenceFilter(*s.Filter, m)
			keep = holds != nil && *holds
		}
		if code != "" {
			return fate("!refused", code)
		}
		if !keep {
			return fate("!dropped", i+1)
		}
	}
	return m
}

func referenceRename(r Rename, m map[string]any) string {
	isID := func(name string) bool { return name == "user_id" || name == "anonymous_id" }
	v, there := m[r.From]
	_, taken := m[r.To]
	switch {
	case !there || isID(r.To) && v == nil:
		return ""
	case taken:
		return "field_taken"
	case isID(r.To):
		switch v.(type) {
		case bool, json.RawMessage:
			return "bad_id"
		}
		v = asText(v)
	}
	delete(m, r.From)
	m[r.To] = v
	return ""
}

func referenceLookUp(l LookUp, m map[string]any) string {
	if m[l.By] == nil {
		return ""
	}
	row, found := plan[asText(m[l.By])]
	if !found {
		return ""
	}
	for _, column := range l.Take {
		if _, taken := m[l.Prefix+column]; taken {
			return "field_taken"
		}
	}
	for _, column := range l.Take {
		m[l.Prefix+column] = row[column]
	}
	return ""
}

func referenceParse(u UserAgent, m map[string]any) {
	text, isText := m[u.Field].(string)
	if raw, isJSON := m["a"].(json.RawMessage); isJSON && u.Field == "a.ua" {
		var object struct{ UA any }
		_ = json.Unmarshal(raw, &object) // what is no object has no member
		text, isText = object.UA.(string)
	}
	if !isText {
		return
	}
	a := useragent.Parse(text)
	for name, v := range map[string]any{"browser": a.Browser, "browser_version": a.BrowserVersion, "os": a.OS, "os_version": a.OSVersion, "device": a.Device, "bot": a.Bot} {
		if v == "" {
			v = nil
		}
		if _, taken := m[u.Prefix+name]; !taken {
			m[u.Prefix+name] = v
		}
	}
}

// referenceCast returns nil for what cannot be cast.
func referenceCast(v any, to Type) any {
	text, isText := v.(string)
	switch to {
	case Text:
		return asText(v)
	case Time:
		if at, err := time.Parse(time.RFC3339, text); isText && err == nil {
			return at.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
		}
	case Bool:
		switch {
		case v == true || v == int64(1) || strings.EqualFold(text, "true"):
			return true
		case v == false || v == int64(0) || strings.EqualFold(text, "false"):
			return false
		}
	case Int, Float:
		return referenceNumber(v, to)
	}
	return nil
}

func referenceNumber(v any, to Type) any {
	switch v.(type) {
	case string, int64, float64:
	default:
		return nil
	}
	text, isText := v.(string)
	if !isText {
		text = strconv.FormatFloat(numberOf(v), 'g', -1, 64)
		if i, ok := v.(int64); ok {
			text = strconv.FormatInt(i, 10)
		}
	}
	if to == Int {
		if f, ok := v.(float64); ok {
			whole, accuracy := big.NewFloat(f).Int64()
			if accuracy != big.Exact {
				return nil
			}
			return whole
		}
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil
		}
		return i
	}
	f, err := strconv.ParseFloat(text, 64)
	if i, ok := v.(int64); err != nil || strings.ContainsAny(text, "xXnN_") || ok && big.NewFloat(f).Cmp(new(big.Float).SetInt64(i)) != 0 {
		return nil
	}
	return f
}

func numberOf(v any) float64 { f, _ := v.(float64); return f }

// asText is a value in a column of texts.
func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return dataset.FormatFloat(v)
	case json.RawMessage:
		return string(v)
	default:
		return v.(json.Number).String()
	}
}

// sentAs is a value as it was sent, which is what is hashed.
func sentAs(v any) string {
	if f, ok := v.(float64); ok {
		return string(events.Value{Kind: events.Float, Float: f}.AppendJSON(nil))
	}
	return asText(v)
}

// referenceFilter returns nil for unknown.
func referenceFilter(f query.Filter, m map[string]any) *bool {
	is := func(b bool) *bool { return &b }
	switch {
	case f.And != nil || f.Or != nil:
		decides, all := f.Or != nil, append(slices.Clone(f.And), f.Or...)
		out := is(!decides)
		for _, one := range all {
			switch holds := referenceFilter(one, m); {
			case holds == nil && *coalesce(out, !decides) != decides:
				out = nil
			case holds != nil && *holds == decides:
				return is(decides)
			}
		}
		return out
	case f.Not != nil:
		if holds := referenceFilter(*f.Not, m); holds != nil {
			return is(!*holds)
		}
		return nil
	}
	v := m[f.Column]
	if f.Op == query.IsNull || f.Op == query.IsNotNull {
		return is((v == nil) == (f.Op == query.IsNull))
	}
	if v == nil {
		return nil
	}
	list, _ := f.Value.([]any)
	any := func(op query.Comparison) *bool {
		var or []query.Filter
		for _, one := range list {
			or = append(or, query.Filter{Column: f.Column, Op: op, Value: one})
		}
		return referenceFilter(query.Filter{Or: or}, m)
	}
	switch f.Op {
	case query.In:
		return any(query.Equal)
	case query.NotIn:
		in := any(query.Equal)
		if in == nil {
			return nil
		}
		return is(!*in)
	case query.Between:
		return referenceFilter(query.Filter{And: []query.Filter{{Column: f.Column, Op: query.GreaterEqual, Value: list[0]}, {Column: f.Column, Op: query.LessEqual, Value: list[1]}}}, m)
	}
	return referenceComparison(f, v)
}

func coalesce(b *bool, otherwise bool) *bool {
	if b == nil {
		return &otherwise
	}
	return b
}

func referenceComparison(f query.Filter, v any) *bool {
	is := func(b bool) *bool { return &b }
	var order int
	switch want := f.Value.(type) {
	case string:
		text := asText(v)
		switch f.Op {
		case query.Contains:
			return is(strings.Contains(text, want))
		case query.StartsWith:
			return is(strings.HasPrefix(text, want))
		case query.EndsWith:
			return is(strings.HasSuffix(text, want))
		}
		order = strings.Compare(text, want)
	case bool:
		b, ok := v.(bool)
		if !ok {
			return nil
		}
		if b != want {
			order = 1
		}
	case json.Number:
		number := new(big.Float).SetPrec(200)
		switch v := v.(type) {
		case int64:
			number.SetInt64(v)
		case float64:
			number.SetFloat64(v)
		default:
			return nil
		}
		given, _ := want.Float64()
		order = number.Cmp(big.NewFloat(given)) // all literals are exact
	}
	return is(map[query.Comparison]bool{query.Equal: order == 0, query.NotEqual: order != 0, query.Less: order < 0, query.LessEqual: order <= 0,
		query.Greater: order > 0, query.GreaterEqual: order >= 0}[f.Op])
}
