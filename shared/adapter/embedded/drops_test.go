package embedded_test

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/drop"
	"github.com/tarnhq/tarn/shared/drop/droptest"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/tests/fake"
)

// dropFolder is a folder of drops on a clock of its own.
type dropFolder struct {
	*embedded.Drops
	dir       string
	blobs     *fake.Blobs
	now       time.Time
	meanwhile func() // what happens while a file is copied
}

// slowBlobs are some during whose puts something happens.
type slowBlobs struct {
	*fake.Blobs
	during func()
}

func (s slowBlobs) PutFrom(ctx context.Context, key string, body io.ReadSeeker, size int64) error {
	s.during()
	return s.Blobs.PutFrom(ctx, key, body, size)
}

func newDropFolder(t *testing.T) *dropFolder {
	t.Helper()
	f := &dropFolder{dir: t.TempDir(), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), meanwhile: func() {}}
	clock := func() time.Time { return f.now }
	f.blobs = &fake.Blobs{Now: clock}
	var err error
	if f.Drops, err = embedded.OpenDrops(f.dir, droptest.Tenant, slowBlobs{f.blobs, func() { f.meanwhile() }}, clock); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func (f *dropFolder) put(t *testing.T, path, text string) {
	t.Helper()
	full := filepath.Join(f.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// refused reads the files beside which a reason lies.
func (f *dropFolder) refused(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(f.dir, func(full string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Base(filepath.Dir(full)) != "refused" {
			return err
		}
		text, err := os.ReadFile(full)
		path, _ := filepath.Rel(f.dir, full)
		found[strings.Replace(path, "refused/", "", 1)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (f *dropFolder) paths(t *testing.T) (paths []string) {
	t.Helper()
	all, err := f.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		paths = append(paths, d.Path)
	}
	return paths
}

func TestDrops(t *testing.T) {
	droptest.Run(t, func(t *testing.T) droptest.Fixture {
		f := newDropFolder(t)
		return droptest.Fixture{Folder: f, Blobs: f.blobs, Put: f.put, Refused: f.refused,
			Remove: func(t *testing.T, path string) {
				if err := os.Remove(filepath.Join(f.dir, path)); err != nil {
					t.Fatal(err)
				}
			},
			Rest: func() { f.now = f.now.Add(embedded.Still) }}
	})
}

func TestAFileIsDroppedOnceItStandsStill(t *testing.T) {
	f := newDropFolder(t)
	for _, step := range []struct {
		text string
		wait time.Duration
		want []string
	}{
		{"1", 0, nil},
		{"1,2", embedded.Still, nil}, // it has grown since
		{"1,2", embedded.Still - 1, nil},
		{"1,2", 1, []string{"orders/a.csv"}},
		{"1,2,3", 1, nil},
		{"1,2,3", embedded.Still, []string{"orders/a.csv"}},
	} {
		if f.now = f.now.Add(step.wait); len(step.want) == 0 || step.wait == 0 {
			f.put(t, "orders/a.csv", step.text)
			stamp := time.Date(2026, 1, 2, 0, 0, len(step.text), 0, time.UTC)
			if err := os.Chtimes(filepath.Join(f.dir, "orders/a.csv"), stamp, stamp); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(step.want, f.paths(t)); diff != "" {
			t.Errorf("%q after %v (-want +got):\n%s", step.text, step.wait, diff)
		}
	}
}

func TestWhatIsInTheMakingOrLeadsElsewhereIsNoDrop(t *testing.T) {
	f := newDropFolder(t)
	secret := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(secret, []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"orders/.a.csv.Xy12", "orders/a.csv.part", "orders/a.csv~", "orders/done/a.csv", "orders/refused/a.csv", ".git/config", "orders/whole.csv"} {
		f.put(t, path, "1")
	}
	for _, link := range []string{"orders/link.csv", "elsewhere"} {
		if err := os.Symlink(secret, filepath.Join(f.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	f.paths(t)
	f.now = f.now.Add(embedded.Still)
	if diff := cmp.Diff([]string{"orders/whole.csv"}, f.paths(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	err := f.Copy(t.Context(), drop.Drop{Tenant: droptest.Tenant, Path: "orders/link.csv"}, "t/main/d/d1/files/x")
	if err != drop.ErrGone {
		t.Errorf("a copy of a link: %v", err)
	}
}

func TestAFileThatIsWrittenToWhileItIsCopiedIsNotKept(t *testing.T) {
	f := newDropFolder(t)
	f.put(t, "orders/a.csv", "whole")
	f.paths(t)
	f.now = f.now.Add(embedded.Still)
	all, err := f.List(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	f.meanwhile = func() { f.put(t, "orders/a.csv", "whole, and more") }
	if err := f.Copy(t.Context(), all[0], "t/main/d/d1/files/x"); err == nil || !strings.Contains(err.Error(), drop.ErrGone.Error()) {
		t.Errorf("copied: %v", err)
	}
	if _, err := f.blobs.Stat(t.Context(), "t/main/d/d1/files/x"); !fault.Is(err, fault.NotFound) {
		t.Errorf("the blob: %v", err)
	}
}

func TestWhatIsDoneUnderOneNameIsKeptApart(t *testing.T) {
	f := newDropFolder(t)
	for _, text := range []string{"first", "the second"} {
		f.put(t, "orders/a.csv", text)
		f.paths(t)
		f.now = f.now.Add(embedded.Still)
		all, err := f.List(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("%+v, %v", all, err)
		}
		if err := f.Done(t.Context(), all[0]); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(f.dir, "orders/done"))
	if err != nil || len(entries) != 2 {
		t.Errorf("in done lie %v, %v", entries, err)
	}
}
