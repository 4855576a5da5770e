package useragent

import "strings"

// MaxNew is how many texts a Reader parses that were not seen before.
const MaxNew = 20

// Reader reads the texts of one request: one that comes again is looked up once, and past
// MaxNew of those that nobody sent before, the others are not parsed. They are the next
// time, if it is another's turn then. The zero Reader is ready. It is not safe for
// concurrent use.
type Reader struct {
	last  *reading // neighbours mostly say the same
	read  map[string]*reading
	fresh int
}

// reading is what a text says. It is not ok past the bound.
type reading struct {
	text  string
	agent Agent
	ok    bool
}

// Parse returns what a text says. It reports false for one past the bound, which says
// nothing then. It keeps no memory of the caller's.
func (r *Reader) Parse(text string) (Agent, bool) {
	if r.last == nil || text != r.last.text {
		r.last = r.find(text)
	}
	return r.last.agent, r.last.ok
}

func (r *Reader) find(text string) *reading {
	if seen := r.read[text]; seen != nil {
		return seen
	}
	if r.read == nil {
		r.read = map[string]*reading{}
	}
	out := &reading{text: strings.Clone(text)}
	out.agent, out.ok = r.look(clean(text))
	r.read[out.text] = out
	return out
}

func (r *Reader) look(text string) (Agent, bool) {
	if agent, ok := recall(text); ok || r.fresh == MaxNew {
		return agent, ok
	}
	r.fresh++
	return learn(text), true
}
