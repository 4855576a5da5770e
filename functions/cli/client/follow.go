package client

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// Follow reads a stream of server-sent events, and comes back where it breaks off, until
// the server says that there is no more or on returns true, which it does for the last
// event. The data of each event is given to on.
func (c *Client) Follow(ctx context.Context, path string, on func(data []byte) (last bool, err error)) error {
	seen := ""
	for {
		r := Request{Method: http.MethodGet, Path: path, Accept: "text/event-stream"}
		if seen != "" {
			r.Header = map[string]string{"Last-Event-ID": seen}
		}
		res, err := c.Stream(ctx, r)
		if err != nil {
			return err
		}
		if res.StatusCode == http.StatusNoContent {
			return res.Body.Close()
		}
		last, err := readEvents(res.Body, &seen, on)
		_ = res.Body.Close() // all that it has was read
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if last || err != nil {
			return err
		}
		if err := c.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// readEvents reads events until the last one or the end of the stream, which may come at
// any place: what is not whole is read anew.
func readEvents(body io.Reader, seen *string, on func([]byte) (bool, error)) (bool, error) {
	lines := bufio.NewReader(body)
	id, data := "", ""
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return false, nil
		}
		field, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			id = value
		case "data":
			data += value + "\n"
		case "":
			if data == "" {
				continue // a comment, or the end of an event without data
			}
			last, err := on([]byte(data))
			if *seen = id; last || err != nil {
				return last, err
			}
			data = ""
		}
	}
}
