package enrich

import (
	"encoding/json"
	"strings"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/useragent"
)

// part is a property that a text becomes.
type part struct {
	name  string
	value func(useragent.Agent) events.Value
}

var parts = [...]part{
	{"browser", func(a useragent.Agent) events.Value { return said(a.Browser) }},
	{"browser_version", func(a useragent.Agent) events.Value { return said(a.BrowserVersion) }},
	{"os", func(a useragent.Agent) events.Value { return said(a.OS) }},
	{"os_version", func(a useragent.Agent) events.Value { return said(a.OSVersion) }},
	{"device", func(a useragent.Agent) events.Value { return said(a.Device) }},
	{"bot", func(a useragent.Agent) events.Value {
		v := events.Value{Kind: events.Bool}
		if a.Bot {
			v.Int = 1
		}
		return v
	}},
}

// said is null of what a text does not say.
func said(s string) events.Value {
	if s == "" {
		return events.Value{}
	}
	return events.Value{Kind: events.Text, Text: s}
}

// op adds what the text says. A property that the event has already stays as it is: it may
// be the flag of a bot, or what the sender knows better. A text past the bound of new ones
// adds nothing.
func (u UserAgent) op(step int) op {
	var added [len(parts)]string
	for i := range parts {
		added[i] = u.Prefix + parts[i].name
	}
	return func(r *run) verdict {
		e := r.event
		text, ok := u.text(e)
		if !ok {
			return verdict{}
		}
		agent, ok := r.agents.Parse(text)
		if !ok {
			return verdict{}
		}
		e.Shape = r.shape(step, func() []string {
			all := names(e.Shape)
			for _, name := range added {
				if place(e, name) < 0 {
					all = append(all, name)
				}
			}
			return all
		})
		next := e.Shape.Names[len(e.Values):]
		for i := range parts {
			if len(next) > 0 && next[0] == added[i] {
				e.Values, next = append(e.Values, parts[i].value(agent)), next[1:]
			}
		}
		return verdict{}
	}
}

// text returns the text of an event, if it has one: the property's, or that of a member of
// one that is an object. Names may hold dots themselves.
func (u UserAgent) text(e *events.Event) (string, bool) {
	if i := place(e, u.Field); i >= 0 {
		return e.Values[i].Text, e.Values[i].Kind == events.Text
	}
	property, member, dotted := strings.Cut(u.Field, ".")
	if !dotted {
		return "", false
	}
	i := place(e, property)
	if i < 0 || e.Values[i].Kind != events.JSON || !strings.Contains(e.Values[i].Text, member) {
		return "", false
	}
	var object map[string]json.RawMessage
	var text *string
	if json.Unmarshal([]byte(e.Values[i].Text), &object) != nil || json.Unmarshal(object[member], &text) != nil || text == nil {
		return "", false // no object, or the member is none or no text
	}
	return *text, true
}
