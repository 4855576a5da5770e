package scan

// Member steps through an object whose '{' has been read: it moves to the next key
// and reports whether there is one. First tells that none was read yet.
func (r *Reader) Member(first bool) (more bool, f Flaw) {
	switch c := r.Peek(); {
	case c == '}':
		r.Pos++
		return false, None
	case c == ',' && !first:
		r.Pos++
		if r.Peek() != '"' {
			return false, Syntax
		}
		return true, None
	case c == '"' && first:
		return true, None
	default:
		return false, Syntax
	}
}

// Key reads a key and its colon, and moves to the value.
func (r *Reader) Key() (string, Flaw) {
	key, f := r.String()
	if p := r.Pos; f == None && p+1 < len(r.Text) && r.Text[p] == ':' && r.Text[p+1] > ' ' { // as most senders write it
		r.Pos++
		return key, None
	}
	if f == None && (!r.Next(':') || r.Peek() == 0) {
		f = Syntax
	}
	return key, f
}

// Members calls each with the key of every member of the object at Pos. Its value is at
// Pos then, and each must move past it. With a flaw comes the key of the member that has
// it, if any.
func (r *Reader) Members(each func(key string) Flaw) (where string, f Flaw) {
	if !r.Next('{') {
		return "", NotAnObject
	}
	for first := true; ; first = false {
		more, f := r.Member(first)
		if f != None || !more {
			return "", f
		}
		key, f := r.Key()
		if f != None {
			return "", f
		}
		if f = each(key); f != None {
			return Clip(key, 64), f
		}
	}
}

// Elements calls each with the start and the end of every element of the array at Pos,
// told apart as leniently as by Skip, and moves past the array. It stops at more of them
// than one request may have, and at an error of each.
func (r *Reader) Elements(each func(start, end int) error) error {
	if !r.Next('[') {
		return r.Broken("an array was expected")
	}
	if r.Next(']') {
		return nil
	}
	for n := 1; ; n++ {
		if err := CheckCount(n); err != nil {
			return err
		}
		r.Space()
		start := r.Pos
		if !r.Skip() {
			return r.Broken("an element was expected")
		}
		end := r.Pos
		if err := each(start, end); err != nil {
			return err
		}
		r.Pos = end
		if r.Next(']') {
			return nil
		}
		if !r.Next(',') {
			return r.Broken("',' or ']' was expected")
		}
	}
}

// Lookup finds the first member with a key in the object at start, and moves to its
// value. It reads as leniently as Skip.
func (r *Reader) Lookup(start int, key string) bool {
	r.Pos = start
	if !r.Next('{') {
		return false
	}
	for r.Peek() == '"' {
		at := r.Pos
		name, f := r.String()
		if f != None {
			r.Pos = at
			if !r.skipString() {
				return false
			}
		}
		if !r.Next(':') || !r.Space() {
			return false
		}
		if f == None && name == key {
			return true
		}
		if !r.Skip() || !r.Next(',') {
			return false
		}
	}
	return false
}

// TextOf returns the text of at most limit bytes that is the first member with a key in the
// object at start, or nothing.
func (r *Reader) TextOf(start int, key string, limit int) string {
	if !r.Lookup(start, key) {
		return ""
	}
	return r.ShortText(limit)
}

func (r *Reader) checkObject(depth int) Flaw {
	r.Pos++
	for first := true; ; first = false {
		more, f := r.Member(first)
		if f != None || !more {
			return f
		}
		if f := r.checkString(); f != None {
			return f
		}
		if !r.Next(':') {
			return Syntax
		}
		if f := r.check(depth); f != None {
			return f
		}
	}
}

func (r *Reader) checkArray(depth int) Flaw {
	r.Pos++
	if r.Next(']') {
		return None
	}
	for {
		if f := r.check(depth); f != None {
			return f
		}
		if r.Next(']') {
			return None
		}
		if !r.Next(',') {
			return Syntax
		}
	}
}
