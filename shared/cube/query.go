package cube

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/query"
)

// Query is a query as Cube's clients send it, and as answers repeat it.
type Query struct {
	Measures       []string        `json:"measures"`
	Dimensions     []string        `json:"dimensions"`
	TimeDimensions []TimeDimension `json:"timeDimensions"`
	Filters        []Filter        `json:"filters"`
	Segments       []string        `json:"segments"`
	Order          Order           `json:"order,omitempty"`
	Limit          *int            `json:"limit,omitempty"`
	RowLimit       *int            `json:"rowLimit,omitempty"` // another name of the limit
	Offset         int             `json:"offset,omitempty"`
	Total          bool            `json:"total,omitempty"`
	Timezone       string          `json:"timezone"`
	Ungrouped      bool            `json:"ungrouped,omitempty"`
	ResponseFormat string          `json:"responseFormat,omitempty"` // empty, default, compact or columnar
	RenewQuery     bool            `json:"renewQuery,omitempty"`     // answers are never stale
}

// TimeDimension restricts the time dimension, groups by it, or both.
type TimeDimension struct {
	Dimension   string      `json:"dimension"`
	Granularity string      `json:"granularity,omitempty"`
	DateRange   DateRange   `json:"dateRange,omitempty"`
	Compare     []DateRange `json:"compareDateRange,omitempty"`
}

// DateRange is a range of dates: one text, such as "last 7 days", or the first and the
// last date, both within.
type DateRange []string

// UnmarshalJSON reads either form.
func (d *DateRange) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*d = nil
		if one != "" {
			*d = DateRange{one}
		}
		return nil
	}
	var list []string
	if err := json.Unmarshal(text, &list); err != nil || len(list) > 2 {
		return refuse(`a date range is ["2026-01-01", "2026-01-31"] or a text such as "last 7 days"`)
	}
	*d = list
	return nil
}

// Filter is a condition, or a tree of them.
type Filter struct {
	And       []Filter `json:"and,omitempty"`
	Or        []Filter `json:"or,omitempty"`
	Member    string   `json:"member,omitempty"`
	Dimension string   `json:"dimension,omitempty"` // an older name of member
	Operator  string   `json:"operator,omitempty"`
	Values    []any    `json:"values,omitempty"`
}

// Sort is a part of an Order.
type Sort struct {
	ID   string `json:"id"`
	Desc bool   `json:"desc"`
}

// Order sorts an answer: {"web.count": "desc"}, or [["web.count", "desc"]].
type Order []Sort

// UnmarshalJSON reads either form; of an object in the order of its members.
func (o *Order) UnmarshalJSON(text []byte) error {
	var pairs [][2]string
	if err := json.Unmarshal(text, &pairs); err == nil {
		return o.add(pairs)
	}
	bad := refuse(`an order is {"web.count": "desc"} or [["web.count", "desc"]]`)
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return bad
	}
	for d.More() {
		id, err := d.Token()
		if err != nil {
			return bad
		}
		direction, err := d.Token()
		if err != nil {
			return bad
		}
		pairs = append(pairs, [2]string{fmt.Sprint(id), fmt.Sprint(direction)})
	}
	return o.add(pairs)
}

func (o *Order) add(pairs [][2]string) error {
	*o = Order{}
	for _, p := range pairs {
		switch p[1] {
		case "asc", "desc":
			*o = append(*o, Sort{p[0], p[1] == "desc"})
		case "none":
		default:
			return refuse("order of %.80q: %.40q is neither asc nor desc", p[0], p[1])
		}
	}
	return nil
}

// Kind is what Cube calls a query's type.
type Kind string

// The kinds: one query, one for several ranges of dates, several queries.
const (
	Regular  Kind = "regularQuery"
	Compared Kind = "compareDateRangeQuery"
	Blended  Kind = "blendingQuery"
)

// MaxQueries bounds what is asked at once.
const MaxQueries = 10

// Decode reads a query or an array of them: one for each answer. A query that compares
// ranges of dates becomes one for each.
func Decode(text []byte) (Kind, []Query, error) {
	text = bytes.TrimSpace(text)
	if len(text) > 0 && text[0] == '[' {
		var parts []json.RawMessage
		if err := json.Unmarshal(text, &parts); err != nil {
			return "", nil, refuse("the query is not valid JSON").Because(err)
		}
		if len(parts) == 0 || len(parts) > MaxQueries {
			return "", nil, refuse("there are %d queries; 1 to %d are possible", len(parts), MaxQueries)
		}
		all := make([]Query, len(parts))
		for i, part := range parts {
			var err error
			if all[i], err = decode(part); err != nil {
				return "", nil, err
			}
			if all[i].compares() >= 0 {
				return "", nil, refuse("a query among others compares no ranges of dates").WithHint("send it alone")
			}
		}
		return Blended, all, nil
	}
	q, err := decode(text)
	if err != nil {
		return "", nil, err
	}
	if at := q.compares(); at >= 0 {
		all, err := q.each(at)
		return Compared, all, err
	}
	return Regular, []Query{q}, nil
}

func decode(text []byte) (Query, error) {
	var q Query
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(&q); err != nil {
		return q, refuse("the query is not one that this server knows: %.200s", strings.TrimPrefix(err.Error(), "json: ")).
			WithHint(`{"measures": ["web.count"], "timeDimensions": [{"dimension": "web.time", "granularity": "day", "dateRange": "last 7 days"}]}`)
	}
	if _, err := d.Token(); err != io.EOF {
		return q, refuse("something follows the query")
	}
	return q, q.check()
}

// check refuses what Cube knows and this server does not.
func (q Query) check() error {
	switch {
	case len(q.Segments) > 0:
		return refuse("segments are not supported").WithHint("write the condition as a filter")
	case q.Ungrouped:
		return refuse("ungrouped queries are not supported").WithHint("export rows by POST /v1/exports")
	case !slices.Contains([]string{"", "default", "compact", "columnar"}, q.ResponseFormat):
		return refuse("%.40q is not a response format", q.ResponseFormat).WithHint("default, compact or columnar")
	case q.Offset < 0 || q.Offset >= query.MaxLimit:
		return refuse("offset is from 0 to %d", query.MaxLimit-1)
	case q.Dataset() == "":
		return refuse("a query has measures, dimensions, or a time dimension with a granularity").WithHint(`{"measures": ["web.count"]}`)
	}
	return nil
}

// Dataset returns the dataset that the query's first member is of.
func (q Query) Dataset() dataset.Name {
	members := slices.Concat(q.Measures, q.Dimensions)
	for _, t := range q.TimeDimensions {
		if t.Granularity != "" || len(members) > 0 {
			members = append(members, t.Dimension)
		}
	}
	if len(members) == 0 {
		return ""
	}
	name, _, _ := strings.Cut(members[0], ".")
	return dataset.Name(name)
}

// compares returns which time dimension has ranges to compare, or -1.
func (q Query) compares() int {
	return slices.IndexFunc(q.TimeDimensions, func(t TimeDimension) bool { return len(t.Compare) > 0 })
}

// each returns the query for each range that a time dimension compares.
func (q Query) each(at int) ([]Query, error) {
	ranges := q.TimeDimensions[at].Compare
	if len(ranges) > MaxQueries {
		return nil, refuse("at most %d ranges of dates can be compared", MaxQueries)
	}
	var all []Query
	for _, r := range ranges {
		one := q
		one.TimeDimensions = slices.Clone(q.TimeDimensions)
		one.TimeDimensions[at].DateRange, one.TimeDimensions[at].Compare = r, nil
		if one.compares() >= 0 {
			return nil, refuse("one time dimension compares ranges of dates, not several")
		}
		all = append(all, one)
	}
	return all, nil
}

// whole returns the query with what it leaves out: empty lists, the zone UTC.
func (q Query) whole() Query {
	q.Measures, q.Dimensions, q.Segments = orEmpty(q.Measures), orEmpty(q.Dimensions), orEmpty(q.Segments)
	q.TimeDimensions, q.Filters = orEmpty(q.TimeDimensions), orEmpty(q.Filters)
	if q.Timezone == "" {
		q.Timezone = "UTC"
	}
	return q
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
