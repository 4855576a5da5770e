package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
)

// sendOwn sends Tarn's own protocol as its reference tells programs to: what was not
// answered with 200 is sent again.
func sendOwn(ctx context.Context, to turn) error {
	for from := 4 * to.From; from < 4*(to.From+to.Each); from += to.Each {
		batch := []map[string]any{{"event": ""}} // can never be stored
		for n := from; n < from+to.Each; n++ {
			batch = append(batch, map[string]any{"event_id": fmt.Sprint("own-", n), "event": "ordered", "properties": map[string]any{"n": n}})
		}
		body, err := json.Marshal(batch)
		if err != nil {
			return err
		}
		err = atLast(ctx, func() error {
			status, err := post(ctx, to.URL+"/v1/datasets/"+to.Into+"/events", "application/json", to.Key, body)
			if err == nil && status != http.StatusOK {
				err = errors.New(http.StatusText(status))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sendPlausible sends as Plausible's reference tells servers to. What it is told was not
// taken is sent again, and what it is not told of is in doubt: events have no ids.
func sendPlausible(ctx context.Context, to turn) (doubtful []string, err error) {
	untaken := []int{http.StatusRequestEntityTooLarge, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	for n := to.From; n < to.From+to.Each; n++ {
		body := fmt.Appendf(nil, `{"name":"ordered","url":"https://shop.example/","domain":"shop.example","props":{"n":%d}}`, n)
		status := 0
		err := atLast(ctx, func() error {
			status, err = post(ctx, to.URL+"/api/event", "text/plain", to.Key, body)
			if slices.Contains(untaken, status) {
				return errors.New(http.StatusText(status))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if status != http.StatusAccepted {
			doubtful = append(doubtful, fmt.Sprint("ordered ", n))
		}
	}
	return doubtful, nil
}

// post returns the status of an answer; 0: there was none.
func post(ctx context.Context, url, kind, key string, body []byte) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+key)
	out, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer out.Body.Close()
	if _, err := io.Copy(io.Discard, out.Body); err != nil {
		return 0, err
	}
	return out.StatusCode, nil
}
