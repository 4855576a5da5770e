package trail

import (
	"slices"

	"github.com/tarnhq/tarn/shared/query"
)

// sessions finds the runs of rows without a long pause.
type sessions struct {
	plan   query.SessionsPlan
	groups groups[visits]
	keys   []query.Value
	number int64 // of the subject
}

// visits is what is counted of a group.
type visits struct {
	times, subjects, last int64 // last is the number of the subject counted last
	rows, bounces         int64
	micros                []int64 // of each
}

// seen counts something of a subject; its number is not zero.
func (v *visits) seen(subject int64) {
	v.times++
	if v.last != subject {
		v.subjects, v.last = v.subjects+1, subject
	}
}

func (w *sessions) follow(steps []Step) {
	w.number++
	for len(steps) > 0 {
		n := 1
		for n < len(steps) && steps[n].At-steps[n-1].At <= w.plan.Timeout {
			n++
		}
		w.count(steps[:n])
		steps = steps[n:]
	}
}

func (w *sessions) count(session []Step) {
	first, last := session[0].At, session[len(session)-1].At
	w.keys = w.keys[:0]
	for i, d := range w.plan.Dimensions {
		if d.AtExit {
			w.keys = append(w.keys, w.greatest(i, session))
		} else {
			w.keys = w.groups.least(w.keys, []int{i}, instant(session), anything)
		}
	}
	v := &w.groups.at(first, w.keys).of
	v.seen(w.number)
	v.rows += int64(len(session))
	if len(session) == 1 {
		v.bounces++
	}
	v.micros = append(v.micros, last-first)
}

// greatest is the greatest value of a field at the last instant, nulls last.
func (w *sessions) greatest(field int, session []Step) query.Value {
	end := len(session) - 1
	value := w.groups.marks[session[end].Mark].Values[field]
	for i := end - 1; i >= 0 && session[i].At == session[end].At; i-- {
		if v := w.groups.marks[session[i].Mark].Values[field]; query.CompareValues(v, value) > 0 {
			value = v
		}
	}
	return value
}

func (w *sessions) rows() [][]query.Value {
	return w.groups.answers(len(w.plan.Keys.Columns()) > 0, func(v *visits) []query.Value {
		slices.Sort(v.micros)
		return []query.Value{
			query.IntValue(v.times), query.IntValue(v.subjects), query.IntValue(v.rows), query.IntValue(v.bounces),
			ratio(float64(v.bounces), v.times), seconds(ratio(sum(v.micros), v.times)), seconds(quantile(v.micros, 0.5)),
		}
	})
}

// ratio is null where there is nothing to divide by.
func ratio(of float64, n int64) query.Value {
	if n == 0 {
		return query.Value{}
	}
	return query.FloatValue(of / float64(n))
}

// seconds converts microseconds.
func seconds(micros query.Value) query.Value {
	if micros.IsNull() {
		return micros
	}
	return query.FloatValue(micros.Float() / 1e6)
}

// sum adds up microseconds, in two parts: of very many sessions they would not fit.
func sum(micros []int64) float64 {
	const second = 1_000_000
	var seconds, rest int64
	for _, m := range micros {
		seconds += m / second
		rest += m % second
	}
	return float64(seconds)*second + float64(rest)
}
