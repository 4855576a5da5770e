package scan

import (
	"strings"

	"github.com/tarnhq/tarn/events"
)

// tree holds the lists of property names that were seen, as a tree of prefixes: the
// next event mostly has the names of one before in the same order, so that its way
// down the tree is guessed, and checked by comparing bytes. A leaf holds the Shape.
type tree struct {
	root  *node
	nodes int

	seen   map[string]struct{} // the names down to seenAt, where they are many
	seenAt *node
}

// maxNodes bounds the tree. A fuller one is dropped before the next event.
const maxNodes = 4096

// guesses is how many of a node's children are tried before the key is read.
const guesses = 3

type node struct {
	name     string
	quoted   string // the key as it stands in a text
	depth    int    // number of names down to here
	parent   *node
	children []*node          // the one that was needed last comes first
	index    map[string]*node // of the children, once they are many
	shape    *events.Shape
}

// neverInText stands for the key of a name that needs escapes.
const neverInText = "\x00"

func (t *tree) start() *node {
	if t.root == nil || t.nodes > maxNodes {
		*t = tree{root: &node{}}
	}
	return t.root
}

// guess returns the child whose key text begins with, or nil.
func (n *node) guess(text []byte) *node {
	for i, child := range n.children {
		if i == guesses {
			break
		}
		if len(text) >= len(child.quoted) && string(text[:len(child.quoted)]) == child.quoted {
			if i > 0 {
				n.children[0], n.children[i] = child, n.children[0]
			}
			return child
		}
	}
	return nil
}

// step returns the child with a name, which shares no memory with it.
func (t *tree) step(n *node, name string) (*node, Flaw) {
	if child := n.child(name); child != nil {
		return child, None
	}
	switch {
	case len(name) > events.MaxName:
		return nil, NameTooLong
	case n.depth >= events.MaxProperties:
		return nil, TooMany
	case t.has(n, name):
		return nil, Duplicate
	}
	child := &node{name: strings.Clone(name), depth: n.depth + 1, parent: n}
	child.quoted = neverInText
	if plainEnd([]byte(name), 0) == len(name) {
		child.quoted = `"` + child.name + `"`
	}
	n.children = append(n.children, child)
	last := len(n.children) - 1
	n.children[0], n.children[last] = child, n.children[0]
	if n.index != nil {
		n.index[child.name] = child
	} else if len(n.children) > 8 {
		n.index = make(map[string]*node)
		for _, c := range n.children {
			n.index[c.name] = c
		}
	}
	t.nodes++
	return child, None
}

func (n *node) child(name string) *node {
	if n.index != nil {
		return n.index[name]
	}
	for i, child := range n.children {
		if child.name == name {
			n.children[0], n.children[i] = child, n.children[0]
			return child
		}
	}
	return nil
}

// few is the number of names up to which a list is faster than a set.
const few = 16

// has reports whether a name is among those down to n. It is asked before a node is
// made, and the set is kept from one node to the next: an event with a thousand new
// names costs no more than a thousand look-ups.
func (t *tree) has(n *node, name string) bool {
	if n.depth <= few {
		for ; n.parent != nil; n = n.parent {
			if n.name == name {
				return true
			}
		}
		return false
	}
	switch {
	case t.seenAt != nil && t.seenAt == n.parent:
		t.seen[n.name] = struct{}{}
	case t.seenAt != n:
		if t.seen == nil {
			t.seen = make(map[string]struct{})
		}
		clear(t.seen)
		for at := n; at.parent != nil; at = at.parent {
			t.seen[at.name] = struct{}{}
		}
	}
	t.seenAt = n
	_, ok := t.seen[name]
	return ok
}

// list returns the Shape of the names down to n.
func (n *node) list() *events.Shape {
	if n.shape == nil {
		names := make([]string, n.depth)
		for at := n; at.parent != nil; at = at.parent {
			names[at.depth-1] = at.name
		}
		n.shape = &events.Shape{Names: names}
	}
	return n.shape
}
