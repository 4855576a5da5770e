package httpjson

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// overlap is how many items at the end of a page are asked for again with the next, if it
// is large enough. What is deleted from a list, or moves to its end, lets all behind it
// move up, and who goes on by the number of items alone misses as many.
const overlap = 8

// maxKnown bounds how many items are remembered, of which each takes some 40 bytes.
const maxKnown = 1_000_000

// offset returns the offset of the page.
func (w *walk) offset() int {
	n, _ := strconv.Atoi(w.at.Page)
	return n
}

func (w *walk) jump(to int) {
	w.at.Page = ""
	if to > 0 {
		w.at.Page = strconv.Itoa(to)
	}
}

// shift goes on behind the items of a page. An item on it that was read before shows that
// none between was missed: those that do not change keep their order, so that all before
// it have been read. A page without one is too far, and the walk goes back.
func (w *walk) shift(p page) (done bool) {
	names := namesOf(p.items)
	met, fresh := w.recognize(names)
	if !met && w.offset() > 0 && len(w.at.Tail)+w.backs > 0 {
		w.back(len(p.items))
		return false
	}
	w.backs = 0
	w.remember(names)
	if !fresh && len(names) <= len(w.at.Tail) || w.ends(p) {
		return true
	}
	w.at.Tail = w.tail(names)
	w.jump(w.offset() + len(names) - len(w.at.Tail))
	return false
}

// recognize reports whether some of the items are known, and some are not.
func (w *walk) recognize(names []string) (met, fresh bool) {
	for _, name := range names {
		if w.known[name] || slices.Contains(w.at.Tail, name) {
			met = true
		} else {
			fresh = true
		}
	}
	return met, fresh
}

func (w *walk) remember(names []string) {
	if w.known == nil {
		w.known = map[string]bool{}
	}
	for _, name := range names {
		if w.overlaps && len(w.known) < maxKnown {
			w.known[name] = true
		}
	}
}

// tail returns those items of a page that the next begins with.
func (w *walk) tail(names []string) []string {
	if !w.overlaps || len(names) < 2 {
		return nil
	}
	return names[len(names)-max(1, min(overlap, len(names)/4)):]
}

// back goes to an offset before the page, twice as far each time until an item is known.
func (w *walk) back(size int) {
	w.jump(w.offset() - max(size, 2*overlap)<<min(w.backs, 30))
	w.backs++
	w.at.Tail = nil
}

// namesOf tells items apart. One that has changed is another.
func namesOf(items []json.RawMessage) []string {
	names := make([]string, len(items))
	for i, item := range items {
		names[i] = strconv.FormatUint(xxhash.Sum64(item), 36)
	}
	return names
}
