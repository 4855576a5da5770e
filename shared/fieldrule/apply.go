package fieldrule

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Apply does what rules say to events of a tenant, in place: nothing of what they take
// away is left in an event, or in the text of one that is refused. Where that is no JSON,
// nobody can say what is in it, and it is left out.
func (s *Salts) Apply(ctx context.Context, t tenant.ID, rules []Rule, sent []events.Event) error {
	if len(rules) == 0 {
		return nil
	}
	a, err := s.Application(ctx, t, rules)
	if err != nil {
		return err
	}
	for i := range sent {
		a.Event(&sent[i])
	}
	return nil
}

// Application returns what applies rules to events of a batch one by one.
func (s *Salts) Application(ctx context.Context, t tenant.ID, rules []Rule) (*Application, error) {
	a := &Application{shapes: map[*events.Shape][]treated{}, short: map[shortened]*events.Shape{}}
	if slices.ContainsFunc(rules, func(r Rule) bool { return r.Treat == Hash }) {
		var err error
		if a.salt, err = s.Of(ctx, t); err != nil {
			return nil, err
		}
	}
	for _, r := range rules {
		a.rules = append(a.rules, r)
		for _, path := range r.paths() {
			a.targets = append(a.targets, target{path, r.Treat})
		}
	}
	return a, nil
}

// Application is one application of rules to a batch of events. It is not safe for
// concurrent use.
type Application struct {
	salt    *Salt // nil where no rule hashes
	rules   []Rule
	targets []target
	shapes  map[*events.Shape][]treated
	short   map[shortened]*events.Shape
}

// target is where a rule points, from the object at hand.
type target struct {
	path  string
	treat Treatment
}

// treated is a property that rules point at, or into.
type treated struct {
	place int
	treat Treatment // empty: only into it
	into  []target
}

// Event does what the rules say to an event, in place.
func (a *Application) Event(e *events.Event) {
	for _, r := range a.rules {
		if !ids[r.Field] {
			continue
		}
		for _, id := range []struct {
			name string
			at   *string
		}{{"user_id", &e.UserID}, {"anonymous_id", &e.AnonymousID}, {"session_id", &e.SessionID}} {
			if id.name == r.Field && *id.at != "" {
				*id.at = a.salt.Hash(*id.at)
			}
		}
	}
	if e.Refused.Code != "" {
		e.Raw = a.refused(e.Raw)
	}
	if e.Shape != nil {
		a.properties(e)
	}
}

// properties treats those of an event. Its values are its own; its shape is not.
func (a *Application) properties(e *events.Event) {
	var gone []byte
	for _, p := range a.planned(e.Shape) {
		if !a.property(&e.Values[p.place], p) {
			gone = binary.LittleEndian.AppendUint16(gone, uint16(p.place)) // #nosec G115 -- below events.MaxProperties
		}
	}
	if gone == nil {
		return
	}
	kept := e.Values[:0]
	for i, v := range e.Values {
		if !isGone(gone, i) {
			kept = append(kept, v)
		}
	}
	if e.Values = kept; len(kept) == 0 {
		e.Shape, e.Values = nil, nil
		return
	}
	e.Shape = a.without(e.Shape, gone)
}

// planned tells which properties of a shape are treated.
func (a *Application) planned(s *events.Shape) []treated {
	plan, ok := a.shapes[s]
	if ok {
		return plan
	}
	for i, name := range s.Names {
		if treat, into := follow(a.targets, name); treat != "" || into != nil {
			plan = append(plan, treated{i, treat, into})
		}
	}
	a.shapes[s] = plan
	return plan
}

// follow tells what is done to the member of a name, and where rules point within it.
// Names may hold dots themselves. Of several rules, one that drops wins.
func follow(targets []target, name string) (treat Treatment, into []target) {
	for _, t := range targets {
		rest, ok := strings.CutPrefix(t.path, name)
		switch {
		case !ok:
		case rest == "":
			if treat == "" || t.treat == Drop {
				treat = t.treat
			}
		case rest[0] == '.':
			into = append(into, target{rest[1:], t.treat})
		}
	}
	return treat, into
}

// property treats one value. It reports false when that goes.
func (a *Application) property(v *events.Value, p treated) bool {
	switch {
	case p.treat == "" && v.Kind == events.JSON:
		v.Text = a.rewrite(v.Text, p.into)
		return true
	case p.treat == "" || p.treat == Hash && v.Kind == events.Null:
		return true
	}
	text, ok := a.treat(p.treat, textOf(v), v.Kind == events.Text)
	*v = events.Value{Kind: events.Text, Text: text}
	return ok
}

// treat returns what a value becomes, which is given as text. It reports false when that
// goes. Only texts are addresses.
func (a *Application) treat(how Treatment, value string, isText bool) (string, bool) {
	switch {
	case how == Hash:
		return a.salt.Hash(value), true
	case how == TruncateIP && isText:
		return truncate(value)
	default:
		return "", false
	}
}

// textOf is what is hashed of a value.
func textOf(v *events.Value) string {
	if v.Kind == events.Text || v.Kind == events.JSON || v.Kind == events.Big {
		return v.Text
	}
	return string(v.AppendJSON(nil))
}

// shortened names a shape without some of its names.
type shortened struct {
	of   *events.Shape
	gone string // places, of two bytes each
}

func (a *Application) without(s *events.Shape, gone []byte) *events.Shape {
	key := shortened{s, string(gone)}
	if short := a.short[key]; short != nil {
		return short
	}
	short := &events.Shape{}
	for i, name := range s.Names {
		if !isGone(gone, i) {
			short.Names = append(short.Names, name)
		}
	}
	a.short[key] = short
	return short
}

func isGone(gone []byte, place int) bool {
	for ; len(gone) > 0; gone = gone[2:] {
		if int(binary.LittleEndian.Uint16(gone)) == place {
			return true
		}
	}
	return false
}

// refused treats the text of an event that is refused: as nobody knows what its sender
// meant by it, rules point from every object in it.
func (a *Application) refused(raw []byte) []byte {
	if !json.Valid(raw) {
		return nil
	}
	w := rewriting{Application: a, text: string(raw), anywhere: a.targets}
	w.value(nil)
	return w.out
}

func (a *Application) rewrite(text string, into []target) string {
	w := rewriting{Application: a, text: text}
	w.value(into)
	return string(w.out)
}
