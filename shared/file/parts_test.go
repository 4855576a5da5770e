package file_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/file"
	"github.com/tarnhq/tarn/tests/fake"
)

const part = file.MinPartSize

// addressed are blobs in memory whose addresses hold their keys.
type addressed struct{ fake.Blobs }

func (*addressed) PresignPut(_ context.Context, key string, _ time.Duration) (string, error) {
	return "memory:" + key, nil
}

// send stores what an upload asks for.
func send(t *testing.T, s file.Store, content []byte, u file.Upload) {
	t.Helper()
	key := strings.TrimPrefix(u.URL, "memory:")
	if err := s.Blobs.Put(t.Context(), key, content[u.Offset:u.Offset+u.Length]); err != nil {
		t.Fatal(err)
	}
}

func TestAFileInPartsIsTheFileWhateverIsAskedOfIt(t *testing.T) {
	content := make([]byte, 3*part+part/2)
	for i := range content {
		content[i] = byte(i * 2654435761 >> 13)
	}
	s := file.Store{Table: &fake.Table{Now: time.Now}, Blobs: &addressed{}, Now: time.Now}
	f, err := s.Create(t.Context(), "main", orders, file.Spec{Name: "orders.csv"}, file.Extent{Size: int64(len(content)), PartSize: part}, "user:1")
	if err != nil {
		t.Fatal(err)
	}
	left, err := s.Uploads(t.Context(), "main", f)
	if err != nil || len(left) != 4 || left[3].Length != part/2 {
		t.Fatalf("%v %+v", err, left)
	}
	rand.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
	for n, u := range left {
		if _, err := s.Source(t.Context(), "main", f); !fault.Is(err, fault.NotFound) {
			t.Errorf("with %d of 4 parts: %v", n, err)
		}
		send(t, s, content, u)
		if more, err := s.Uploads(t.Context(), "main", f); err != nil || len(more) != 3-n {
			t.Errorf("%d parts are left after %d, %v", len(more), n+1, err)
		}
	}
	src, err := s.Source(t.Context(), "main", f)
	if err != nil || src.Size() != int64(len(content)) {
		t.Fatal(err, src.Size())
	}
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.IntRange(0, len(content)-1).Draw(t, "offset")
		length := rapid.IntRange(-1, len(content)-offset+10).Draw(t, "length")
		body, err := src.Open(t.Context(), int64(offset), int64(length))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		want := content[offset:]
		if length >= 0 {
			want = want[:min(length, len(want))]
		}
		if err != nil || !bytes.Equal(got, want) || body.Close() != nil {
			t.Fatalf("%d bytes of %d, %v", len(got), len(want), err)
		}
	})
	if err := s.Delete(t.Context(), "main", f); err != nil {
		t.Fatal(err)
	}
	if page, err := s.Blobs.List(t.Context(), "t/", "", 10); err != nil || len(page.Blobs) > 0 {
		t.Errorf("after its deletion %v are there, %v", page.Blobs, err)
	}
}

func TestAPartOfAnotherLengthIsNone(t *testing.T) {
	s := file.Store{Table: &fake.Table{Now: time.Now}, Blobs: &addressed{}, Now: time.Now}
	content := make([]byte, part+10)
	f, err := s.Create(t.Context(), "main", orders, file.Spec{Name: "orders.csv"}, file.Extent{Size: int64(len(content)), PartSize: part}, "user:1")
	if err != nil {
		t.Fatal(err)
	}
	left, err := s.Uploads(t.Context(), "main", f)
	if err != nil {
		t.Fatal(err)
	}
	short := left[1]
	short.Length--
	send(t, s, content, left[0])
	send(t, s, content, short)
	again, err := s.Uploads(t.Context(), "main", f)
	if err != nil || len(again) != 1 || again[0].Offset != part || again[0].Length != 10 {
		t.Fatalf("%v %+v", err, again)
	}
	send(t, s, content, again[0]) // its place is free
	if _, err := s.Source(t.Context(), "main", f); err != nil {
		t.Error(err)
	}
}

func TestWhatIsTooLargeOrCutTooSmallIsRefused(t *testing.T) {
	s := file.Store{Table: &fake.Table{Now: time.Now}, Blobs: &addressed{}, Now: time.Now}
	for _, e := range []file.Extent{{Size: file.MaxSize + 1}, {Size: -1}, {Size: 10, PartSize: 9}, {Size: file.MaxSize, PartSize: part}} {
		if _, err := s.Create(t.Context(), "main", orders, file.Spec{Name: "orders.csv"}, e, "user:1"); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", e, err)
		}
	}
	f, err := s.Create(t.Context(), "main", orders, file.Spec{Name: "orders.csv"}, file.Extent{Size: file.PartSize}, "user:1")
	if err != nil || f.PartSize != 0 {
		t.Errorf("a file of one part has parts: %+v, %v", f, err)
	}
}
