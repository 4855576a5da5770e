package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tarnhq/tarn/functions/cli/client"
)

// small is how large a file may be that is loaded in one request: what passes every
// gateway on the way. Larger ones are uploaded, and loaded by a job.
const small = 4 << 20

// mediaTypes are those of files that can be loaded in one request, by the end of their
// names. What is packed, or named otherwise, is uploaded, so that its name is known.
var mediaTypes = map[string]string{
	".csv": "text/csv", ".tsv": "text/tab-separated-values", ".json": "application/json", ".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson",
	".parquet": "application/vnd.apache.parquet", ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// loading is one run of tarn load.
type loading struct {
	*app
	dataset, path string
	name          string // of the file, as it is shown; its end may tell the format
	size          int64

	mode       string // flags
	key        []string
	again      bool
	header     string
	texts      map[string]*string // options of reading, by their names
	preview    bool
	rows       int
	background bool
	resume     string
	partSize   int64 // MiB
}

// optionFlags are the options of reading that a request's query has too.
var optionFlags = map[string]string{
	"delimiter": "of CSV: one character", "quote": "of CSV: one character", "encoding": "utf-8, utf-16le, utf-16be or windows-1252",
	"decimal": "of CSV: the decimal separator", "dates": "the order of dates that are not ISO 8601: dmy, mdy, ymd, or iso for text", "sheet": "of a workbook",
}

func (a *app) load() *cobra.Command {
	l := &loading{app: a, texts: map[string]*string{}}
	c := a.onDataset(command("load DATASET FILE", "Load a file: CSV, TSV, JSON, NDJSON, Parquet or Excel, as it is or packed; - is the standard input", cobra.ExactArgs(2), func(ctx context.Context, args []string) error {
		l.dataset, l.path = args[0], args[1]
		if l.path == "-" {
			drop, err := l.spool(ctx)
			if err != nil {
				return err
			}
			defer drop()
		} else if l.name == "" {
			l.name = filepath.Base(l.path)
		}
		info, err := os.Stat(l.path)
		if err != nil {
			return wrong("%v", err)
		}
		if !info.Mode().IsRegular() {
			return wrong("%s is no file", l.path)
		}
		l.size = info.Size()
		if l.header != "" && l.header != "true" && l.header != "false" {
			return wrong("--header is true or false")
		}
		return l.run(ctx)
	}))
	f := c.Flags()
	f.StringVar(&l.name, "name", "", "what to call the file, such as orders.csv; its end tells the format where nothing else does")
	f.StringVar(&l.mode, "mode", "", "append, replace, or upsert (with --key)")
	f.StringSliceVar(&l.key, "key", nil, "of an upsert: the columns that tell rows apart")
	f.BoolVar(&l.again, "again", false, "append even what was appended before")
	f.StringVar(&l.header, "header", "", "whether the first row names the columns: true or false")
	for name, doc := range optionFlags {
		l.texts[name] = f.String(name, "", doc)
	}
	f.BoolVar(&l.preview, "preview", false, "show how the file is understood, and load nothing")
	f.IntVar(&l.rows, "rows", 20, "of a preview")
	f.Int64Var(&l.partSize, "part-size", 0, "MiB of the parts that a large file is uploaded in; 256, unless given")
	f.StringVar(&l.resume, "resume", "", "the id of an upload that broke off: what is missing of it is sent")
	f.BoolVar(&l.background, "background", false, "print the id of the job, and do not wait for it")
	return c
}

// spool keeps the standard input as a file, because an upload tells its size before it
// begins, and may be sent again. The function that is returned removes it.
func (l *loading) spool(ctx context.Context) (drop func(), err error) {
	l.name = cmp.Or(l.name, "stdin")
	f, err := os.CreateTemp("", "tarn-load-")
	if err != nil {
		return nil, err
	}
	l.path, drop = f.Name(), func() { _ = os.Remove(f.Name()) } // of a folder that the system empties
	copied := make(chan error, 1)
	go func() { // a pipe that says nothing is left when the person is tired of waiting
		_, err := io.Copy(f, l.in)
		copied <- errors.Join(err, f.Close())
	}()
	select {
	case err = <-copied:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		drop()
	}
	return drop, err
}

func (l *loading) run(ctx context.Context) error {
	if l.preview {
		return l.look(ctx)
	}
	if kind := mediaTypes[strings.ToLower(filepath.Ext(l.name))]; kind != "" && l.size <= small && !l.background && l.resume == "" {
		return l.atOnce(ctx, kind)
	}
	file, err := l.place(ctx)
	if err != nil {
		return err
	}
	got, err := l.do(ctx, client.Request{Method: http.MethodPost, Path: l.at(file) + "/load", Again: true, Header: once()})
	if err != nil {
		return err
	}
	var ordered struct {
		Job string `json:"job_id"`
	}
	if err := decode(got.Body, &ordered); err != nil {
		return err
	}
	if l.background {
		return l.ordered(got.Body, ordered.Job)
	}
	job, text, err := l.follow(ctx, ordered.Job, "load")
	if err != nil {
		return err
	}
	if err := job.failure(); err != nil {
		return err
	}
	if l.json {
		text = job.Result
	}
	return l.loaded(text, job.Result)
}

// once is a key by which the server knows a request that comes again.
func once() map[string]string { return map[string]string{"Idempotency-Key": rand.Text()} }

func (l *loading) atOnce(ctx context.Context, kind string) error {
	text, err := os.ReadFile(l.path) // #nosec G304 -- the file that the person names
	if err != nil {
		return wrong("%v", err)
	}
	q := url.Values{}
	for name, value := range l.options() {
		q.Set(name, value)
	}
	if l.mode != "" {
		q.Set("mode", l.mode)
	}
	if len(l.key) > 0 {
		q.Set("key", strings.Join(l.key, ","))
	}
	if l.again {
		q.Set("again", "true")
	}
	got, err := l.do(ctx, client.Request{Method: http.MethodPost, Path: "/v1/datasets/" + escape(l.dataset) + "/rows", Query: q, Type: kind, Body: text, Again: true, Header: once()})
	if err != nil {
		return err
	}
	return l.loaded(got.Body, got.Body)
}

// options are those of reading that were given.
func (l *loading) options() map[string]string {
	out := map[string]string{}
	for name, value := range l.texts {
		if *value != "" {
			out[name] = *value
		}
	}
	if l.header != "" {
		out["header"] = l.header
	}
	return out
}

// loaded says what a load did. Rows in quarantine are a check that failed.
func (l *loading) loaded(document, result []byte) error {
	var r struct {
		Loaded, Quarantined, Replaced, Dropped int64
		Already                                bool
	}
	if err := decode(result, &r); err != nil {
		return err
	}
	if l.json {
		if err := l.document(document); err != nil {
			return err
		}
	} else if !l.quiet && !r.Already {
		facts := [][2]string{{"loaded", strconv.FormatInt(r.Loaded, 10)}, {"quarantined", strconv.FormatInt(r.Quarantined, 10)}}
		if r.Replaced > 0 {
			facts = append(facts, [2]string{"replaced", strconv.FormatInt(r.Replaced, 10)})
		}
		if r.Dropped > 0 {
			facts = append(facts, [2]string{"dropped", strconv.FormatInt(r.Dropped, 10)})
		}
		if err := l.facts(facts...); err != nil {
			return err
		}
	}
	if r.Already {
		l.note("the same file had been loaded before, so nothing was done; --again loads it again")
	}
	if r.Quarantined > 0 {
		return unfit("%d rows are in quarantine; tarn quarantine list %s", r.Quarantined, l.dataset)
	}
	return nil
}

func (l *loading) at(file string) string {
	return "/v1/datasets/" + escape(l.dataset) + "/files/" + escape(file)
}

// place uploads the file and returns its id.
func (l *loading) place(ctx context.Context) (string, error) {
	if l.resume != "" {
		return l.resume, l.goOn(ctx)
	}
	options := map[string]any{}
	for name, value := range l.options() {
		if options[name] = value; name == "header" {
			options[name] = value == "true"
		}
	}
	spec := map[string]any{"name": l.name, "size": l.size, "options": options}
	if l.partSize > 0 {
		spec["part_size"] = l.partSize << 20
	}
	for name, value := range map[string]any{"mode": l.mode, "key": l.key, "again": l.again} {
		if value != "" && value != false && (name != "key" || len(l.key) > 0) {
			spec[name] = value
		}
	}
	got, err := l.do(ctx, client.Request{Method: http.MethodPost, Path: "/v1/datasets/" + escape(l.dataset) + "/files", Body: body(spec)})
	if err != nil {
		return "", err
	}
	var made struct {
		File    string   `json:"file_id"`
		URL     string   `json:"upload_url"`
		Uploads []upload `json:"uploads"`
	}
	if err := decode(got.Body, &made); err != nil {
		return "", err
	}
	if made.URL != "" {
		made.Uploads = []upload{{Length: l.size, URL: made.URL}}
	}
	return made.File, l.upload(ctx, made.File, made.Uploads)
}
