package local_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/segment/columnfile"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/tests/fake"
)

// store counts what is fetched of it, and can be made to fail.
type store struct {
	fake.Blobs
	bytes atomic.Int64
	fail  atomic.Bool
}

func (s *store) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if s.fail.Load() {
		return nil, fault.New(fault.Unavailable, "down", "down")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.bytes.Add(length)
	return s.Blobs.Get(ctx, key, offset, length)
}

// write stores a segment of some rows under a number.
func (s *store) write(t testing.TB, number, n int) segment.Ref {
	t.Helper()
	b := rows.NewBuilder(dataset.Schema{Columns: []dataset.Column{{Name: "a", Type: dataset.Int}, {Name: "b", Type: dataset.Text}}}, dataset.Keep)
	shape := &events.Shape{Names: []string{"a", "b"}}
	for i := range n {
		b.Append(&events.Event{ID: fmt.Sprint(number, "-", i), Name: "x", UserID: fmt.Sprint("u", i%17), Time: int64(i),
			Shape: shape, Values: []events.Value{{Kind: events.Int, Int: int64(i * i)}, {Kind: events.Text, Text: fmt.Sprint("text ", i+number)}}}, int64(i))
	}
	at := stream.Sequence(fmt.Sprint(number))
	ref, err := segment.Write(context.Background(), s, segment.Origin{Tenant: "t", Dataset: "d", Shard: "s", From: at, Through: at}, b.View(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// all is a segment's file as it is stored.
func (s *store) all(t interface{ Fatal(...any) }, ref segment.Ref) []byte {
	body, err := s.Blobs.Get(context.Background(), ref.Key, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	all, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func files(t testing.TB, s *store, dir string, limit int64) *local.Files {
	t.Helper()
	f, err := local.New(s, dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const plenty = 1 << 30

// TestAFileHoldsTheColumnsThatWereAskedForAndItsTail asks for columns in any order, by
// many at once.
func TestAFileHoldsTheColumnsThatWereAskedForAndItsTail(t *testing.T) {
	s := &store{}
	refs := []segment.Ref{s.write(t, 1, 10), s.write(t, 2, 5000)}
	names := []string{"event_id", "event", "time", "user_id", "properties", "p_a", "p_b", "day", "none"}
	rapid.Check(t, func(rt *rapid.T) {
		f := files(t, s, t.TempDir(), plenty)
		var all sync.WaitGroup
		for range rapid.IntRange(1, 5).Draw(rt, "callers") {
			ref := rapid.SampledFrom(refs).Draw(rt, "segment")
			want := local.Want{Ref: ref, Columns: rapid.SliceOf(rapid.SampledFrom(names)).Draw(rt, "columns"), All: rapid.IntRange(0, 9).Draw(rt, "all") == 0}
			all.Go(func() { holds(t, s, f, want) })
		}
		all.Wait()
	})
}

func holds(t *testing.T, s *store, f *local.Files, want local.Want) {
	paths, release, err := f.Open(t.Context(), []local.Want{want})
	if err != nil {
		t.Error(err)
		return
	}
	defer release()
	got, err := os.ReadFile(paths[0])
	if err != nil {
		t.Error(err)
		return
	}
	whole := s.all(t, want.Ref)
	tail := want.Ref.Bytes - want.Ref.Tail
	file, err := columnfile.Open(whole[tail:], want.Ref.Bytes)
	if err != nil {
		t.Error(err)
		return
	}
	ranges := []columnfile.Range{{Offset: tail, Length: want.Ref.Tail}}
	if want.All {
		ranges = append(ranges, columnfile.Range{Offset: 4, Length: tail - 4}) // but for the first word, which nobody reads
	}
	for _, column := range want.Columns {
		ranges = append(ranges, file.Ranges(column)...)
	}
	for _, r := range ranges {
		if !bytes.Equal(got[r.Offset:r.Offset+r.Length], whole[r.Offset:r.Offset+r.Length]) {
			t.Errorf("%d bytes at %d of %d differ", r.Length, r.Offset, len(whole))
		}
	}
}

// fetched returns how many bytes were fetched for a want.
func fetched(t *testing.T, s *store, f *local.Files, wants ...local.Want) int64 {
	t.Helper()
	before := s.bytes.Load()
	_, release, err := f.Open(t.Context(), wants)
	if err != nil {
		t.Fatal(err)
	}
	release()
	return s.bytes.Load() - before
}

func TestOnlyWhatIsMissingIsFetched(t *testing.T) {
	s := &store{}
	ref := s.write(t, 1, 100_000)
	f := files(t, s, t.TempDir(), plenty)
	one := local.Want{Ref: ref, Columns: []string{"p_a"}}
	first := fetched(t, s, f, one)
	if first < ref.Tail || first-ref.Tail > (ref.Bytes-ref.Tail)/2 {
		t.Errorf("%d bytes are fetched of %d for one column and a tail of %d", first, ref.Bytes, ref.Tail)
	}
	if n := fetched(t, s, f, one); n != 0 {
		t.Errorf("%d bytes are fetched again", n)
	}
	if n := fetched(t, s, f, local.Want{Ref: ref, All: true}); n < ref.Bytes-first-100 || n > ref.Bytes {
		t.Errorf("%d bytes are fetched of %d for the others, after %d", n, ref.Bytes, first)
	}
}

func TestWhatWasUsedLongestAgoGoesFirst(t *testing.T) {
	s := &store{}
	var wants []local.Want
	for i := range 3 {
		wants = append(wants, local.Want{Ref: s.write(t, i, 1000), All: true})
	}
	f := files(t, s, t.TempDir(), wants[0].Ref.Bytes*5/2)
	for _, step := range []struct {
		segment int
		fetched bool
	}{{0, true}, {1, true}, {0, false}, {2, true}, {0, false}, {1, true}} {
		if n := fetched(t, s, f, wants[step.segment]); (n > 0) != step.fetched {
			t.Errorf("%d bytes of segment %d are fetched", n, step.segment)
		}
	}
}

func TestFilesInUseStayHoweverManyThereAre(t *testing.T) {
	s, dir := &store{}, t.TempDir()
	var wants []local.Want
	for i := range 5 {
		wants = append(wants, local.Want{Ref: s.write(t, i, 1000), All: true})
	}
	f := files(t, s, dir, wants[0].Ref.Bytes*5/2)
	_, release, err := f.Open(t.Context(), wants[:4])
	if err != nil {
		t.Fatal(err)
	}
	fetched(t, s, f, wants[4])
	if got := count(t, dir); got != 4 {
		t.Errorf("%d files while four are in use", got)
	}
	release()
	if got := count(t, dir); got != 2 {
		t.Errorf("%d files when none is in use, want 2", got)
	}
}

func TestAFetchThatFailedIsTriedAgain(t *testing.T) {
	s := &store{}
	want := local.Want{Ref: s.write(t, 1, 10), All: true}
	f := files(t, s, t.TempDir(), plenty)
	s.fail.Store(true)
	if _, _, err := f.Open(t.Context(), []local.Want{want}); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("got %v", err)
	}
	s.fail.Store(false)
	holds(t, s, f, want)
}

func TestAFetchWhoseCallerWentIsDoneByTheNext(t *testing.T) {
	s := &store{}
	want := local.Want{Ref: s.write(t, 1, 10), All: true}
	f := files(t, s, t.TempDir(), plenty)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := f.Open(ctx, []local.Want{want}); err == nil {
		t.Fatal("a caller that went was served")
	}
	holds(t, s, f, want)
}

func TestATailThatIsNotWhatTheManifestSaysIsRefused(t *testing.T) {
	s := &store{}
	ref := s.write(t, 1, 10)
	ref.TailSum++
	if _, _, err := files(t, s, t.TempDir(), plenty).Open(t.Context(), []local.Want{{Ref: ref}}); err == nil {
		t.Error("it is read")
	}
}

func TestLeftoversOfAnEarlierProcessAreRemoved(t *testing.T) {
	s, dir := &store{}, t.TempDir()
	fetched(t, s, files(t, s, dir, plenty), local.Want{Ref: s.write(t, 1, 10)})
	files(t, s, dir, plenty)
	if got := count(t, dir); got != 0 {
		t.Errorf("%d files are left", got)
	}
}

func count(t *testing.T, dir string) int {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

var _ blob.Store = (*store)(nil)

func TestAnErasedSegmentIsGoneAndDroppedFilesTakeNoRoom(t *testing.T) {
	blobs, dir := &store{}, t.TempDir()
	ref, cache := blobs.write(t, 1, 3), files(t, blobs, dir, 1<<20)
	_, release, err := cache.Open(t.Context(), []local.Want{{Ref: ref, All: true}})
	if err != nil {
		t.Fatal(err)
	}
	release()
	if err := blobs.Delete(t.Context(), ref.Key); err != nil {
		t.Fatal(err)
	}
	cache.Drop(ref.Key, "another")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	if _, _, err := cache.Open(t.Context(), []local.Want{{Ref: ref, All: true}}); !segment.IsGone(err) {
		t.Errorf("%v, want that it is gone", err)
	}
}
