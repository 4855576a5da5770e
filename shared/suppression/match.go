package suppression

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
)

// Filter tells the events of suppressed subjects, for one goroutine at a time. A nil
// Filter knows none.
type Filter struct {
	list   List
	hasher *Hasher
}

// Filter returns a Filter of the list, nil where that is empty.
func (l List) Filter() *Filter {
	if l.Edition == 0 {
		return nil
	}
	return &Filter{l, l.salt.Hasher()}
}

// Edition is the edition of the list.
func (f *Filter) Edition() Edition {
	if f == nil {
		return 0
	}
	return f.list.Edition
}

// Drops reports whether an event is of a suppressed subject.
func (f *Filter) Drops(d dataset.ID, e *events.Event) bool {
	return f.Subject(d, e.UserID) || f.Subject(d, e.AnonymousID)
}

// Mentioned reports whether the text of an event that cannot be stored mentions a
// suppressed subject: it may do so anywhere.
func (f *Filter) Mentioned(d dataset.ID, text []byte) bool {
	return f != nil && Mentions(text, func(word string) bool { return f.Subject(d, word) })
}

// Subject reports whether a subject is suppressed in a dataset.
func (f *Filter) Subject(d dataset.ID, id string) bool {
	return f != nil && id != "" && f.list.Has(d, f.hasher.Subject(id))
}

// Event hashes the id of an event that is dropped. The Filter must not be nil.
func (f *Filter) Event(d dataset.ID, id string) string { return f.hasher.Event(d, id) }

// Mentions reports whether a test holds of anything that a text says: of a string or a
// number of the JSON that it is, of a word of it, or of a word of what is no JSON.
func Mentions(text []byte, test func(string) bool) bool {
	if !json.Valid(text) {
		return anyWord(string(text), test)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return false // the end
		}
		switch v := token.(type) {
		case string:
			if test(v) || anyWord(v, test) {
				return true
			}
		case json.Number:
			if test(v.String()) {
				return true
			}
		}
	}
}

// anyWord tests the runs of what ids are mostly made of.
func anyWord(text string, test func(string) bool) bool {
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.@+", r)
	}) {
		if test(word) {
			return true
		}
	}
	return false
}
