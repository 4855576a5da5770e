package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
	"github.com/tarnhq/tarn/functions/cli/question"
	"github.com/tarnhq/tarn/functions/cli/terminal"
)

func (a *app) exports() *cobra.Command {
	return group("exports", "Take rows away as a file", a.orderExport(), a.waitExport(), a.downloadExport())
}

func (a *app) orderExport() *cobra.Command {
	var q question.Flags
	var format, file, output string
	var columns []string
	c := a.onDataset(command("order [DATASET]", "Order an export of a dataset's rows, or of a query, and print the job's id", cobra.MaximumNArgs(1), func(ctx context.Context, args []string) error {
		if (file != "") == (len(args) > 0) {
			return wrong("name a dataset, or a document of a query with --file")
		}
		ask := map[string]any{"format": format}
		if file != "" {
			text, err := a.object(file)
			if err != nil {
				return err
			}
			ask["query"] = json.RawMessage(text)
		} else if err := a.exported(ask, q, args[0], columns); err != nil {
			return err
		}
		key := once()["Idempotency-Key"]
		ask["idempotency_key"] = key
		got, err := a.do(ctx, client.Request{Method: http.MethodPost, Path: "/v1/exports", Body: body(ask), Again: true})
		if err != nil {
			return err
		}
		var made struct {
			Job string `json:"job_id"`
		}
		if err := decode(got.Body, &made); err != nil {
			return err
		}
		if output == "" {
			return a.ordered(got.Body, made.Job)
		}
		return a.fetch(ctx, made.Job, output)
	}))
	f := c.Flags()
	f.StringVar(&format, "format", "csv", "csv, ndjson, parquet or xlsx")
	f.StringVar(&file, "file", "", "a JSON document of POST /v1/query; - is the standard input")
	f.StringSliceVar(&columns, "columns", nil, "of the rows")
	f.StringArrayVarP(&q.Filters, "filter", "f", nil, "of the rows; as in tarn query")
	f.StringVar(&q.From, "from", "", "of the rows")
	f.StringVar(&q.To, "to", "", "of the rows")
	f.StringVar(&q.WaitFor, "wait-for", "", "the version that an answer to events gave")
	f.StringVarP(&output, "output", "o", "", "wait for it, and write it to this file")
	return c
}

// exported says which rows of a dataset.
func (a *app) exported(ask map[string]any, q question.Flags, dataset string, columns []string) error {
	made, err := q.Query(a.now())
	if err != nil {
		return wrong("%v", err)
	}
	ask["dataset"] = dataset
	if len(columns) > 0 {
		ask["columns"] = columns
	}
	if made.Filter != nil {
		ask["filter"] = made.Filter
	}
	if made.Time != nil {
		ask["time"] = made.Time
	}
	if made.WaitFor != "" {
		ask["wait_for"] = made.WaitFor
	}
	return nil
}

func (a *app) waitExport() *cobra.Command {
	c := a.watchJob()
	c.Use, c.Short = "wait JOB", "Wait for an export to end; one that fails is a check that failed"
	return c
}

func (a *app) downloadExport() *cobra.Command {
	var output string
	c := command("download JOB", "Download an export, which is waited for", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		return a.fetch(ctx, args[0], output)
	})
	c.Flags().StringVarP(&output, "output", "o", "", "the file to write; - is the standard output")
	_ = c.MarkFlagRequired("output") // the flag is there
	return c
}

// fetch waits for an export and writes it to a file.
func (a *app) fetch(ctx context.Context, id, output string) error {
	j, _, err := a.follow(ctx, id, "export")
	if err != nil {
		return err
	}
	if err := j.failure(); err != nil {
		return err
	}
	got, err := a.do(ctx, client.Request{Method: http.MethodGet, Path: "/v1/jobs/" + escape(id)}) // with a URL that is good now
	if err != nil {
		return err
	}
	if err := decode(got.Body, &j); err != nil {
		return err
	}
	var made struct {
		URL         string
		Rows, Bytes int64
	}
	if err := decode(j.Result, &made); err != nil {
		return err
	}
	if err := a.download(ctx, made.URL, made.Bytes, output); err != nil {
		return err
	}
	a.note("%d rows, %s", made.Rows, terminal.Bytes(made.Bytes))
	return nil
}

// download writes what a URL holds. A file is there whole, or not at all.
func (a *app) download(ctx context.Context, from string, size int64, output string) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	bar := a.progress()
	defer bar.Done()
	told := func(n int64) { bar.Show("download", float64(n)/float64(max(size, 1)), terminal.Bytes(n)) }
	if output == "-" {
		return c.Download(ctx, from, a.out, told)
	}
	part, err := os.CreateTemp(filepath.Dir(output), ".tarn-*")
	if err != nil {
		return wrong("%v", err)
	}
	defer os.Remove(part.Name()) // gone already, where all went well
	err = c.Download(ctx, from, io.Writer(part), told)
	if closed := part.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("%s was not written: %w", output, err)
	}
	return os.Rename(part.Name(), output)
}
