package scan

import "github.com/tarnhq/tarn/events"

// Begin starts on the properties of another event.
func (r *Reader) Begin() {
	r.at, r.first = r.tree.start(), len(r.values)
}

// Properties reads the object at Pos and adds its members to the properties of the
// event at hand. With a flaw comes the name of the property that has it, if any.
func (r *Reader) Properties(depth int) (where string, f Flaw) {
	r.Pos++
	for first := true; ; first = false {
		more, f := r.Member(first)
		if f != None || !more {
			return "", f
		}
		if where, f := r.property(depth); f != None {
			return where, f
		}
	}
}

func (r *Reader) property(depth int) (where string, f Flaw) {
	next := r.at.guess(r.Text[r.Pos:])
	if next != nil {
		r.Pos += len(next.quoted)
	} else {
		name, f := r.String()
		if f != None {
			return "", f
		}
		if next, f = r.tree.step(r.at, name); f != None {
			return Clip(name, 64), f
		}
	}
	r.at = next
	if !r.Next(':') {
		return next.name, Syntax
	}
	r.Peek()
	r.values = append(r.values, events.Value{})
	return next.name, r.Value(&r.values[len(r.values)-1], depth)
}

// Add adds one property to the event at hand.
func (r *Reader) Add(name string, v events.Value) Flaw {
	next, f := r.tree.step(r.at, name)
	if f != None {
		return f
	}
	r.at = next
	r.values = append(r.values, v)
	return None
}

// Put adds the value at Pos as a property; depth is that of the object it stands in. Where
// the event has one of that name, an equal value is not said twice (senders have some in
// two places), and another one is named with the prefix.
func (r *Reader) Put(name, prefix string, depth int) Flaw {
	var v events.Value
	if f := r.Value(&v, depth); f != None {
		return f
	}
	f := r.Add(name, v)
	if f != Duplicate {
		return f
	}
	if *r.Find(name) == v {
		return None
	}
	return r.Add(prefix+name, v)
}

// Find returns the value of a property of the event at hand, or nil.
func (r *Reader) Find(name string) *events.Value {
	for n := r.at; n.parent != nil; n = n.parent {
		if n.name == name {
			return &r.values[r.first+n.depth-1]
		}
	}
	return nil
}

// End returns the properties of the event at hand: nil if it has none.
func (r *Reader) End() (*events.Shape, []events.Value) {
	if r.at.parent == nil {
		return nil, nil
	}
	n := len(r.values)
	return r.at.list(), r.values[r.first:n:n]
}
