package enginetest

import (
	"context"
	"fmt"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
)

// drawDense draws a way to make events that meet often: few subjects and names, and
// times a few steps apart where clocks change, many of them equal.
func drawDense(t *rapid.T) func(*rapid.T, int, bool) *events.Event {
	from := micros(rapid.SampledFrom([]string{"2026-03-28T22:00:00Z", "2026-10-24T22:00:00Z", "2026-01-30T12:00:00Z"}).Draw(t, "from"))
	step := rapid.SampledFrom([]int64{1, calendar.MinuteMicros, 15 * calendar.MinuteMicros, 7 * calendar.HourMicros, 3 * calendar.DayMicros}).Draw(t, "step")
	return func(t *rapid.T, i int, _ bool) *events.Event {
		e := &events.Event{
			ID: fmt.Sprint("e", i), Name: rapid.SampledFrom([]string{"a", "b", "c", "it's"}).Draw(t, "event"),
			Time: from + step*rapid.Int64Range(0, 12).Draw(t, "time"), UserID: rapid.SampledFrom([]string{"", "u1", "u1", "u2", "u3"}).Draw(t, "user"),
			AnonymousID: rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "anonymous"), Shape: &events.Shape{},
		}
		if rapid.Bool().Draw(t, "has n") {
			e.Shape.Names = append(e.Shape.Names, "n")
			e.Values = append(e.Values, events.Value{Kind: events.Int, Int: rapid.Int64Range(0, 2).Draw(t, "n")})
		}
		return e
	}
}

// followedColumns are those that the kinds' requests name.
func followedColumns(d drawn) []dataset.Column {
	columns := []dataset.Column{{Name: "event", Type: dataset.Text}, {Name: "anonymous_id", Type: dataset.Text}, {Name: "user_id", Type: dataset.Text}}
	if i := d.snapshot.Schema.Find("n"); i >= 0 {
		columns = append(columns, d.snapshot.Schema.Columns[i])
	}
	return columns
}

// drawFollowed draws what requests of all kinds that follow subjects share.
func drawFollowed(t *rapid.T, d drawn, grains ...calendar.Grain) query.Request {
	columns := followedColumns(d)
	r := query.Request{Subject: rapid.SampledFrom([]string{"", "", "anonymous_id"}).Draw(t, "subject"), Limit: query.MaxLimit}
	for i := range rapid.IntRange(0, 2).Draw(t, "dimensions") {
		r.Dimensions = append(r.Dimensions, query.Dimension{Column: drawColumn(t, columns).Name, Name: fmt.Sprint("d", i)})
	}
	if rapid.IntRange(0, 3).Draw(t, "has filter") == 0 {
		f := drawFilter(t, columns, 1)
		r.Filter = &f
	}
	if rapid.Bool().Draw(t, "has time") {
		r.Time = &query.Time{Zone: rapid.SampledFrom([]string{"", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe"}).Draw(t, "zone")}
		if len(grains) > 0 {
			r.Time.Grain = rapid.SampledFrom(grains).Draw(t, "grain")
		}
		if d.all.Len > 0 && rapid.Bool().Draw(t, "has range") {
			at := field(d.all, rapid.IntRange(0, d.all.Len-1).Draw(t, "first"), timeField).Int()
			r.Time.From, r.Time.To = dataset.FormatTime(at), dataset.FormatTime(at+rapid.SampledFrom([]int64{1, calendar.HourMicros, 10 * calendar.DayMicros}).Draw(t, "length"))
		}
	}
	return r
}

// drawNamed draws a filter by the name of an event.
func drawNamed(t *rapid.T) *query.Filter {
	switch name := rapid.SampledFrom([]string{"a", "b", "c", "a", "b", "c", "n", ""}).Draw(t, "of"); name {
	case "":
		return nil
	case "n":
		return &query.Filter{Column: "anonymous_id", Op: query.NotEqual, Value: "x"}
	default:
		return &query.Filter{Column: "event", Op: query.Equal, Value: name}
	}
}

var spans = []string{"1s", "1m", "20m", "8h", "9d"}

func drawFunnel(t *rapid.T, d drawn) query.Request {
	r := drawFollowed(t, d, "", calendar.Day, calendar.Hour)
	r.Kind, r.Window, r.Unordered = query.Funnel, rapid.SampledFrom(spans).Draw(t, "window"), rapid.Bool().Draw(t, "unordered")
	for range rapid.IntRange(1, 4).Draw(t, "steps") {
		r.Steps = append(r.Steps, query.Step{Filter: drawNamed(t)})
	}
	for range rapid.IntRange(0, 2).Draw(t, "exclusions") {
		f := drawNamed(t)
		if f == nil {
			continue
		}
		x := query.Exclusion{Filter: *f}
		if !r.Unordered {
			x.After = rapid.IntRange(0, len(r.Steps)-1).Draw(t, "after")
		}
		r.Exclude = append(r.Exclude, x)
	}
	return r
}

func drawRetention(t *rapid.T, d drawn) query.Request {
	r := drawFollowed(t, d, "", calendar.Day, calendar.Week, calendar.Month)
	r.Kind, r.Cohort, r.Returning = query.Retention, drawNamed(t), drawNamed(t)
	r.Recurring, r.Periods = rapid.Bool().Draw(t, "recurring"), rapid.IntRange(1, 8).Draw(t, "periods")
	return r
}

func drawPaths(t *rapid.T, d drawn) query.Request {
	r := drawFollowed(t, d, "", calendar.Day)
	r.Kind, r.Depth = query.Paths, rapid.IntRange(1, 4).Draw(t, "depth")
	r.Before, r.Collapse = rapid.Bool().Draw(t, "before"), rapid.Bool().Draw(t, "collapse")
	r.Column = rapid.SampledFrom([]string{"", "anonymous_id"}).Draw(t, "column")
	if rapid.Bool().Draw(t, "has start") {
		r.Start = rapid.SampledFrom([]string{"a", "b", "x"}).Draw(t, "start")
	}
	return r
}

func drawSessions(t *rapid.T, d drawn) query.Request {
	r := drawFollowed(t, d, "", calendar.Day, calendar.Hour)
	r.Kind, r.Timeout = query.Sessions, rapid.SampledFrom(spans).Draw(t, "timeout")
	for i := range r.Dimensions {
		r.Dimensions[i].At = rapid.SampledFrom([]query.At{"", query.Entry, query.Exit}).Draw(t, "at")
	}
	return r
}

func drawAudience(t *rapid.T, d drawn) query.Request {
	r := drawFollowed(t, d)
	r.Kind = query.Audience
	if rapid.Bool().Draw(t, "list") {
		r.List, r.Dimensions = true, nil
	}
	if rapid.IntRange(0, 4).Draw(t, "has where") > 0 {
		w := drawBehaviour(t, 2)
		r.Where = &w
	}
	return r
}

func drawBehaviour(t *rapid.T, depth int) query.Behaviour {
	if kind := rapid.IntRange(0, 4).Draw(t, "node"); depth > 0 && kind < 3 {
		b := drawBehaviour(t, depth-1)
		switch kind {
		case 0:
			return query.Behaviour{And: []query.Behaviour{b, drawBehaviour(t, depth-1)}}
		case 1:
			return query.Behaviour{Or: []query.Behaviour{b, drawBehaviour(t, depth-1)}}
		}
		return query.Behaviour{Not: &b}
	}
	f := drawNamed(t)
	for f == nil {
		f = drawNamed(t)
	}
	b := query.Behaviour{Did: f, AtLeast: rapid.IntRange(0, 3).Draw(t, "at least")}
	if rapid.Bool().Draw(t, "at most") {
		b.AtMost = max(1, b.AtLeast) + rapid.IntRange(0, 1).Draw(t, "more")
	}
	return b
}

// compareMembers asks for the rows of a saved audience's subjects, with other filters
// and as measures', and holds the answer against the reference.
func compareMembers(t *rapid.T, e engine.Engine, d drawn) {
	saved := drawAudience(t, d)
	named := query.Definitions{"them": {Version: 1, Query: &saved}}
	them := query.Filter{Audience: "them"}
	if rapid.Bool().Draw(t, "not") {
		them = query.Filter{Not: &query.Filter{Audience: "them"}}
	}
	r := query.Request{Measures: []query.Measure{{Op: query.Count}}, Dimensions: []query.Dimension{{Column: "user_id"}}, Limit: query.MaxLimit}
	if rapid.Bool().Draw(t, "of a measure") {
		r.Measures = append(r.Measures, query.Measure{Name: "theirs", Op: query.Count, Filter: &them})
	} else {
		r.Filter = &query.Filter{And: []query.Filter{them, drawFilter(t, followedColumns(d), 1)}}
	}
	program, err := query.Bind(r, query.Whole(d.snapshot.Dataset.Kind, d.snapshot.Schema), named)
	if err != nil {
		t.Fatalf("%v\nrequest: %+v", err, r)
	}
	compareAnswers(t, e, planIn(program), d)
	if rapid.Bool().Draw(t, "a funnel of them") {
		funnel := drawFunnel(t, d)
		funnel.Filter = &them
		compareFollowed(t, e, d, funnel, named)
	}
}

// compareFollowed holds the answer of a request of some kind against the reference.
func compareFollowed(t *rapid.T, e engine.Engine, d drawn, r query.Request, named query.Definitions) {
	program, err := query.Bind(r, query.Whole(d.snapshot.Dataset.Kind, d.snapshot.Schema), named)
	if err != nil {
		t.Fatalf("%v\nrequest: %+v", err, r)
	}
	columns := program.Columns()
	var want [][]query.Value
	got, err := program.Run(func(p query.Plan) (query.Result, error) {
		want = follow(p, r, d.all)
		return e.Run(context.Background(), p, d.snapshot)
	})
	if err != nil {
		t.Fatalf("%v\nrequest: %+v", err, r)
	}
	if diff := diff.Diff(shown(want, columns), shown(got.Rows, columns), near); diff != "" {
		t.Fatalf("rows (-want +got):\n%s\nrequest: %+v\n%s", diff, r, listRows(d))
	}
}

// listRows writes the rows of a dataset, for who reads a failure.
func listRows(d drawn) (out string) {
	for row := range d.all.Len {
		at := field(d.all, row, timeField)
		out += fmt.Sprintf("%s %v %v %v\n", time.UnixMicro(at.Int()).UTC().Format(time.RFC3339Nano), field(d.all, row, query.Field{Name: "user_id"}), field(d.all, row, query.Field{Name: "event"}), field(d.all, row, query.Field{Name: "anonymous_id"}))
	}
	return out
}
