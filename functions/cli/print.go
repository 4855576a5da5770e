package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/tarnhq/tarn/functions/cli/client"
	"github.com/tarnhq/tarn/functions/cli/terminal"
)

// show prints an answer: the document itself with --json, else what human makes of it.
func show[T any](a *app, body []byte, human func(T) error) error {
	if a.json {
		return a.document(body)
	}
	var v T
	if err := decode(body, &v); err != nil {
		return err
	}
	return human(v)
}

// decode reads an answer, with numbers as they are written.
func decode(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("the answer cannot be read: %w", err)
	}
	return nil
}

// document prints a document of the API as it came.
func (a *app) document(body []byte) error {
	_, err := a.out.Write(append(bytes.TrimSpace(body), '\n'))
	return err
}

// note says something beside the answer.
func (a *app) note(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.err, format+"\n", args...)
	}
}

// table prints rows as wide as the terminal, or as wide as they are where there is none.
func (a *app) table(columns []terminal.Column, rows [][]string) error {
	_, err := io.WriteString(a.out, terminal.Table(columns, rows, width(a.out, 0)))
	return err
}

// facts prints names and what each is.
func (a *app) facts(pairs ...[2]string) error {
	_, err := io.WriteString(a.out, terminal.Facts(pairs))
	return err
}

func heads(names ...string) (all []terminal.Column) {
	for _, name := range names {
		name, right := strings.CutPrefix(name, ">")
		all = append(all, terminal.Column{Name: name, Right: right})
	}
	return all
}

// width is that of the terminal that w is, or fallback.
func width(w io.Writer, fallback int) int {
	if f, ok := w.(*os.File); ok {
		if cells, _, err := term.GetSize(int(f.Fd())); err == nil && cells > 0 {
			return cells
		}
	}
	return fallback
}

// lively reports whether messages may have colours and move.
func (a *app) lively() bool {
	f, ok := a.err.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && a.env("NO_COLOR") == "" && a.env("TERM") != "dumb"
}

// progress draws on the terminal, or nowhere.
func (a *app) progress() *terminal.Progress {
	p := &terminal.Progress{Out: io.Discard, Width: 80, Now: a.now}
	if a.lively() && !a.quiet {
		p.Out, p.Width = a.err, width(a.err, 80)
	}
	return p
}

// pages reads a list to its end, or until it has most items; 0 is all. The document that
// it returns is that of one page which holds them all.
func (a *app) pages(ctx context.Context, path, member string, query url.Values, most int) ([]byte, error) {
	q := url.Values{}
	maps.Copy(q, query)
	var whole map[string]json.RawMessage
	items := []json.RawMessage{}
	for {
		if most > 0 {
			q.Set("limit", strconv.Itoa(min(most-len(items), 1000)))
		}
		got, err := a.do(ctx, client.Request{Method: http.MethodGet, Path: path, Query: q})
		if err != nil {
			return nil, err
		}
		var page map[string]json.RawMessage
		var some []json.RawMessage
		var next string
		if err := decode(got.Body, &page); err != nil {
			return nil, err
		}
		if whole == nil {
			whole = page
		}
		if err := json.Unmarshal(page[member], &some); err != nil {
			return nil, fmt.Errorf("the answer's %s cannot be read: %w", member, err)
		}
		if text := page["next"]; text != nil {
			if err := json.Unmarshal(text, &next); err != nil {
				return nil, err
			}
		}
		if items = append(items, some...); next == "" || most > 0 && len(items) >= most {
			break
		}
		q.Set("next", next)
	}
	delete(whole, "next")
	text, err := json.Marshal(items)
	if err != nil {
		return nil, err
	}
	whole[member] = text
	return json.Marshal(whole)
}

// when is a time for people, in UTC.
func when(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// input reads a file that the person names; - is the standard input.
func (a *app) input(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(a.in)
	}
	text, err := os.ReadFile(path) // #nosec G304 -- the file that the person names
	if err != nil {
		return nil, wrong("%v", err)
	}
	return text, nil
}

// object reads a file that must hold one JSON object, and returns it as it stands.
func (a *app) object(path string) ([]byte, error) {
	text, err := a.input(path)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, wrong("%s holds no JSON object: %v", path, err)
	}
	return text, nil
}

// body writes what a request says.
func body(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // only values that this program makes
	}
	return text
}

func escape(segment string) string { return url.PathEscape(segment) }
