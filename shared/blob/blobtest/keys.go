package blobtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
)

var keys = map[string]func(*testing.T, Fixture){
	"keys of every allowed form are kept apart": func(t *testing.T, f Fixture) {
		p := prefix()
		for _, key := range []string{
			p + "AZaz09._=-", p + "a", p + "aa", p + "...", p + ".a", p + "a.", p + "-", p + "day=2026-01-02/x.parquet",
			p + "d" + strings.Repeat("/d", 100), p + strings.Repeat("z", 199), p + strings.Repeat("z", 200), p + strings.Repeat("z", 201),
			strings.ReplaceAll(p, "/", "-") + "1",
		} {
			put(t, f.Store, key, []byte(key))
			if got := get(t, f.Store, key); string(got) != key {
				t.Errorf("Get(%q) = %q", key, got)
			}
		}
	},
	"a segment of a key may be as long as a key": func(t *testing.T, f Fixture) {
		p := prefix()
		for _, key := range []string{
			p + strings.Repeat("x", 900-len(p)), p + strings.Repeat("x", 256), p + strings.Repeat("x", 400), p + strings.Repeat("y", 400) + "/z",
		} {
			put(t, f.Store, key, []byte(key))
			if got := get(t, f.Store, key); string(got) != key {
				t.Errorf("Get(%q) = %q", key, got)
			}
		}
	},
	"other keys are Invalid": func(t *testing.T, f Fixture) {
		for _, key := range []string{
			"", "/", "/a", "a/", "a//b", ".", "..", "a/./b", "a/../b", "../a", "a b", "a\x00b", "é", "a\\b", "a:b", "a*b", "a~b", "a+b", "a%2fb", "a?b", "a\n",
			strings.Repeat("x", 901),
		} {
			_, getErr := f.Store.Get(t.Context(), key, 0, -1)
			_, statErr := f.Store.Stat(t.Context(), key)
			_, presignGetErr := f.Store.PresignGet(t.Context(), key, 1)
			_, presignPutErr := f.Store.PresignPut(t.Context(), key, 1)
			for call, err := range map[string]error{
				"Put": f.Store.Put(t.Context(), key, nil), "Get": getErr, "Stat": statErr, "Delete": f.Store.Delete(t.Context(), key),
				"PresignGet": presignGetErr, "PresignPut": presignPutErr,
			} {
				if !fault.Is(err, fault.Invalid) {
					t.Errorf("%s(%q): %v, want Invalid", call, key, err)
				}
			}
		}
	},
}

var lists = map[string]func(*testing.T, Fixture){
	"a prefix that nothing has lists nothing": func(t *testing.T, f Fixture) {
		page, err := f.Store.List(t.Context(), prefix(), "", 10)
		if err != nil || len(page.Blobs) > 0 || page.Next != "" {
			t.Errorf("List = %+v, %v, want an empty last page", page, err)
		}
	},
	"a listing tells what Stat tells": func(t *testing.T, f Fixture) {
		p := prefix()
		put(t, f.Store, p+"k", []byte("12345"))
		page, err := f.Store.List(t.Context(), p, "", 10)
		if err != nil || len(page.Blobs) != 1 {
			t.Fatalf("List = %+v, %v, want one blob", page, err)
		}
		want, err := f.Store.Stat(t.Context(), p+"k")
		if err != nil {
			t.Fatalf("Stat: %v", err)
		}
		if got := page.Blobs[0]; got.Key != want.Key || got.Size != want.Size || got.Modified.Sub(want.Modified).Abs().Seconds() > 1 {
			t.Errorf("List shows %+v, Stat %+v", got, want)
		}
	},
	"any listing returns what a scan of all keys would": anyListing,
}

// anyListing compares listings with a scan over keys where the order of whole
// keys differs from an order folder by folder.
func anyListing(t *testing.T, f Fixture) {
	p := prefix()
	sorted := []string{
		"a-b", "a-b.c", "a.b", "a.b/x", "a/b", "a/b-c", "a/c/d", "a/c0", "a0", "A", "B/a", "_", "a=b", "ab/c", "abc", "z/" + strings.Repeat("y", 200),
		"z/" + strings.Repeat("y", 200) + "-", "z/" + strings.Repeat("y", 200) + "0", "z/" + strings.Repeat("y", 240) + "/x",
	}
	sorted = slices.DeleteFunc(sorted, func(k string) bool { return k == "a.b" || k == "a/b" }) // folders of others
	for i, key := range sorted {
		sorted[i] = p + key
		put(t, f.Store, sorted[i], nil)
	}
	slices.Sort(sorted)
	prefixes := []string{"", "a", "a/", "a-", "a/c", "a/c/", "a/c/d", "a/c/d/", "ab", "b", "z/yyy", "z/" + strings.Repeat("y", 230), "z/" + strings.Repeat("y", 201)}
	rapid.Check(t, func(r *rapid.T) {
		within := p + rapid.SampledFrom(prefixes).Draw(r, "prefix")
		limit := rapid.IntRange(1, 20).Draw(r, "limit")
		var want []string
		for _, key := range sorted {
			if strings.HasPrefix(key, within) {
				want = append(want, key)
			}
		}
		if diff := cmp.Diff(want, pages(t, f.Store, within, limit)); diff != "" {
			r.Fatalf("keys (-want +got):\n%s", diff)
		}
	})
}

func pages(t testing.TB, s blob.Store, within string, limit int) []string {
	t.Helper()
	var found []string
	for next := ""; ; {
		page, err := s.List(t.Context(), within, next, limit)
		if err != nil || len(page.Blobs) > limit {
			t.Fatalf("List(%q, limit %d) = %d blobs, %v", within, limit, len(page.Blobs), err)
		}
		for _, b := range page.Blobs {
			found = append(found, b.Key)
		}
		if page.Next == "" {
			return found
		}
		next = page.Next
	}
}
