package files

import (
	"strings"
	"testing"
)

// FuzzDSN holds that a connection string is a folder without its credential in sight, or is
// refused without it.
func FuzzDSN(f *testing.F) {
	for _, dsn := range []string{"s3://K:hush@bucket/folder?region=eu-central-1", "s3://K:a/b@bucket?endpoint=http://h", "https://u:hush@h/folder/", "https://docs.google.com/spreadsheets/d/abc/edit#gid=7", "https://docs.google.com/spreadsheets/d/e/abc/pub?gid=1&output=csv", "http://[::1]:80"} {
		f.Add(dsn)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		at, err := Driver{}.folder(dsn)
		if err != nil {
			if strings.Contains(dsn, "hush") && strings.Contains(err.Error(), "hush") {
				t.Errorf("%q is refused with %v", dsn, err)
			}
			return
		}
		if w, ok := at.(*web); ok && (w.root.User != nil || w.root.Host == "" || !strings.HasPrefix(w.root.Scheme, "http")) {
			t.Errorf("%q leads to %v", dsn, w.root)
		}
	})
}
