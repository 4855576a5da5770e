// Package enrich knows what is done to a dataset's events on their way in: a small list
// of steps that the owner declares, in the order they are listed. A version of the list
// never changes, and each row keeps the number of the version it went through. Steps are
// functions of the event alone (of the table that is looked up in, and of whether a text is
// past the bound of new ones), so that a retry meets the same fate. An event that a step cannot treat goes to quarantine as it was
// before the first one, and its neighbours do not notice; one that is dropped is
// acknowledged, and counted as dropped. docs/enrichment.md says why.
package enrich

import (
	"strings"
	"unicode/utf8"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/fieldrule"
	"github.com/tarnhq/tarn/shared/query"
)

// Step is one thing that is done to an event: exactly one of its members is given.
type Step struct {
	Rename *Rename       `json:"rename,omitempty"`
	Cast   *Cast         `json:"cast,omitempty"`
	Drop   *Field        `json:"drop,omitempty" doc:"the field, wherever in the event it stands; not the event"`
	Hash   *Field        `json:"hash,omitempty" doc:"the field, as a field rule does it"`
	LookUp *LookUp       `json:"look_up,omitempty"`
	Parse  *UserAgent    `json:"parse_user_agent,omitempty"`
	Sample *Sample       `json:"sample,omitempty"`
	Filter *query.Filter `json:"filter,omitempty" doc:"events that it is not true of are dropped"`
}

// Field names a field: user_id, anonymous_id, session_id or a property.
type Field struct {
	Field string `json:"field" minLength:"1" maxLength:"256" example:"email"`
}

// Rename gives a field another name. A name that the event has already is a reason for
// quarantine: nothing is overwritten.
type Rename struct {
	From string `json:"from" minLength:"1" maxLength:"256" example:"uid"`
	To   string `json:"to" minLength:"1" maxLength:"256" example:"user_id"`
}

// Type is what a value can be cast to.
type Type string

// The types of casts. Of a time, the value is RFC 3339 text in UTC.
const (
	Int   Type = "int"
	Float Type = "float"
	Bool  Type = "bool"
	Text  Type = "text"
	Time  Type = "time"
)

// Cast turns a property into a type, exactly or not at all.
type Cast struct {
	Field string `json:"field" minLength:"1" maxLength:"256" example:"price"`
	To    Type   `json:"to" enum:"int,float,bool,text,time"`
}

// LookUp takes columns of the row of a table that a field names.
type LookUp struct {
	Dataset dataset.Name `json:"dataset" maxLength:"64" example:"customers"`
	Key     string       `json:"key" minLength:"1" maxLength:"200" doc:"the column of the table that tells its rows apart" example:"id"`
	By      string       `json:"by" minLength:"1" maxLength:"256" doc:"the field of the event that is looked up" example:"user_id"`
	Take    []string     `json:"take" minItems:"1" maxItems:"20" doc:"columns, which become properties" example:"plan"`
	Prefix  string       `json:"prefix,omitempty" maxLength:"64" doc:"of the properties' names" example:"customer_"`
}

// UserAgent takes apart the text of a User-Agent.
type UserAgent struct {
	Field  string `json:"field" minLength:"1" maxLength:"256" doc:"the property that holds the text, or PROPERTY.MEMBER of one that is an object" example:"user_agent"`
	Prefix string `json:"prefix,omitempty" maxLength:"64" doc:"of the names of the properties that it becomes: browser, browser_version, os, os_version, device and bot" example:"visitor_"`
}

// Sample keeps a share of the events: always the same ones.
type Sample struct {
	Share float64 `json:"share" exclusiveMinimum:"0" exclusiveMaximum:"1" example:"0.1"`
	By    string  `json:"by" minLength:"1" maxLength:"256" doc:"event_id, or a field whose values are kept or dropped as a whole; events without it go by their event_id" example:"user_id"`
}

// Bounds of a list.
const (
	MaxSteps   = 50
	maxField   = events.MaxName
	maxTake    = 20
	maxLookUps = 5
	maxPrefix  = 64
)

// Property is the one that holds the version that a row went through. Where a dataset is
// enriched, senders cannot use the name.
const Property = "enrichment_version"

// ids are the fields beside properties.
var ids = map[string]func(*events.Event) *string{
	dataset.ColumnUserID:      func(e *events.Event) *string { return &e.UserID },
	dataset.ColumnAnonymousID: func(e *events.Event) *string { return &e.AnonymousID },
	dataset.ColumnSessionID:   func(e *events.Event) *string { return &e.SessionID },
}

func bad(format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "bad_enrichment", format, args...)
}

// check returns what is wrong with a step by itself.
func (s Step) check() error {
	switch {
	case s.Rename != nil:
		return s.Rename.check()
	case s.Cast != nil:
		return s.Cast.check()
	case s.Drop != nil:
		return fieldrule.Check([]fieldrule.Rule{s.Drop.rule(fieldrule.Drop)})
	case s.Hash != nil:
		return fieldrule.Check([]fieldrule.Rule{s.Hash.rule(fieldrule.Hash)})
	case s.LookUp != nil:
		return s.LookUp.check()
	case s.Parse != nil:
		return s.Parse.check()
	case s.Sample != nil:
		return s.Sample.check()
	default:
		_, err := compileFilter(*s.Filter)
		return err
	}
}

func (f Field) rule(how fieldrule.Treatment) fieldrule.Rule {
	return fieldrule.Rule{Field: f.Field, Treat: how}
}

// checkField returns fault.Invalid unless a step may read and write the field.
func checkField(name string) error {
	switch {
	case name == "" || len(name) > maxField || !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return bad("a field has 1 to %d bytes of UTF-8, none of them zero", maxField)
	case ids[name] == nil && dataset.IsFixed(name):
		return bad("%q is needed as it is", name).WithHint("a step is for user_id, anonymous_id, session_id or a property")
	case name == Property:
		return bad("%q says which version a row went through", name).WithHint("choose another name")
	}
	return nil
}

func (r Rename) check() error {
	if err := checkField(r.From); err != nil {
		return err
	}
	if r.From == r.To {
		return bad("%q is renamed to itself", r.From)
	}
	return checkField(r.To)
}

func (c Cast) check() error {
	if ids[c.Field] != nil {
		return bad("%q is text, and nothing else", c.Field)
	}
	if casts[c.To] == nil {
		return bad("%.40q is no type to cast to", string(c.To)).WithHint("use int, float, bool, text or time")
	}
	return checkField(c.Field)
}

func (l LookUp) check() error {
	if err := l.Dataset.Check(); err != nil {
		return err
	}
	if err := checkField(l.By); err != nil {
		return err
	}
	switch {
	case l.Key == "":
		return bad("the look-up in %q has no key", l.Dataset).WithHint("name the column that tells its rows apart")
	case len(l.Take) == 0 || len(l.Take) > maxTake:
		return bad("a look-up takes 1 to %d columns", maxTake)
	case len(l.Prefix) > maxPrefix:
		return bad("a prefix has at most %d bytes", maxPrefix)
	}
	seen := map[string]bool{}
	for _, column := range l.Take {
		name := l.Prefix + column
		if err := checkField(name); err != nil {
			return err
		}
		if ids[name] != nil || seen[name] {
			return bad("the look-up cannot write %q", name).WithHint("give it a prefix, and each column once")
		}
		seen[name] = true
	}
	return nil
}

func (u UserAgent) check() error {
	if ids[u.Field] != nil {
		return bad("%q is an id, and no text of a User-Agent", u.Field)
	}
	if len(u.Prefix) > maxPrefix {
		return bad("a prefix has at most %d bytes", maxPrefix)
	}
	for _, part := range parts {
		if err := checkField(u.Prefix + part.name); err != nil {
			return err
		}
	}
	return checkField(u.Field)
}

func (s Sample) check() error {
	if s.Share <= 0 || s.Share >= 1 || s.Share != s.Share {
		return bad("a sample's share is between 0 and 1").WithHint("0.1 keeps one in ten")
	}
	if s.By == dataset.ColumnEventID {
		return nil
	}
	return checkField(s.By)
}
