package disktest_test

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
	"github.com/tarnhq/tarn/shared/adapter/embedded/disk/disktest"
)

// TestFS holds the file system of tests to what that of the machine does.
func TestFS(t *testing.T) {
	for name, open := range map[string]func() (disk.FS, string){
		"machine":   func() (disk.FS, string) { return disk.OS{}, t.TempDir() },
		"forgetful": func() (disk.FS, string) { return disktest.New("/root"), "/root" },
	} {
		t.Run(name, func(t *testing.T) {
			d, root := open()
			in := func(name string) string { return filepath.Join(root, name) }
			must(t, d.Mkdir(in("folder")))
			must(t, disk.WriteFile(d, in("folder/a"), []byte("0123456789")))
			must(t, d.Link(in("folder/a"), in("folder/b")))
			must(t, d.Rename(in("folder/a"), in("c")))
			must(t, d.SyncDir(root))

			_, createErr := d.Create(in("c"))
			_, openErr := d.Open(in("absent"))
			_, statErr := d.Stat(in("folder/a"))
			_, readErr := d.ReadDir(in("absent"))
			for call, check := range map[string]struct{ got, want error }{
				"create of a file that is there":  {createErr, fs.ErrExist},
				"mkdir of a folder that is there": {d.Mkdir(in("folder")), fs.ErrExist},
				"link to a file that is there":    {d.Link(in("c"), in("folder/b")), fs.ErrExist},
				"open of nothing":                 {openErr, fs.ErrNotExist},
				"stat of a former name":           {statErr, fs.ErrNotExist},
				"list of nothing":                 {readErr, fs.ErrNotExist},
				"remove of nothing":               {d.Remove(in("absent")), fs.ErrNotExist},
				"rename of nothing":               {d.Rename(in("absent"), in("x")), fs.ErrNotExist},
				"link in no folder":               {d.Link(in("c"), in("absent/x")), fs.ErrNotExist},
			} {
				if !errors.Is(check.got, check.want) {
					t.Errorf("%s: %v, want %v", call, check.got, check.want)
				}
			}
			if d.Remove(in("folder")) == nil {
				t.Error("a folder that is not empty was removed")
			}
			entries, err := d.ReadDir(root)
			must(t, err)
			var names []string
			for _, e := range entries {
				names = append(names, e.Name())
			}
			if diff := cmp.Diff([]string{"c", "folder"}, names); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}

			f, err := d.OpenWrite(in("c"))
			must(t, err)
			must(t, f.Truncate(4))
			_, err = f.WriteAt([]byte("xy"), 6)
			must(t, err)
			must(t, f.Sync())
			must(t, f.Close())
			body, err := disk.ReadFile(d, in("folder/b"))
			if must(t, err); string(body) != "0123\x00\x00xy" {
				t.Errorf("the other name shows %q", body)
			}
			r, err := d.Open(in("c"))
			must(t, err)
			rest := make([]byte, 10)
			if n, err := r.ReadAt(rest, 6); n != 2 || err != io.EOF {
				t.Errorf("read at the end: %d bytes, %v", n, err)
			}
			must(t, r.Close())
		})
	}
}

func TestPowerCut(t *testing.T) {
	for name, luck := range map[string]int{"at worst": 0, "at best": 1} {
		d := disktest.New("/")
		must(t, disk.WriteFile(d, "/synced", []byte("old")))
		must(t, disk.WriteFile(d, "/unlisted", []byte("old")))
		must(t, d.Remove("/unlisted"))
		must(t, d.SyncDir("/"))
		must(t, disk.WriteFile(d, "/unlisted", []byte("new")))
		f, err := d.OpenWrite("/synced")
		must(t, err)
		_, err = f.WriteAt([]byte("new"), 0)
		must(t, err)

		after := d.Restart(func(n int) int { return min(luck, n-1) })
		if err := f.Sync(); !errors.Is(err, disktest.ErrPower) {
			t.Errorf("%s: a file of before answers %v", name, err)
		}
		body, err := disk.ReadFile(after, "/synced")
		if want := []string{"old", "new"}[luck]; err != nil || string(body) != want {
			t.Errorf("%s: the synced file holds %q, %v, want %q", name, body, err, want)
		}
		if _, err := after.Stat("/unlisted"); (err == nil) != (luck == 1) {
			t.Errorf("%s: the file of the folder that was not synced: %v", name, err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
