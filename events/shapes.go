package events

// Bounds of what a Decoder remembers. Past them it starts anew: shapes are then
// other pointers, and equal.
const (
	maxInterned     = 4096
	maxInternedSize = 4 << 20
)

// shape reads a reference to a shape or its definition. It returns nil for what is
// neither.
func (d *Decoder) shape(c *cursor) *Shape {
	ref := c.uvarint()
	if ref > uint64(len(d.shapes)) || c.broken {
		return nil
	}
	if ref > 0 {
		return d.shapes[ref-1]
	}
	definition := c.data
	count := c.uvarint()
	if count > uint64(len(c.data)) {
		return nil
	}
	for range count {
		c.bytes(c.uvarint())
	}
	if c.broken {
		return nil
	}
	s := d.intern(definition[:len(definition)-len(c.data)], int(count)) // #nosec G115 -- held against the bytes that are left
	d.shapes = append(d.shapes, s)
	return s
}

// intern returns the shape of a definition whose form has been checked, or nil if
// it has a name twice.
func (d *Decoder) intern(definition []byte, count int) *Shape {
	if s := d.interned[share(definition)]; s != nil {
		return s
	}
	key := string(definition)
	c := cursor{data: []byte(key)}
	c.uvarint()
	s := &Shape{Names: make([]string, count)}
	for i := range s.Names {
		s.Names[i] = c.text()
	}
	if hasTwice(s.Names) {
		return nil
	}
	if len(d.interned) >= maxInterned || d.internSize+len(key) > maxInternedSize || d.interned == nil {
		d.interned, d.internSize = make(map[string]*Shape), 0
	}
	d.interned[key] = s
	d.internSize += len(key)
	return s
}

func hasTwice(names []string) bool {
	seen := make(map[string]struct{}, len(names))
	for _, name := range names {
		seen[name] = struct{}{}
	}
	return len(seen) != len(names)
}
