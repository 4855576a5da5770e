package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// Copied is told how many bytes have gone over.
type Copied func(bytes int64)

// Upload puts a file of a known size where a presigned URL says, and again from its
// beginning where that breaks off. The URL is the credential.
func (c *Client) Upload(ctx context.Context, to string, size int64, open func() (io.ReadCloser, error), told Copied) error {
	return c.repeat(ctx, Request{Method: http.MethodPut}, func(ctx context.Context) (time.Duration, error) {
		file, err := open()
		if err != nil {
			return 0, err
		}
		defer file.Close()
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, to, &counting{from: file, told: told})
		if err != nil {
			return 0, err
		}
		if req.ContentLength = size; size == 0 {
			req.Body = http.NoBody
		}
		res, err := c.HTTP.Do(req)
		if err != nil {
			return 0, &Unreachable{URL: req.URL.Host, Err: withoutURL(err)}
		}
		defer res.Body.Close()
		return refusal(res)
	})
}

// Download writes what a presigned URL holds. Bytes that were written are not written
// again, so that it does not start anew.
func (c *Client) Download(ctx context.Context, from string, to io.Writer, told Copied) error {
	var res *http.Response
	err := c.repeat(ctx, Request{Method: http.MethodGet}, func(ctx context.Context) (time.Duration, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
		if err != nil {
			return 0, err
		}
		if res, err = c.HTTP.Do(req); err != nil {
			return 0, &Unreachable{URL: req.URL.Host, Err: withoutURL(err)}
		}
		asked, err := refusal(res)
		if err != nil {
			_ = res.Body.Close() // the refusal is what counts
		}
		return asked, err
	})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(to, &counting{from: res.Body, told: told})
	return err
}

// refusal returns what a store of files answered where that was no success.
func refusal(res *http.Response) (time.Duration, error) {
	if res.StatusCode < 300 {
		return 0, nil
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, 4096)) // what came of it is told
	return retryAfter(res.Header), problemOf(res.StatusCode, body)
}

// withoutURL keeps a URL out of what is shown: it was told already, or is a credential.
func withoutURL(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

type counting struct {
	from  io.Reader
	bytes int64
	told  Copied
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if c.bytes += int64(n); c.told != nil {
		c.told(c.bytes)
	}
	return n, err
}
