package tabular

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
)

// values returns those of a column that are not null, without the first row where there
// are others: it may be a header.
func (t tasting) values(column int, s *syntax) []string {
	rows := t.rows
	if len(rows) > 1 {
		rows = rows[1:]
	}
	var all []string
	for _, row := range rows {
		if v := strings.Trim(row[column], " "); !s.null([]byte(v)) {
			all = append(all, v)
		}
	}
	return all
}

// decimal finds the decimal separator. Only a column of numbers shows it; 1,234 may be a
// thousand, so that three digits alone show nothing.
func (f *finding) decimal(t tasting) {
	if f.Decimal != "" {
		return
	}
	f.Decimal = "."
	points, commas, unclear := 0, 0, -1
	s := newSyntax(f.Options)
	for column := range t.width {
		switch values := t.values(column, &s); {
		case allNumbers(values, '.') > 0:
			points++
		case allNumbers(values, ',') == 0:
		case thousands(values):
			unclear = column
		default:
			commas++
		}
	}
	switch {
	case commas > 0 && points == 0:
		f.Decimal = ","
	case commas > 0:
		f.warn("some columns have decimal points and others decimal commas: the latter are text; the option decimal decides")
	case unclear >= 0:
		f.warn(fmt.Sprintf("column %d may hold decimal commas or thousands: it is text; the option decimal decides", unclear+1))
	}
}

// allNumbers counts the values with a fraction, if all are numbers.
func allNumbers(values []string, point byte) int {
	fractions := 0
	for _, v := range values {
		if _, ok := parseInt([]byte(v)); ok {
			continue
		}
		if _, ok := parseFloat([]byte(v), point); !ok {
			return 0
		}
		fractions++
	}
	return fractions
}

// thousands reports whether each comma has three digits after it.
func thousands(values []string) bool {
	for _, v := range values {
		if at := strings.IndexByte(v, ','); at >= 0 && len(v)-at != 4 {
			return false
		}
	}
	return true
}

// dates finds the order of dates. A day after the 12th shows it; nothing else does.
func (f *finding) dates(t tasting) {
	if f.Dates != "" {
		return
	}
	f.Dates = ISO
	s := newSyntax(f.Options)
	var seen orders
	for column := range t.width {
		var of orders
		for _, v := range t.values(column, &s) {
			if !of.see(v) {
				of = orders{}
				break
			}
		}
		seen.day, seen.month, seen.year, seen.unclear = seen.day || of.day, seen.month || of.month, seen.year || of.year, seen.unclear || of.unclear
	}
	switch {
	case seen.day && seen.month:
		f.warn("some columns have dates that begin with the day and others with the month: they are text; the option dates decides")
	case seen.day:
		f.Dates = DMY
	case seen.month:
		f.Dates = MDY
	case seen.unclear:
		f.warn("dates may begin with the day or the month: they are text; the option dates decides")
	case seen.year:
		f.Dates = YMD
	}
}

// orders are those that dates have shown.
type orders struct{ day, month, year, unclear bool }

// see adds a value, unless it is no date of any order.
func (o *orders) see(v string) bool {
	_, dmy := parseTime([]byte(v), DMY)
	_, mdy := parseTime([]byte(v), MDY)
	_, ymd := parseTime([]byte(v), YMD)
	switch _, iso := parseTime([]byte(v), ISO); {
	case iso:
	case ymd:
		o.year = true
	case dmy && mdy:
		o.unclear = true
	case dmy:
		o.day = true
	case mdy:
		o.month = true
	default:
		return false
	}
	return true
}

// header tells whether the first row names the columns. It does unless one of its values
// is typed as those below are, and none is unlike those below.
func (f *finding) header(t tasting) {
	if f.Header != nil {
		return
	}
	header := true
	f.Header = &header
	if len(t.rows) == 0 {
		return
	}
	s := newSyntax(f.Options)
	unlike, like := 0, 0
	for column, first := range t.rows[0] {
		top, below := s.infer([]byte(first)).kind, dataset.Type("")
		if len(t.rows) > 1 {
			below = s.inferAll(t.values(column, &s))
		}
		switch {
		case f.named(first):
			unlike++
		case year(first) && !slices.ContainsFunc(t.values(column, &s), year):
		case top != dataset.Text && !s.null([]byte(first)) && (top == below || below != dataset.Text):
			like++
		case below != dataset.Text && below != "" && !s.null([]byte(first)):
			unlike++
		}
	}
	header = unlike > 0 || like == 0
	switch {
	case unlike > 0 && like > 0:
		f.warn("the first row was taken for the header, though some of it are numbers; the option header decides")
	case unlike == 0 && like == 0 && len(t.rows) > 1:
		f.warn("the first row was taken for the header: all columns are text; the option header decides")
	}
}

// named reports whether a column of that name was given.
func (f *finding) named(name string) bool {
	return slices.ContainsFunc(f.Columns, func(c dataset.Column) bool { return c.Name == strings.TrimSpace(name) })
}

// year reports whether a text is a year, which columns are named for.
func year(v string) bool { return len(v) == 4 && v >= "1900" && v <= "2100" }

// inferAll is the type that holds all values.
func (s *syntax) inferAll(values []string) (all dataset.Type) {
	for _, v := range values {
		kind := s.infer([]byte(v)).kind
		if all == "" {
			all = kind
		}
		all = dataset.Widen(all, kind)
	}
	return all
}
