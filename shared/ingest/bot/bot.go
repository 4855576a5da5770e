// Package bot flags events that come from bots: by what the text of a browser's
// User-Agent says of itself (package useragent), and by nothing else. No event is dropped
// for it, and none is another one: a flag is a property, and no part of an event's
// identity, so that a retry which is flagged otherwise is still the same event.
//
// Whose text it is matters more than the text. A server's SDK names itself in the header
// of its requests, and is no visitor: of the requests it sends only what an event itself
// says counts. The header counts where a page's script sent the request.
package bot

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/ingest/internal/scan"
	"github.com/tarnhq/tarn/shared/useragent"
)

// Property is true of events that come from bots; others do not have it. A sender's own
// property of the name is kept as it is.
const Property = "bot"

// Rule says where the events of a protocol tell of the browser that they come from. By the
// zero Rule they do not.
type Rule struct {
	// Texts are the properties that may hold the text of a User-Agent. The first that an
	// event has as text counts.
	Texts []Text

	// Header has the request's User-Agent count for events that say nothing themselves,
	// if a page's script sent it.
	Header bool
}

// Text is a property, or a member of one that is an object.
type Text struct{ Property, Member string }

// Flag adds Property to the events that come from bots. Of texts that were never seen
// before it reads useragent.MaxNew: events that bring more are not flagged. Those that are
// refused, and those that have as many properties as an event may have, are left as
// they are.
func (r Rule) Flag(header http.Header, sent []events.Event) {
	if len(r.Texts) == 0 && !r.Header {
		return
	}
	f := flagger{rule: r}
	if r.Header && sentByPage(header) {
		f.header = header.Get("User-Agent")
	}
	for i := range sent {
		if e := &sent[i]; e.Refused.Code == "" && f.isBot(e) {
			f.flag(e)
		}
	}
}

// sentByPage tells whether a page's script, or one of its images, sent a request.
// Browsers say so, and scripts cannot (https://fetch.spec.whatwg.org/#forbidden-request-header).
// The fetch of Node.js sends Sec-Fetch-Mode, and neither of these.
func sentByPage(header http.Header) bool {
	return header.Get("Origin") != "" || header.Get("Sec-Fetch-Site") != ""
}

// flagger flags the events of one request.
type flagger struct {
	rule   Rule
	header string // the text of events without their own; may be empty
	agents useragent.Reader

	shape   *events.Shape // of the event before
	plan    []found
	plans   map[*events.Shape][]found
	flagged map[*events.Shape]*events.Shape // with Property

	object string // the last one in which a member was looked for
	member string
	memory []byte
	reader scan.Reader
}

// found is where an event may have the text.
type found struct {
	place  int
	member string
}

func (f *flagger) isBot(e *events.Event) bool {
	text := f.header
	if e.Shape != nil {
		if own := f.text(e); own != "" {
			text = own
		}
	}
	if text == "" {
		return false
	}
	agent, _ := f.agents.Parse(text)
	return agent.Bot
}

// text returns what an event itself says, or nothing.
func (f *flagger) text(e *events.Event) string {
	if e.Shape != f.shape {
		f.shape, f.plan = e.Shape, f.planOf(e.Shape)
	}
	for _, at := range f.plan {
		v := &e.Values[at.place]
		switch {
		case at.member == "" && v.Kind == events.Text:
			return v.Text
		case at.member != "" && v.Kind == events.JSON:
			if text := f.within(v.Text, at.member); text != "" {
				return text
			}
		}
	}
	return ""
}

// planOf finds a shape's places once.
func (f *flagger) planOf(s *events.Shape) []found {
	plan, ok := f.plans[s]
	if ok {
		return plan
	}
	for _, t := range f.rule.Texts {
		if i := slices.Index(s.Names, t.Property); i >= 0 {
			plan = append(plan, found{i, t.Member})
		}
	}
	if f.plans == nil {
		f.plans = map[*events.Shape][]found{}
	}
	f.plans[s] = plan
	return plan
}

// within returns the text of a member of an object, or nothing. The objects of one
// browser are mostly alike.
func (f *flagger) within(object, member string) string {
	if !strings.Contains(object, member) {
		return ""
	}
	if object == f.object {
		return f.member
	}
	f.memory = append(f.memory[:0], object...)
	f.reader.Reset(f.memory)
	f.object, f.member = object, ""
	if f.reader.Lookup(0, member) {
		if text, flaw := f.reader.OptionalText(events.MaxEvent); flaw == scan.None {
			f.member = text
		}
	}
	return f.member
}

// flag adds the property, where there is none and room for it.
func (f *flagger) flag(e *events.Event) {
	if len(e.Values) >= events.MaxProperties {
		return
	}
	s, ok := f.flagged[e.Shape]
	if !ok {
		s = withProperty(e.Shape)
		if f.flagged == nil {
			f.flagged = map[*events.Shape]*events.Shape{}
		}
		f.flagged[e.Shape] = s
	}
	if s != nil {
		e.Shape, e.Values = s, append(slices.Clip(e.Values), events.Value{Kind: events.Bool, Int: 1})
	}
}

// withProperty returns a shape with Property behind the others, or nil for one that has it.
func withProperty(s *events.Shape) *events.Shape {
	switch {
	case s == nil:
		return &events.Shape{Names: []string{Property}}
	case slices.Contains(s.Names, Property):
		return nil
	}
	return &events.Shape{Names: append(slices.Clip(s.Names), Property)}
}
