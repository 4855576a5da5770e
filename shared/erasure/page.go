package erasure

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// Page lists what is held of a subject, up to a limit: dataset by dataset, rows before
// quarantined events, each in the order of their times. What it follows is a place in that
// order and no segment, so that seals and merges between two pages change nothing. What
// arrives between them is listed if its place is yet to come.
type Page struct {
	from, last place
	left       int
	more       bool
}

// place is that of the last thing on a page. The zero place is before everything.
type place struct {
	Dataset     dataset.Name `json:"d"`
	Quarantined bool         `json:"q,omitempty"`
	Key         string       `json:"k"`
	Same        int          `json:"n,omitempty"` // of things with one key, which are the same, how many were listed
}

// NewPage begins the page after what Next returned; after nothing, the first one.
func NewPage(next string, limit int) (*Page, error) {
	p := &Page{left: limit}
	if next == "" {
		return p, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(next)
	if err == nil {
		err = json.Unmarshal(text, &p.from)
	}
	if err != nil || p.from.Key == "" || p.from.Same < 1 || p.from.Dataset.Check() != nil {
		return nil, fault.New(fault.Invalid, "bad_page", "next is not what a page gave").WithHint("give back the next of the page before unchanged")
	}
	return p, nil
}

// Next is what the page after begins with; empty when this is the last one.
func (p *Page) Next() string {
	if !p.more {
		return ""
	}
	text, _ := json.Marshal(p.last) // plain data
	return base64.RawURLEncoding.EncodeToString(text)
}

// list gathers the things of one kind in one dataset that come first after a place.
type list[T any] struct {
	page *Page
	at   place // its Key and Same are where the list begins
	past bool  // the page begins behind it
	all  []thing[T]
}

type thing[T any] struct {
	key   string
	value T
}

func newList[T any](p *Page, d dataset.Name, quarantined bool) *list[T] {
	l := &list[T]{page: p, at: place{Dataset: d, Quarantined: quarantined}}
	switch c := strings.Compare(string(d), string(p.from.Dataset)); {
	case c < 0 || c == 0 && p.from.Quarantined && !quarantined:
		l.past = true
	case c == 0 && p.from.Quarantined == quarantined:
		l.at = p.from
	}
	return l
}

// add adds a thing, by a time and what it is as JSON.
func (l *list[T]) add(micros int64, value T) error {
	if l.past {
		return nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	key := fmt.Sprintf("%016x", uint64(micros)^1<<63) + hex.EncodeToString(sum[:16]) // #nosec G115 -- sorts as the times do, whatever their sign
	if key < l.at.Key {
		return nil
	}
	l.all = append(l.all, thing[T]{key, value})
	if enough := l.page.left + l.at.Same + 1; len(l.all) > 2*enough+100 {
		l.sort()
		clear(l.all[enough:])
		l.all = l.all[:enough]
	}
	return nil
}

func (l *list[T]) sort() {
	slices.SortStableFunc(l.all, func(a, b thing[T]) int { return strings.Compare(a.key, b.key) })
}

// take puts as many on the page as there is room for.
func (l *list[T]) take() []T {
	out, at := []T{}, l.at
	at.Key, at.Same = "", 0
	l.sort()
	for _, one := range l.all {
		if one.key != at.Key {
			at.Key, at.Same = one.key, 0
		}
		at.Same++
		if one.key == l.at.Key && at.Same <= l.at.Same {
			continue
		}
		if l.page.left == 0 {
			l.page.more = true
			break
		}
		l.page.left--
		l.page.last = at
		out = append(out, one.value)
	}
	return out
}
