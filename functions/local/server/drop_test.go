package server

import (
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/dataset"
)

func TestTheServerLoadsWhatIsDropped(t *testing.T) {
	var ahead atomic.Int64
	dir, log := filepath.Join(t.TempDir(), "in"), lines{slog.NewTextHandler(t.Output(), nil), make(chan string)}
	s, _ := opened(t, Options{Log: slog.New(log), DropDir: dir, DropEvery: time.Millisecond,
		Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	if _, err := s.catalog.Create(t.Context(), Tenant, dataset.Spec{Name: "orders", Kind: dataset.Table}); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{"orders/upsert=id/a.csv": "id,v\n1,a\n2,b\n", "order/b.csv": "id,v\n3,c\n"} {
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for settled := 0; settled < 2; { // they need not be settled in one look
		ahead.Add(int64(embedded.Still))
		if <-log.messages == "dropped files" {
			settled = len(found(t, dir, "orders/upsert=id/done/a.csv")) + len(found(t, dir, "order/refused/b.csv"))
		}
	}
	snap, err := s.live.Open(t.Context(), Tenant, "orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Release()
	if snap.Visible() != 2 {
		t.Errorf("%d rows, want 2", snap.Visible())
	}
	if why, err := os.ReadFile(filepath.Join(dir, "order/refused/b.csv.txt")); err != nil || len(why) == 0 {
		t.Errorf("the reason is %q, %v", why, err)
	}
}

func found(t *testing.T, dir, path string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, path))
	if err != nil {
		t.Fatal(err)
	}
	return all
}
