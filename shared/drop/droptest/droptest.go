// Package droptest holds the promises that every drop.Folder keeps.
package droptest

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/drop"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Tenant is whose folder a Fixture drops into.
const Tenant tenant.ID = "main"

// Fixture is a folder under test. Its files are whole once Rest was called.
type Fixture struct {
	Folder  drop.Folder
	Blobs   blob.Store
	Put     func(t *testing.T, path, text string) // drops a file
	Remove  func(t *testing.T, path string)       // as its dropper does who thinks better of it
	Rest    func()
	Refused func(t *testing.T) map[string]string // what was put aside, by path, and the texts beside it
}

// Run tests the folder that open returns. It calls open once for each test.
func Run(t *testing.T, open func(*testing.T) Fixture) {
	for claim, test := range claims {
		t.Run(claim, func(t *testing.T) { test(t, open(t)) })
	}
}

// unusual are names that files have.
var unusual = []string{"orders/a b.csv", "orders/ä+ö%20&?.csv", "orders/upsert=id,region/x.csv", "orders/replace/x.csv", "x.csv", "orders/2026/01/x.csv"}

var claims = map[string]func(*testing.T, Fixture){
	"what is dropped is listed, with its size": func(t *testing.T, f Fixture) {
		for _, path := range unusual {
			f.Put(t, path, path)
		}
		var got []string
		for _, d := range f.list(t) {
			if got = append(got, d.Path); d.Tenant != Tenant || d.Size != int64(len(d.Path)) || d.Version == "" || d.Modified.IsZero() {
				t.Errorf("listed %+v", d)
			}
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(unusual))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	},
	"a drop is copied as it was listed, however often": func(t *testing.T, f Fixture) {
		for _, path := range unusual {
			f.Put(t, path, "text of "+path)
		}
		for i, d := range f.list(t) {
			key := "t/main/d/d1/files/" + strings.Repeat("x", i+1)
			for range 2 {
				if err := f.Folder.Copy(t.Context(), d, key); err != nil {
					t.Errorf("%s: %v", d.Path, err)
				}
			}
			if got := f.blob(t, key); got != "text of "+d.Path {
				t.Errorf("%s is the blob %q", d.Path, got)
			}
		}
	},
	"to take away what is gone is fine": func(t *testing.T, f Fixture) {
		f.Put(t, "orders/a.csv", "1")
		d := f.only(t, "orders/a.csv")
		for range 2 {
			if err := f.Folder.Done(t.Context(), d); err != nil {
				t.Error(err)
			}
		}
	},
	"what was loaded is taken away": func(t *testing.T, f Fixture) {
		f.Put(t, "orders/a.csv", "1")
		f.Put(t, "orders/b.csv", "2")
		d := f.only(t, "orders/a.csv")
		if err := f.Folder.Done(t.Context(), d); err != nil {
			t.Error(err)
		}
		if left := f.list(t); len(left) != 1 || left[0].Path != "orders/b.csv" {
			t.Errorf("left are %+v", left)
		}
		if err := f.Folder.Copy(t.Context(), d, "t/main/d/d1/files/x"); err != drop.ErrGone {
			t.Errorf("a copy of what was taken away: %v", err)
		}
	},
	"what is dropped under the name of another is not taken away with it": func(t *testing.T, f Fixture) {
		f.Put(t, "orders/a.csv", "first")
		d := f.only(t, "orders/a.csv")
		f.Put(t, "orders/a.csv", "second one")
		if err := f.Folder.Done(t.Context(), d); err != nil {
			t.Error(err)
		}
		left := f.only(t, "orders/a.csv")
		if left.Version == d.Version {
			t.Error("it has the version of the other")
		}
		if err := f.Folder.Copy(t.Context(), left, "t/main/d/d1/files/x"); err != nil || f.blob(t, "t/main/d/d1/files/x") != "second one" {
			t.Errorf("it is %q, %v", f.blob(t, "t/main/d/d1/files/x"), err)
		}
	},
	"what is refused lies beside the reason": func(t *testing.T, f Fixture) {
		for _, path := range unusual {
			f.Put(t, path, "bad")
		}
		want := map[string]string{}
		for _, d := range f.list(t) {
			for range 2 {
				if err := f.Folder.Refuse(t.Context(), d, "it is "+d.Path); err != nil {
					t.Error(err)
				}
			}
			want[d.Path], want[d.Path+".txt"] = "bad", "it is "+d.Path
		}
		if diff := cmp.Diff(want, f.Refused(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if left := f.list(t); len(left) > 0 {
			t.Errorf("left are %+v", left)
		}
	},
	"what its dropper has removed is not there": func(t *testing.T, f Fixture) {
		f.Put(t, "orders/a.csv", "1")
		d := f.only(t, "orders/a.csv")
		f.Remove(t, "orders/a.csv")
		if left := f.list(t); len(left) > 0 {
			t.Errorf("left are %+v", left)
		}
		if err := f.Folder.Done(t.Context(), d); err != nil {
			t.Error(err)
		}
	},
	"an empty folder lists nothing": func(t *testing.T, f Fixture) {
		if all := f.list(t); len(all) > 0 {
			t.Errorf("%+v", all)
		}
	},
}

func (f Fixture) list(t *testing.T) []drop.Drop {
	t.Helper()
	if _, err := f.Folder.List(t.Context()); err != nil { // a folder may want to look twice
		t.Fatal(err)
	}
	f.Rest()
	all, err := f.Folder.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// only returns the one drop that has a path.
func (f Fixture) only(t *testing.T, path string) drop.Drop {
	t.Helper()
	all := slices.DeleteFunc(f.list(t), func(d drop.Drop) bool { return d.Path != path })
	if len(all) != 1 {
		t.Fatalf("%d drops are %s, want 1", len(all), path)
	}
	return all[0]
}

func (f Fixture) blob(t *testing.T, key string) string {
	t.Helper()
	r, err := f.Blobs.Get(t.Context(), key, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
