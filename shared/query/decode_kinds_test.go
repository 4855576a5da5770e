package query_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
)

// derived are requests with what is computed of answers, and of every other kind.
var derived = []string{
	`{"dataset":"web","measures":["count",{"op":"count_distinct","column":"user_id","name":"users","hidden":true},{"name":"per","expr":"(count - 1) * -2.5 / users + ` + "`count`" + `"},{"op":"ratio","of":["count","users"]}]}`,
	`{"dataset":"web","measures":["count",{"op":"running_total","of":["count"]},{"op":"approx_distinct","column":"url"},{"op":"approx_quantile","column":"n","q":0.9}],"dimensions":["url",{"column":"ok","name":"fine"}],
		"time":{"from":"2026-01-01T00:00:00Z","to":"2026-02-01T00:00:00Z","grain":"day","zone":"Europe/Zurich","fill":true},"top":{"n":3,"dimension":"url","by":"count","other":true},"compare":{"unit":"month","count":2},"totals":"all",
		"order":[{"by":"count_change","desc":true}],"limit":50}`,
	`{"dataset":"web","kind":"funnel","steps":[{"name":"a","filter":{"column":"event","op":"=","value":"a"}},{}],"window":"90m","exclude":[{"filter":{"column":"ok","op":"=","value":false},"after":1}],"dimensions":["url"],"time":{"grain":"week"}}`,
	`{"dataset":"web","kind":"funnel","unordered":true,"subject":"anonymous_id","steps":[{"filter":{"column":"n","op":">","value":1}}]}`,
	`{"dataset":"web","kind":"retention","cohort":{"column":"event","op":"=","value":"a"},"returning":{"column":"ok","op":"=","value":true},"recurring":true,"periods":5,"time":{"grain":"month","zone":"Asia/Kathmandu"}}`,
	`{"dataset":"web","kind":"paths","column":"url","start":"/","before":true,"depth":4,"collapse":true,"dimensions":["ok"],"order":[{"by":"subjects"}],"limit":9}`,
	`{"dataset":"web","kind":"sessions","timeout":"20m","dimensions":[{"column":"url","at":"entry"},{"column":"url","at":"exit","name":"left"}],"order":[{"by":"bounce_rate","desc":true}]}`,
	`{"dataset":"web","kind":"audience","where":{"and":[{"did":{"column":"n","op":"=","value":1},"at_least":2,"at_most":3},{"not":{"or":[{"column":"ok","op":"=","value":true}]}}]},"list":true}`,
	`{"dataset":"web","kind":"audience","dimensions":["url"]}`,
}

func TestEveryKindIsUnderstood(t *testing.T) {
	for _, body := range derived {
		program, err := bind(body)
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		again, err := bind(body)
		if err != nil || again.Key() != program.Key() {
			t.Errorf("%s has two keys", body)
		}
	}
}

func TestARequestOfAKindThatIsWrongIsToldWhatWouldBeRight(t *testing.T) {
	measures := func(m string) string { return `{"dataset":"web","measures":["count",` + m + `]}` }
	cases := map[string]struct{ body, message, hint string }{
		"another kind's field":                  {`{"dataset":"web","kind":"funnel","measures":["count"]}`, `no field "measures"`, "steps"},
		"a funnel without steps":                {`{"dataset":"web","kind":"funnel"}`, "steps: there are none", "signup"},
		"an exclusion after the last step":      {`{"dataset":"web","kind":"funnel","steps":[{}],"exclude":[{"filter":{"column":"n","op":"=","value":1},"after":1}]}`, "no step comes after step 1", "leave it out"},
		"an exclusion of nothing":               {`{"dataset":"web","kind":"funnel","steps":[{}],"exclude":[{}]}`, "exclude[0].filter: is missing", ""},
		"a window of months":                    {`{"dataset":"web","kind":"funnel","steps":[{}],"window":"1M"}`, `"1M" is no length of time`, "30m or 7d"},
		"a window without end":                  {`{"dataset":"web","kind":"funnel","steps":[{}],"window":"9999999999999999999d"}`, "no length of time", ""},
		"a window of a letter":                  {`{"dataset":"web","kind":"funnel","steps":[{}],"window":"d"}`, "no length of time", ""},
		"cohorts of hours":                      {`{"dataset":"web","kind":"retention","time":{"grain":"hour"}}`, "days or longer", "month"},
		"a path of another column":              {`{"dataset":"web","kind":"paths","column":"page"}`, `column: there is no column "page"`, ""},
		"a start of another type":               {`{"dataset":"web","kind":"paths","column":"n","start":"a"}`, "cannot be compared with text", ""},
		"a start that never is":                 {`{"dataset":"web","kind":"paths","column":"n","start":1.5}`, "never has that value", ""},
		"an exit elsewhere":                     {`{"dataset":"web","measures":["count"],"dimensions":[{"column":"url","at":"exit"}]}`, "entry and exit are of sessions", ""},
		"an audience by day":                    {`{"dataset":"web","kind":"audience","time":{"grain":"day"}}`, "has no buckets", ""},
		"a list with dimensions":                {`{"dataset":"web","kind":"audience","list":true,"dimensions":["url"]}`, "without dimensions", ""},
		"a deed of nothing":                     {`{"dataset":"web","kind":"audience","where":{}}`, "must be one of and, or, not, or did", "at_least"},
		"less at most than at least":            {`{"dataset":"web","kind":"audience","where":{"did":{"column":"n","op":"=","value":1},"at_least":2,"at_most":1}}`, "less than at_least", ""},
		"an audience that is not there":         {`{"dataset":"web","measures":["count"],"filter":{"audience":"buyers"}}`, `no audience "buyers"`, "save a query"},
		"an expression without a name":          {measures(`{"expr":"count + 1"}`), "needs a name", ""},
		"an expression over what comes later":   {measures(`{"name":"x","expr":"y + 1"},{"name":"y","op":"sum","column":"n"}`), `no measure "y" before this one`, ""},
		"an expression over a text":             {measures(`{"name":"a","op":"min","column":"url"},{"name":"x","expr":"a + 1"}`), "only numbers", ""},
		"half an expression":                    {measures(`{"name":"x","expr":"(count + "}`), "expected a measure, a number or (", "backquotes"},
		"two operands without operator":         {measures(`{"name":"x","expr":"count 1"}`), "expected an operator", ""},
		"an open backquote":                     {measures("{\"name\":\"x\",\"expr\":\"`count\"}"), "a name within backquotes", ""},
		"a number that is none":                 {measures(`{"name":"x","expr":"1.2.3"}`), "expected a number", ""},
		"a thousand parentheses":                {measures(`{"name":"x","expr":"` + strings.Repeat("(", 400) + `"}`), "nested deeper", ""},
		"an op and an expression":               {measures(`{"name":"x","op":"sum","expr":"count"}`), "has no op", ""},
		"a ratio of three":                      {measures(`{"op":"ratio","of":["count","count","count"]}`), "at most 2", ""},
		"a ratio of one":                        {measures(`{"op":"ratio","of":["count"]}`), "of two measures", ""},
		"a running total without a grain":       {measures(`{"op":"running_total","of":["count"]}`), "needs a time grain", "grain"},
		"a running total of users":              {`{"dataset":"web","time":{"grain":"day"},"measures":[{"op":"count_distinct","column":"user_id","name":"u"},{"op":"running_total","of":["u"]}]}`, "does not add up", ""},
		"everything hidden":                     {`{"dataset":"web","measures":[{"op":"count","hidden":true}]}`, "all are hidden", ""},
		"top without a dimension":               {`{"dataset":"web","measures":["count"],"top":{"n":3}}`, "no dimension", ""},
		"top without a number":                  {`{"dataset":"web","measures":["count"],"dimensions":["url"],"top":{}}`, "top.n: is missing", ""},
		"top by nothing":                        {`{"dataset":"web","measures":["count"],"dimensions":["url"],"top":{"n":1,"by":"x"}}`, `no measure "x"`, ""},
		"a comparison of all time":              {`{"dataset":"web","measures":["count"],"compare":{}}`, "range of time is open", "time.from"},
		"a comparison by a unit that is none":   {`{"dataset":"web","measures":["count"],"compare":{"unit":"fortnight"}}`, `"fortnight" is not known`, ""},
		"fill without a grain":                  {`{"dataset":"web","measures":["count"],"time":{"fill":true}}`, "needs a grain", ""},
		"a dimension called level, with totals": {`{"dataset":"web","measures":["count"],"dimensions":[{"column":"url","name":"level"}],"totals":"all"}`, `two columns "level"`, ""},
		"a defined measure with a filter":       {measures(`{"ref":"x","filter":{"column":"n","op":"=","value":1}}`), "taken as it is", ""},
		"an approximate quantile without q":     {measures(`{"op":"approx_quantile","column":"n"}`), "measures[1].q", ""},
		"an approximate quantile of text":       {measures(`{"op":"approx_quantile","column":"url","q":0.5}`), `column "url" is text`, ""},
		"too many steps":                        {`{"dataset":"web","kind":"funnel","steps":[` + strings.Repeat("{},", query.MaxSteps) + `{}]}`, fmt.Sprint("at most ", query.MaxSteps), ""},
		"too long a path":                       {`{"dataset":"web","kind":"paths","depth":11}`, "from 1 to 10", ""},
		"a subject that is not there":           {`{"dataset":"web","kind":"sessions","subject":"user"}`, `no column "user"`, "user_id"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := bind(c.body)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Code != "bad_query" {
				t.Fatalf("got %v, want bad_query", err)
			}
			if !strings.Contains(f.Message, c.message) || !strings.Contains(f.Hint, c.hint) {
				t.Errorf("got %q, hint %q; want %q, hint %q", f.Message, f.Hint, c.message, c.hint)
			}
		})
	}
}
