package httpjson

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/tarnhq/tarn/shared/fault"
)

// Bounds of one pass.
const (
	maxPages = 100_000
	maxEmpty = 1000 // pages without an item, one after the other
)

// place is a page of a list. The zero place is the first.
type place struct {
	Page string   `json:"page,omitempty"` // its number, its offset, its cursor, or its URL without the origin
	Tail []string `json:"tail,omitempty"` // by offset: the last items before it, which it begins with
	Read int      `json:"read,omitempty"` // pages before it
}

// walk goes from page to page of a list.
type walk struct {
	how     *pagination
	address address
	list    *url.URL // the first page, but for what pagination adds
	at      place
	link    *url.URL // of the page, where it was told by a link
	met     map[string]bool
	before  uint64 // the digest of the page before, if read is not zero
	empty   int    // pages up to here
	read    int    // pages in this walk

	overlaps bool // pages by offset begin with items of the one before: the rows have keys
	known    map[string]bool
	backs    int // without having met an item that is known
}

// url returns the address of the page.
func (w *walk) url() (*url.URL, error) {
	if w.link != nil {
		return w.link, nil
	}
	kind := w.how.kind()
	if w.at.Page != "" && (kind == "" || kind == byLink || kind == byURL) {
		return w.address.follow(&w.address.base, w.at.Page)
	}
	u := *w.list
	set := func(name, value string) { u.RawQuery = with(u.RawQuery, name, value) }
	if w.how != nil && w.how.SizeParam != "" {
		set(w.how.SizeParam, strconv.Itoa(w.how.Size))
	}
	switch {
	case kind == byPage:
		set(w.how.Param, strconv.Itoa(w.first()+w.at.Read))
	case kind == byOffset:
		set(w.how.Param, strconv.Itoa(w.offset()))
	case kind == byCursor && w.at.Page != "":
		set(w.how.Param, w.at.Page)
	}
	return &u, nil
}

func (w *walk) first() int {
	if w.how.First != nil {
		return *w.how.First
	}
	return 1
}

// again returns the walk at the first page once more.
func (w *walk) again() walk {
	return walk{how: w.how, address: w.address, list: w.list, overlaps: w.overlaps}
}

// fragile reports whether the page may be gone by now, because it is told by what the API
// has given out.
func (w *walk) fragile() bool {
	return (w.at.Page != "" || w.link != nil) && w.how.kind() != byOffset
}

// advance goes on behind a page, and reports whether there are no more.
func (w *walk) advance(p page) (done bool, err error) {
	same := w.read > 0 && len(p.items) > 0 && p.digest == w.before
	w.before = p.digest
	w.read++
	w.empty++
	if len(p.items) > 0 {
		w.empty = 0
	}
	switch w.how.kind() {
	case none:
		return true, nil
	case byPage:
		done, err = w.number(p, same)
	case byOffset:
		if same && len(p.items) > len(w.at.Tail) {
			return false, repeats()
		}
		done = w.shift(p)
	case byCursor:
		done, err = w.token(p, same)
	default:
		done, err = w.follow(p, same)
	}
	if done || err != nil {
		return done, err
	}
	w.at.Read++
	if w.at.Read >= maxPages || w.empty >= maxEmpty {
		return false, fault.New(fault.TooLarge, "endless_pages", "the list has more than %d pages, or %d without an item", maxPages, maxEmpty).
			WithHint("ask for larger pages, or for less by the table's query")
	}
	return false, nil
}

// ends reports whether a page is the last of those that are counted.
func (w *walk) ends(p page) bool {
	return len(p.items) == 0 || w.how.Ends == atShort && len(p.items) < w.how.Size
}

// number goes to the page with the next number. Some APIs answer with the last page for
// every number behind it; some with the first for every number, because they have no
// pages or name the parameter otherwise.
func (w *walk) number(p page, same bool) (bool, error) {
	if same && w.at.Read < 2 {
		return false, repeats()
	}
	return same || w.ends(p), nil
}

// token goes to the page that a cursor on this one tells of. An API that has nothing
// newer may tell of the same page again.
func (w *walk) token(p page, same bool) (bool, error) {
	next, ok := w.next(p)
	if !ok {
		return true, nil
	}
	if next == w.at.Page {
		return true, w.stays(same)
	}
	w.at.Page = next
	return false, w.meet(next)
}

// next returns the cursor of the next page.
func (w *walk) next(p page) (string, bool) {
	if !w.more(p) {
		return "", false
	}
	if w.how.Last != "" {
		if len(p.items) == 0 {
			return "", false
		}
		value, _ := lookup(p.items[len(p.items)-1], []string{w.how.Last})
		return text(value)
	}
	path, _ := parsePath(w.how.Next) // was checked
	value, _ := lookup(p.body, path)
	return text(value)
}

// more reports whether the answer leaves open that there are more pages.
func (w *walk) more(p page) bool {
	if w.how == nil || w.how.More == "" {
		return true
	}
	path, _ := parsePath(w.how.More) // was checked
	value, ok := lookup(p.body, path)
	return !ok || !slices.Contains([]string{"false", "0", "null", `""`}, string(value))
}

// follow goes to the page that a link tells of, in the header or in the answer.
func (w *walk) follow(p page, same bool) (bool, error) {
	var link string
	var ok bool
	if w.how.kind() == byURL {
		link, ok = w.next(p)
	} else {
		link, ok = nextLink(p.header)
	}
	if !ok {
		if w.how == nil && p.hasMore() {
			return false, fault.New(fault.Invalid, "more_pages", "the answer seems to tell of more pages").
				WithHint(`say in the settings how they are read: {"pagination": {"kind": "next_url", "next": "next"}}, or {"kind": "none"} if this is all`)
		}
		return true, nil
	}
	u, err := w.address.follow(p.from, link)
	if err != nil {
		return false, err
	}
	u = w.address.signed(u)
	if u.String() == w.address.signed(p.from).String() {
		return true, w.stays(same)
	}
	w.link, w.at.Page = u, w.address.relative(u)
	return false, w.meet(u.String())
}

// stays returns an error if the page that a page tells of is the same, and has the same
// items as the one before: then the API does not read the cursor.
func (w *walk) stays(same bool) error {
	if same {
		return repeats()
	}
	return nil
}

// meet returns an error if the walk was told of a page before.
func (w *walk) meet(next string) error {
	if w.met == nil {
		w.met = map[string]bool{}
	}
	if w.met[next] {
		return repeats()
	}
	w.met[next] = true
	return nil
}

func repeats() error {
	return fault.New(fault.Invalid, "pages_repeat", "the API answers with a page again that was read").
		WithHint(`does the API name the parameter so? A list without pages needs {"pagination": {"kind": "none"}}, under "tables" if it is not the only one`)
}
