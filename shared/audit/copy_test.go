package audit_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/tests/fake"
)

func copiesOf(t *testing.T, blobs blob.Store) (keys []string) {
	t.Helper()
	page, err := blobs.List(t.Context(), audit.Folder, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range page.Blobs {
		keys = append(keys, b.Key)
	}
	return keys
}

func TestCopiesHoldEveryEntryOnceAndNothingThatWasSent(t *testing.T) {
	s, tbl := chained(t, 3)
	blobs := &fake.Blobs{Now: time.Now}
	copier := audit.Copier{Log: s, Blobs: blobs}
	for i, want := range []uint64{3, 0, 1} {
		if i == 1 { // a run died before it noted what it had copied
			tampering{t, tbl}.write(table.Delete(table.Key{Partition: "audit#main", Sort: "copied"}))
		}
		if i == 2 {
			if err := s.Append(t.Context(), event("user:4")); err != nil {
				t.Fatal(err)
			}
		}
		if done, err := copier.Run(t.Context(), always); err != nil || done.Entries != want || done.More {
			t.Errorf("run %d: %+v %v", i, done, err)
		}
	}
	if keys := copiesOf(t, blobs); len(keys) != 2 || keys[1] != "audit/main/00000000000000000004.ndjson" {
		t.Error(keys)
	}
	for _, key := range copiesOf(t, blobs) {
		body, err := blobs.Get(t.Context(), key, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(body)
		if err != nil || strings.Contains(string(text), "n=") || !strings.Contains(string(text), `"by":"user:`) {
			t.Errorf("%s %v", text, err)
		}
	}
}

// TestALogWrittenAnewIsNotTheOneThatWasCopied does what the chain alone cannot show: all of
// it, or its end, is replaced by entries that fit together.
func TestALogWrittenAnewIsNotTheOneThatWasCopied(t *testing.T) {
	for claim, forge := range map[string]func(tampering){
		"all of it, and what says how far it is copied": func(w tampering) {
			clear(w, "audit#main", "")
			clear(w, "audit#main#payloads", "")
		},
		"its end, and what says how far it is copied": func(w tampering) {
			w.write(table.Delete(key(5)), table.Delete(key(6)), table.Put(table.Item{
				Key: table.Key{Partition: "audit#main", Sort: "copied"}, Attributes: map[string]string{"first": "1"}}))
			moveHead(w, 4)
		},
		"its end": func(w tampering) {
			w.write(table.Delete(key(5)), table.Delete(key(6)))
			moveHead(w, 4)
		},
	} {
		t.Run(claim, func(t *testing.T) {
			s, tbl := chained(t, 3)
			blobs := &fake.Blobs{Now: time.Now}
			for range 3 {
				if _, err := (audit.Copier{Log: s, Blobs: blobs}).Run(t.Context(), always); err != nil {
					t.Fatal(err)
				}
				if err := s.Append(t.Context(), event("user:1")); err != nil {
					t.Fatal(err)
				}
			}
			forge(tampering{t, tbl})
			anew := audit.New(tbl, time.Now, quiet)
			for range 6 {
				if err := anew.Append(t.Context(), event("user:forger")); err != nil {
					t.Fatal(err)
				}
			}
			if report := verified(t, tbl, audit.Head{}); !report.Whole {
				t.Fatalf("the chain itself tells: %+v", report.Broken)
			}
			done, err := (audit.Copier{Log: anew, Blobs: blobs}).Run(t.Context(), always)
			if err == nil || done.Broken != 1 || !strings.Contains(err.Error(), "the audit log of main is broken") {
				t.Errorf("%+v %v", done, err)
			}
		})
	}
}
