package duck_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/snapshot"
)

const page = "../../../docs/query.md"

// example is a request of the page, from its first line to the answer's last.
var example = regexp.MustCompile(`(?m)^    \{"dataset"(?:.*\n)(?:     .*\n)*    =>(?:.*\n)(?:       .*\n)*`)

func TestTheRequestsOfThePageHaveTheAnswersOfThePage(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	e, over, named := engineOf(t, duck.Config{}), snapshotOf(t, string(text)), definitionsOf(t, string(text))
	asked := 0
	got := example.ReplaceAllStringFunc(string(text), func(block string) string {
		asked++
		request, _, _ := strings.Cut(block, "    =>")
		r, err := query.Decode([]byte(request))
		if err != nil {
			t.Fatalf("%s: %v", request, err)
		}
		program, err := query.Bind(r, query.Whole(dataset.Events, over.Schema), named)
		if err != nil {
			t.Fatalf("%s: %v", request, err)
		}
		result, err := engine.Answer(t.Context(), e, program, over)
		if err != nil {
			t.Fatalf("%s: %v", request, err)
		}
		return request + "    => " + shownAs(result)
	})
	if asked < 10 {
		t.Errorf("the page has %d requests", asked)
	}
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(page, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), got); diff != "" {
		t.Errorf("(-page +answers; -update accepts):\n%s", diff)
	}
}

// snapshotOf reads the events of the page.
func snapshotOf(t *testing.T, text string) snapshot.Snapshot {
	t.Helper()
	lines := regexp.MustCompile(`(?m)^    \{"event_id".*\n`).FindAllString(text, -1)
	var decoder ingest.Decoder
	all, err := decoder.Decode([]byte(strings.Join(lines, "")), 0)
	if err != nil {
		t.Fatal(err)
	}
	var schema dataset.Schema
	for i := range all {
		next, changed, refusal := rows.Resolve(schema, &all[i], dataset.Keep)
		if all[i].Refused != (events.Refusal{}) || refusal != (events.Refusal{}) {
			t.Fatalf("event %d is refused", i)
		}
		if changed {
			schema = next
		}
	}
	b := rows.NewBuilder(schema, dataset.Keep)
	for i := range all {
		b.Append(&all[i], 0)
	}
	return snapshot.Snapshot{Dataset: dataset.Dataset{ID: "shop", Name: "shop", Kind: dataset.Events}, Schema: schema,
		Tail: []snapshot.Part{{ID: 1, Rows: b.View()}}, Release: func() {}}
}

// definitionsOf reads the definitions of the page.
func definitionsOf(t *testing.T, text string) query.Definitions {
	t.Helper()
	named := query.Definitions{}
	for _, put := range regexp.MustCompile(`(?m)^    PUT (\S+) (.*)$`).FindAllStringSubmatch(text, -1) {
		d, err := query.DecodeDefinition([]byte(put[2]), "shop")
		if err != nil {
			t.Fatal(err)
		}
		named[put[1]] = d
	}
	return named
}

// shownAs writes the columns' names, and the rows one a line.
func shownAs(r query.Result) string {
	var names []string
	for _, c := range r.Columns {
		names = append(names, c.Name)
	}
	out := strings.Join(names, ", ") + "\n"
	for _, row := range r.Rows {
		var values []string
		for _, v := range row {
			values = append(values, v.String())
		}
		out += "       [" + strings.Join(values, ", ") + "]\n"
	}
	return out
}
