package main

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
	"github.com/tarnhq/tarn/functions/cli/question"
)

// format is how an answer is printed.
type format struct{ csv, chart bool }

func (f *format) register(c *cobra.Command) {
	c.Flags().BoolVar(&f.csv, "csv", false, "print CSV")
	c.Flags().BoolVar(&f.chart, "chart", false, "draw the first number: a line over time, or bars")
	c.MarkFlagsMutuallyExclusive("csv", "chart")
}

// print asks, and prints what comes.
func (a *app) print(ctx context.Context, path string, question []byte, f format) error {
	got, err := a.do(ctx, client.Request{Method: http.MethodPost, Path: path, Body: question, Again: true})
	if err != nil {
		return err
	}
	return show(a, got.Body, func(rows answer) error {
		switch {
		case f.csv:
			return a.answerCSV(rows)
		case f.chart:
			return a.answerChart(rows)
		}
		return a.answerTable(rows)
	})
}

func (a *app) query() *cobra.Command {
	var q question.Flags
	var f format
	var file string
	var dry bool
	c := a.onDataset(command("query [DATASET]", "Ask a question, with flags or a JSON document", cobra.MaximumNArgs(1), func(ctx context.Context, args []string) error {
		document, err := a.asked(q, file, args)
		if err != nil {
			return err
		}
		if dry {
			return a.document(document)
		}
		return a.print(ctx, "/v1/query", document, f)
	}))
	c.Example = `  tarn query web --measure count --measure revenue=sum:price --by event --from 7d --grain day --zone Europe/Zurich --chart
  tarn query web --measure p95=quantile:ms:0.95 --filter "country in CH,DE" --filter "ms > 0" --order -p95 --csv
  tarn query --file funnel.json`
	flags := c.Flags()
	flags.StringArrayVarP(&q.Measures, "measure", "m", nil, "count, op:column, name=op:column, name=quantile:column:0.95, or a defined name")
	flags.StringSliceVarP(&q.By, "by", "b", nil, "columns to group by")
	flags.StringArrayVarP(&q.Filters, "filter", "f", nil, `a condition: "event = paid", "price >= 10", "country in CH,DE", "url is_null"; several all hold`)
	flags.StringVar(&q.From, "from", "", "a date, a time, or how long ago: 7d")
	flags.StringVar(&q.To, "to", "", "a date, a time, or how long ago; not itself in the period")
	flags.StringVar(&q.Grain, "grain", "", "minute, hour, day, week, month, quarter or year")
	flags.StringVar(&q.Zone, "zone", "", "the IANA time zone that days are of: Europe/Zurich")
	flags.StringSliceVar(&q.Order, "order", nil, "names to sort by; -count for the largest first")
	flags.IntVar(&q.Limit, "limit", 0, "rows at most")
	flags.StringVar(&q.WaitFor, "wait-for", "", "the version that an answer to events gave: wait until that is seen")
	flags.StringVar(&file, "file", "", "a JSON document of POST /v1/query in the place of flags; - is the standard input")
	flags.BoolVar(&dry, "dry-run", false, "print the document, and do not ask")
	f.register(c)
	for _, flag := range []string{"measure", "by", "filter", "from", "to", "grain", "zone", "order", "limit", "wait-for"} {
		c.MarkFlagsMutuallyExclusive("file", flag)
	}
	return c
}

// asked is the document of a question.
func (a *app) asked(q question.Flags, file string, args []string) ([]byte, error) {
	if file != "" {
		if len(args) > 0 {
			return nil, wrong("the document of --file names the dataset")
		}
		return a.object(file)
	}
	if len(args) == 0 {
		return nil, wrong("name a dataset, or a document with --file")
	}
	q.Dataset = args[0]
	made, err := q.Query(a.now())
	if err != nil {
		return nil, wrong("%v", err)
	}
	return body(made), nil
}

func (a *app) sql() *cobra.Command {
	var f format
	var file string
	var parameters []string
	c := command("sql [SELECT]", "Ask in SQL: one SELECT over datasets", cobra.MaximumNArgs(1), func(ctx context.Context, args []string) error {
		if (file != "") == (len(args) > 0) {
			return wrong("give one SELECT, or a file of one with --file")
		}
		text := []byte(nil)
		if file == "" {
			text = []byte(args[0])
		} else {
			var err error
			if text, err = a.input(file); err != nil {
				return err
			}
		}
		ask := map[string]any{"sql": string(text)}
		if len(parameters) > 0 {
			ask["parameters"] = values(parameters)
		}
		return a.print(ctx, "/v1/sql", body(ask), f)
	})
	c.Flags().StringVar(&file, "file", "", "a file of the SELECT; - is the standard input")
	c.Flags().StringArrayVarP(&parameters, "parameter", "p", nil, "a value for each ?: a JSON value, or text as it stands")
	f.register(c)
	return c
}

// values reads parameters: JSON where it is that, else text.
func values(texts []string) []any {
	out := make([]any, len(texts))
	for i, text := range texts {
		if out[i] = text; json.Valid([]byte(text)) {
			out[i] = json.RawMessage(text)
		}
	}
	return out
}
