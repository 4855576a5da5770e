package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/tarnhq/tarn/functions/cli/client"
	"github.com/tarnhq/tarn/functions/cli/terminal"
)

// upload is a part of a file, and where it goes.
type upload struct {
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	URL    string `json:"upload_url"`
}

// fresh is for how long addresses are used: they are good for an hour, and a part takes its time.
const fresh = 20 * time.Minute

// upload sends the parts that are missing of a file, one after the other: what breaks off
// costs a part.
func (l *loading) upload(ctx context.Context, file string, left []upload) error {
	c, err := l.client()
	if err != nil {
		return err
	}
	bar := l.progress()
	defer bar.Done()
	parted, sent := len(left) > 1 || len(left) == 1 && left[0].Length < l.size, l.size
	for _, u := range left {
		sent -= u.Length
	}
	for asked := time.Now(); len(left) > 0; {
		if time.Since(asked) > fresh {
			if left, err = l.missing(ctx, file); err != nil {
				return err
			}
			asked = time.Now()
			continue
		}
		u := left[0]
		open := func() (io.ReadCloser, error) { return section(l.path, u) }
		err := c.Upload(ctx, u.URL, u.Length, open, func(n int64) {
			bar.Show("upload", float64(sent+n)/float64(max(l.size, 1)), terminal.Bytes(sent+n))
		})
		if err != nil {
			if parted {
				l.note("what was sent is kept; go on with: tarn load %s %s --resume %s", l.dataset, l.path, file)
			}
			return err
		}
		sent, left = sent+u.Length, left[1:]
	}
	return nil
}

// section is the part of a file that an upload asks for.
func section(path string, u upload) (io.ReadCloser, error) {
	f, err := os.Open(path) // #nosec G304 -- the file that the person names
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, u.Offset, u.Length), f}, nil
}

// missing asks which parts of a file were not uploaded.
func (l *loading) missing(ctx context.Context, file string) ([]upload, error) {
	got, err := l.do(ctx, client.Request{Method: http.MethodGet, Path: l.at(file) + "/uploads"})
	if err != nil {
		return nil, err
	}
	var out struct {
		Uploads []upload `json:"uploads"`
	}
	return out.Uploads, decode(got.Body, &out)
}

// goOn sends what is missing of an upload that broke off.
func (l *loading) goOn(ctx context.Context) error {
	got, err := l.do(ctx, client.Request{Method: http.MethodGet, Path: l.at(l.resume)})
	if err != nil {
		return err
	}
	var was struct {
		Name string `json:"name"`
		Size int64  `json:"size"`
	}
	if err := decode(got.Body, &was); err != nil {
		return err
	}
	if was.Size != 0 && was.Size != l.size {
		return wrong("%s has %d bytes, and the upload of %q is of %d", l.path, l.size, was.Name, was.Size)
	}
	left, err := l.missing(ctx, l.resume)
	if err != nil {
		return err
	}
	if was.Size == 0 { // it goes as a whole
		for i := range left {
			left[i].Length = l.size
		}
	}
	return l.upload(ctx, l.resume, left)
}
