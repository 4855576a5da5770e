package duck_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/duck/ducktest"
	"github.com/tarnhq/tarn/shared/engine/enginetest"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// memory is a blob store of which only reading and writing is used.
type memory struct {
	blob.Store
	mu    sync.Mutex
	blobs map[string][]byte
}

func (m *memory) Put(_ context.Context, key string, body []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.blobs[key]; taken {
		return fault.New(fault.Conflict, "taken", "taken")
	}
	m.blobs[key] = bytes.Clone(body)
	return nil
}

func (m *memory) Get(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	body, ok := m.blobs[key]
	if !ok {
		return nil, fault.New(fault.NotFound, "no_blob", "no blob %s", key)
	}
	return io.NopCloser(io.NewSectionReader(bytes.NewReader(body), offset, length)), nil
}

// folder is a memory whose blobs are files, too.
type folder struct {
	memory
	dir string
}

func (f *folder) Put(ctx context.Context, key string, body []byte) error {
	if err := f.memory.Put(ctx, key, body); err != nil {
		return err
	}
	path, _ := f.Path(key)
	return os.WriteFile(path, body, 0o600)
}

func (f *folder) Path(key string) (string, error) {
	return filepath.Join(f.dir, strings.ReplaceAll(key, "/", "!")), nil
}

// openFor opens an engine over a store whose blobs are files of a folder, or none.
func openFor(t testing.TB, store blob.Store, dir string) *duck.Engine {
	t.Helper()
	return ducktest.Open(t, store, duck.Config{Readable: []string{dir}, Now: func() time.Time { return time.Unix(0, 0) }})
}

func TestEngineOverFilesInPlace(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds; fetched files are read the same way")
	}
	dir := t.TempDir()
	store := &folder{memory{blobs: map[string][]byte{}}, dir}
	enginetest.Run(t, store, again{openFor(t, store, dir)})
}

// again asks everything twice: the second time it is known which segments meet which
// conditions.
type again struct{ *duck.Engine }

func (e again) Run(ctx context.Context, plan query.Plan, over snapshot.Snapshot) (query.Result, error) {
	if first, err := e.Engine.Run(ctx, plan, over); err != nil {
		return first, err
	}
	return e.Engine.Run(ctx, plan, over)
}

func TestEngineOverFetchedBlobs(t *testing.T) {
	store := &memory{blobs: map[string][]byte{}}
	enginetest.Run(t, store, openFor(t, store, t.TempDir()))
}

func TestConcurrentQueriesEachSeeTheirOwnSnapshot(t *testing.T) {
	e := engineOf(t, duck.Config{})
	b := rows.NewBuilder(dataset.Schema{}, dataset.Keep)
	plan := planOf(t, countAll)
	var all sync.WaitGroup
	for i := range 40 {
		b.Append(&events.Event{ID: "x", Name: "view", Time: int64(i)}, 0)
		over := snapshot.Snapshot{Dataset: dataset.Dataset{ID: "d", Kind: dataset.Events}, Tail: []snapshot.Part{{ID: 1, Rows: b.View()}}, Release: func() {}}
		all.Go(func() {
			got, err := e.Run(t.Context(), plan, over)
			if err != nil || got.Rows[0][0] != query.IntValue(int64(i+1)) {
				t.Errorf("after %d rows: %v, %v", i+1, got.Rows, err)
			}
		})
	}
	all.Wait()
}
