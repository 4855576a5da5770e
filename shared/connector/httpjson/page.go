package httpjson

import (
	"encoding/json"
	"net/url"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/tarnhq/tarn/shared/fault"
)

// page is an answer, and the items that are listed in it.
type page struct {
	answer
	from   *url.URL
	items  []json.RawMessage
	digest uint64 // of the items
}

func newPage(a answer, from *url.URL, l listing) (page, error) {
	p := page{answer: a, from: from}
	var err error
	if p.items, err = itemsOf(a.body, l.Items); err != nil {
		return p, err
	}
	h := xxhash.New()
	for _, item := range p.items {
		_, _ = h.Write(item) // never fails
	}
	p.digest = h.Sum64()
	return p, nil
}

// itemsOf returns the items of an answer. A single object is one, where it is said that
// the items are there.
func itemsOf(body json.RawMessage, where *string) ([]json.RawMessage, error) {
	if len(body) == 0 {
		return nil, nil
	}
	if where == nil {
		return theItems(body)
	}
	path, err := parsePath(*where)
	if err != nil {
		return nil, err
	}
	found, ok := lookup(body, path)
	if !ok {
		return nil, noItems("the answer has nothing at %.80q, where the items should be", *where)
	}
	switch kindOf(found) {
	case '[':
		return elements(found)
	case '{':
		return []json.RawMessage{found}, nil
	case 'n':
		return nil, nil
	}
	return nil, noItems("the answer has neither an array nor an object at %.80q, where the items should be", *where)
}

func noItems(format string, args ...any) error {
	return fault.New(fault.Invalid, "no_items", format, args...).
		WithHint(`say in the settings where they are: {"items": "data.orders"}; "" is the whole answer`)
}

// theItems returns the items of an answer that is an array, or an object with one. Of
// several arrays it does not guess.
func theItems(body json.RawMessage) ([]json.RawMessage, error) {
	var object map[string]json.RawMessage
	switch kindOf(body) {
	case '[':
		return elements(body)
	case '{':
		if err := json.Unmarshal(body, &object); err != nil {
			return nil, err
		}
	}
	var found [][]json.RawMessage
	some := false
	for _, value := range object {
		if kindOf(value) != '[' {
			continue
		}
		items, err := elements(value)
		if err != nil {
			return nil, err
		}
		if len(items) == 0 || kindOf(items[0]) == '{' {
			found, some = append(found, items), some || len(items) > 0
		}
	}
	switch {
	case len(found) == 0:
		return nil, noItems("the answer is no array, and no object with an array of objects")
	case len(found) > 1 && some:
		return nil, noItems("the answer has several arrays that could be the items")
	}
	return found[0], nil
}

func elements(array json.RawMessage) (all []json.RawMessage, err error) {
	return all, json.Unmarshal(array, &all)
}

// Where APIs tell of a next page by name, and whether there is one.
var (
	nextNames = []string{"next", "next_page", "nextPage", "next_url", "nextLink", "@odata.nextLink", "next_cursor", "nextCursor", "next_page_token", "nextPageToken"}
	moreNames = []string{"has_more", "hasMore", "has_next", "hasNext", "hasNextPage", "has_next_page", "more"}
)

// hasMore reports whether an answer seems to say that there are more pages, beside its
// items or in an object there.
func (p page) hasMore() bool {
	var root, inner map[string]json.RawMessage
	if kindOf(p.body) != '{' || json.Unmarshal(p.body, &root) != nil {
		return false
	}
	if tells(root) {
		return true
	}
	for _, name := range []string{"meta", "metadata", "paging", "pagination", "page_info", "pageInfo", "links", "_links", "response_metadata"} {
		inner = nil
		if kindOf(root[name]) == '{' && json.Unmarshal(root[name], &inner) == nil && tells(inner) {
			return true
		}
	}
	return false
}

func tells(members map[string]json.RawMessage) bool {
	return slices.ContainsFunc(nextNames, func(name string) bool {
		_, ok := text(members[name])
		return ok || kindOf(members[name]) == '{'
	}) || slices.ContainsFunc(moreNames, func(name string) bool { return string(members[name]) == "true" })
}
