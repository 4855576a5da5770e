package compact

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/duck/ducktest"
	"github.com/tarnhq/tarn/shared/engine/enginetest"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/tests/fake"
)

const (
	owner = "main"
	data  = "d1"
)

// folder keeps blobs in memory and, for the engine, as files too.
type folder struct {
	*fake.Blobs
	dir string
}

func (f folder) Put(ctx context.Context, key string, body []byte) error {
	if err := f.Blobs.Put(ctx, key, body); err != nil {
		return err
	}
	path, _ := f.Path(key)
	return os.WriteFile(path, body, 0o600)
}

func (f folder) Path(key string) (string, error) {
	return filepath.Join(f.dir, strings.ReplaceAll(key, "/", "!")), nil
}

func newFolder(t *testing.T) folder {
	return folder{&fake.Blobs{Now: func() time.Time { return noon }}, t.TempDir()}
}

func compactor(blobs folder) Compactor {
	now := func() time.Time { return noon }
	return Compactor{Manifest: manifest.Store{Table: &fake.Table{Now: now}, Blobs: blobs, Now: now}, Policy: DefaultPolicy, Now: now}
}

func openEngine(t *testing.T, blobs folder) *duck.Engine {
	asked := noon
	clock := func() time.Time { asked = asked.Add(time.Minute); return asked } // or tails that nobody asks about are kept
	return ducktest.Open(t, blobs, duck.Config{Readable: []string{blobs.dir}, Now: clock})
}

func TestEveryQuestionIsAnsweredTheSameAfterMerges(t *testing.T) {
	blobs := newFolder(t)
	merges := 0
	enginetest.RunMerged(t, blobs, openEngine(t, blobs), func(t *rapid.T, s snapshot.Snapshot) snapshot.Snapshot {
		c := compactor(blobs)
		c.Policy = Policy{Files: rapid.IntRange(2, 10).Draw(t, "files"), FanIn: rapid.IntRange(2, 4).Draw(t, "fan-in"), Rows: 1000, Bytes: 1 << 30,
			Own: rapid.IntRange(1, 4).Draw(t, "own"), Quiet: time.Hour}
		st := manifest.State{Segments: s.Segments, Schema: s.Schema}
		for step := 0; ; step++ {
			j, ok := c.Policy.pick(st, noon)
			if !ok || step == 20 {
				s.Segments = st.Segments
				return s
			}
			merges++
			sequence := stream.Sequence(fmt.Sprint(step + 1))
			added, err := c.merge(context.Background(), segment.Origin{Tenant: "t", Dataset: s.Dataset.ID, Shard: Shard, From: sequence, Through: sequence}, st.Schema, j)
			if err != nil {
				t.Fatal(err)
			}
			if err := sameRows(j.refs, added); err != nil {
				t.Fatal(err)
			}
			st = st.Next(manifest.Entry{Version: st.Version + 1, Add: added, Remove: keys(j.refs)})
		}
	})
	if merges < 20 {
		t.Errorf("only %d merges happened", merges)
	}
}

// fill commits small segments of some rows each, as ingestion does.
func fill(t testing.TB, c Compactor, segments, each int) {
	t.Helper()
	var st manifest.State
	for i := range segments {
		b := rows.NewBuilder(dataset.Schema{}, dataset.Keep)
		for k := range each {
			n := i*each + k
			b.Append(&events.Event{ID: fmt.Sprint("e", n), Name: "seen", UserID: fmt.Sprint("u", n*7919%100), Time: noon.UnixMicro() - int64(n)}, noon.UnixMicro())
		}
		sequence := stream.Sequence(fmt.Sprint(i + 1))
		ref, err := segment.Write(t.Context(), c.Manifest.Blobs, segment.Origin{Tenant: owner, Dataset: data, Shard: "s", From: sequence, Through: sequence}, b.View(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if st, err = c.Manifest.Commit(t.Context(), owner, data, st, manifest.Change{Commit: string(sequence), Add: []segment.Ref{ref}}); err != nil {
			t.Fatal(err)
		}
	}
}

// settle runs steps until none is left, and returns what they did.
func settle(t testing.TB, c Compactor) (total Report) {
	t.Helper()
	for {
		r, err := c.Step(t.Context(), owner, data)
		if err != nil {
			t.Fatal(err)
		}
		if r == (Report{}) {
			return total
		}
		total = total.Plus(r)
	}
}

func load(t testing.TB, c Compactor) manifest.State {
	t.Helper()
	st, err := c.Manifest.Load(t.Context(), owner, data)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestAThousandSmallSegmentsBecomeFew(t *testing.T) {
	c := compactor(newFolder(t))
	fill(t, c, 1000, 10)
	settle(t, c)
	if n := len(load(t, c).Segments); n > 8 {
		t.Errorf("%d segments while more may come, want 8 at most", n)
	}
	c.Now = func() time.Time { return noon.Add(time.Hour) }
	report := settle(t, c)
	st := load(t, c)
	if len(st.Segments) > 3 || st.Visible() != 10_000 {
		t.Errorf("%d segments with %d rows, want 3 at most with 10000; %+v", len(st.Segments), st.Visible(), report)
	}
}

func TestRowsOfASegmentAreSortedBySubjectThenTime(t *testing.T) {
	c := compactor(newFolder(t))
	fill(t, c, 10, 20)
	settle(t, c)
	merged := load(t, c).Segments[0]
	batch, err := c.reader().ReadRows(t.Context(), merged)
	if err != nil {
		t.Fatal(err)
	}
	place := func(row int) string {
		return fmt.Sprintf("%s %d", batch.Columns[rows.UserID].Text(row), batch.Columns[rows.Time].Ints[row])
	}
	if batch.Len < 100 || !merged.Merged {
		t.Fatalf("the first segment has %d rows; merged: %v", batch.Len, merged.Merged)
	}
	for row := 1; row < batch.Len; row++ {
		if place(row) < place(row-1) {
			t.Fatalf("row %d (%s) comes after %s", row, place(row), place(row-1))
		}
	}
}

func TestASwapOfWhatIsGoneIsRefusedAndTheNextStepGoesOn(t *testing.T) {
	c := compactor(newFolder(t))
	fill(t, c, 10, 2)
	st := load(t, c)
	gone := st.Segments[3]
	erased := c
	erased.Manifest.Blobs = meanwhile{c.Manifest.Blobs.(folder), func() {
		if _, err := c.Manifest.Commit(t.Context(), owner, data, st, manifest.Change{Commit: "erase", Remove: []string{gone.Key}}); err != nil {
			t.Fatal(err)
		}
	}}
	if _, err := erased.Step(t.Context(), owner, data); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v, want Conflict", err)
	}
	settle(t, c)
	if got := load(t, c).Visible(); got != 18 {
		t.Errorf("%d rows, want 18: those that were erased stay away", got)
	}
}

// meanwhile does something before a blob is put.
type meanwhile struct {
	folder
	act func()
}

func (m meanwhile) Put(ctx context.Context, key string, body []byte) error {
	m.act()
	return m.folder.Put(ctx, key, body)
}

// TestMergedRowsOfATableHaveTheColumnsTheyHad merges rows whose columns are named as the
// fixed ones of events are.
func TestMergedRowsOfATableHaveTheColumnsTheyHad(t *testing.T) {
	c := compactor(newFolder(t))
	text := func(name, value string) rows.Column {
		return rows.Column{Column: dataset.Column{Name: name, Type: dataset.Text}, Ends: []uint32{uint32(len(value))}, Bytes: []byte(value)}
	}
	var refs []segment.Ref
	var schema dataset.Schema
	for i, user := range []string{"u1", "u2"} {
		sequence := stream.Sequence(fmt.Sprint(i + 1))
		at := rows.Column{Column: dataset.Column{Name: dataset.ColumnTime, Type: dataset.Time}, Ints: []int64{int64(i)}}
		batch := rows.Batch{Columns: []rows.Column{text(dataset.ColumnUserID, user), at, text("country", "CH")}, Len: 1}
		ref, err := segment.WriteTable(t.Context(), c.Manifest.Blobs, segment.Origin{Tenant: owner, Dataset: data, Shard: "load", From: sequence, Through: sequence}, batch, nil)
		if err != nil {
			t.Fatal(err)
		}
		refs, schema = append(refs, ref), dataset.Schema{Columns: ref.Columns}
	}
	merged, err := c.merge(t.Context(), segment.Origin{Tenant: owner, Dataset: data, Shard: Shard, From: "1", Through: "1"}, schema, job{kind: segment.Rows, table: true, refs: refs})
	if err != nil || len(merged) != 1 {
		t.Fatal(merged, err)
	}
	if diff := cmp.Diff(schema.Columns, merged[0].Columns); diff != "" {
		t.Errorf("columns before (-) and after (+):\n%s", diff)
	}
	got, err := segment.NewCache(c.Manifest.Blobs, 0).ReadRows(t.Context(), merged[0])
	if err != nil || got.Len != 2 || string(got.Columns[0].Text(0))+string(got.Columns[0].Text(1)) != "u1u2" {
		t.Errorf("%v, %v", got, err)
	}
}
