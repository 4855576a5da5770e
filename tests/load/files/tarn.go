package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/tarnhq/tarn/tests/load/measure"
)

const table = "/v1/datasets/loaded"

// upload makes a table and puts a file where the server says.
func upload(ctx context.Context, t *measure.Tarn, file file) (id string, err error) {
	if err := t.Call(ctx, http.MethodPost, "/v1/datasets", map[string]string{"name": "loaded", "kind": "table"}, nil); err != nil {
		return "", err
	}
	var place struct {
		ID  string `json:"file_id"`
		URL string `json:"upload_url"`
	}
	if err := t.Call(ctx, http.MethodPost, table+"/files", map[string]any{"name": file.name}, &place); err != nil {
		return "", err
	}
	body, err := os.Open(file.path)
	if err != nil {
		return "", err
	}
	defer body.Close()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, place.URL, body)
	if err != nil {
		return "", err
	}
	r.ContentLength = file.bytes
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return "", fmt.Errorf("the upload was answered with %s", response.Status)
	}
	return place.ID, nil
}

// load orders the load of an uploaded file and waits until its rows are visible.
func load(ctx context.Context, t *measure.Tarn, id string, want int64) error {
	var ordered struct {
		Job string `json:"job_id"`
	}
	if err := t.Call(ctx, http.MethodPost, table+"/files/"+id+"/load", nil, &ordered); err != nil {
		return err
	}
	for {
		var j struct {
			State  string
			Error  any
			Result struct{ Loaded, Quarantined int64 }
		}
		if err := t.Call(ctx, http.MethodGet, "/v1/jobs/"+ordered.Job, nil, &j); err != nil {
			return err
		}
		switch {
		case j.State == "done" && j.Result.Loaded == want && j.Result.Quarantined == 0:
			return nil
		case j.State == "done" || j.State == "failed" || j.State == "cancelled":
			return fmt.Errorf("the load is %s: %+v, %v", j.State, j.Result, j.Error)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
