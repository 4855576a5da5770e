package measure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Dataset is the dataset that the load programs fill.
const Dataset = "clicks"

// Tarn is a running local server.
type Tarn struct {
	*Process
	Address string // host:port
	Key     string
	Dir     string // DATA_DIR
}

// EventsPath is where events are sent to.
const EventsPath = "/v1/datasets/" + Dataset + "/events"

// WithTarn starts the built server on a fresh folder, hands it over, stops it and
// deletes the folder.
func WithTarn(ctx context.Context, binary string, use func(*Tarn) error) (err error) {
	dir, err := os.MkdirTemp("", "tarn-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	t, err := StartTarn(ctx, binary, filepath.Join(dir, "tarn"))
	if err != nil {
		return err
	}
	defer func() {
		_, stopped := t.Stop()
		err = errors.Join(err, stopped)
	}()
	return use(t)
}

// StartTarn starts the built server on a data folder and makes the dataset, unless
// it is there. Further environment is "NAME=value".
func StartTarn(ctx context.Context, binary, dir string, environment ...string) (*Tarn, error) {
	ready := filepath.Join(dir, "ready.json")
	if err := os.RemoveAll(ready); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), append(environment, "PORT=0", "DEMO=0", "DATA_DIR="+dir)...)
	process, err := StartProcess(cmd, filepath.Join(dir, "console.log"))
	if err != nil {
		return nil, err
	}
	t := &Tarn{Process: process, Dir: dir}
	if err := t.reach(ctx, ready); err != nil {
		_ = cmd.Process.Kill()
		return nil, err
	}
	return t, t.Begin()
}

// reach waits until the server serves.
func (t *Tarn) reach(ctx context.Context, ready string) error {
	var said struct {
		URL string `json:"url"`
		Key string `json:"api_key"`
	}
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(ready)
		if err == nil && json.Unmarshal(text, &said) == nil {
			break
		}
		if time.Since(begun) > 20*time.Second {
			return fmt.Errorf("the server does not start: see %s", filepath.Join(t.Dir, "console.log"))
		}
	}
	at, err := url.Parse(said.URL)
	if err != nil {
		return err
	}
	t.Address, t.Key = "127.0.0.1:"+at.Port(), said.Key
	err = t.Call(ctx, http.MethodPost, "/v1/datasets", map[string]string{"name": Dataset, "kind": "events"}, nil)
	if status := (*Status)(nil); isStatus(err, &status) && status.Code == http.StatusConflict {
		return nil
	}
	return err
}

// Stop has the server seal everything and end. It returns the processor time from
// start to end, but for that of the start itself.
func (t *Tarn) Stop() (time.Duration, error) { return t.End(syscall.SIGTERM) }

// Load returns a load on the server.
func (t *Tarn) Load(connections, batch int) *Load {
	return &Load{Address: t.Address, Path: EventsPath, Key: t.Key, Connections: connections, Batch: batch, From: time.Now().UTC()}
}

// Status is an answer that is not a success.
type Status struct {
	Code int
	Text string
}

func (s *Status) Error() string { return fmt.Sprintf("status %d: %s", s.Code, s.Text) }

func isStatus(err error, into **Status) (ok bool) {
	*into, ok = err.(*Status)
	return ok
}

// Call sends JSON and decodes the answer into out, unless that is nil.
func (t *Tarn) Call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+t.Address+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+t.Key)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return &Status{response.StatusCode, string(text)}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// Settle waits until everything acknowledged has its fate, and checks that want
// events are stored.
func (t *Tarn) Settle(ctx context.Context, want int64) error {
	return t.SettleIn(ctx, Dataset, want)
}

// SettleIn is Settle of another dataset.
func (t *Tarn) SettleIn(ctx context.Context, dataset string, want int64) error {
	var ledger struct{ Accepted, Stored, Pending int64 }
	for {
		if err := t.Call(ctx, http.MethodGet, "/v1/datasets/"+dataset+"/ledger", nil, &ledger); err != nil {
			return err
		}
		if ledger.Accepted >= want && ledger.Pending == 0 {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d of %d events are pending: %w", ledger.Pending, want, ctx.Err())
		}
	}
	if ledger.Stored != want {
		return fmt.Errorf("%d events are stored, but %d were acknowledged", ledger.Stored, want)
	}
	return nil
}

// Fill stores events in a data folder and stops the server, so that everything is
// sealed.
func Fill(ctx context.Context, binary, dir string, events int, shortIDs bool) error {
	t, err := StartTarn(ctx, binary, dir)
	if err != nil {
		return err
	}
	load := t.Load(8, 1000)
	load.Events, load.ShortIDs = int64(events), shortIDs
	sent, err := load.Run(ctx)
	if err == nil {
		wait, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		err = t.Settle(wait, sent)
	}
	_, stopped := t.Stop()
	return errors.Join(err, stopped)
}
