package tabular

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/tests/fake"
)

func TestBlobsAreReadRangeByRange(t *testing.T) {
	store := &fake.Blobs{Now: time.Now}
	body := append([]byte("id,text\n"), bytes.Repeat([]byte("1,some text of a row\n"), 2*rangeSize/20)...)
	check(t, store.Put(t.Context(), "files/a.csv", body))
	check(t, store.Put(t.Context(), "files/empty.csv", nil))
	got, err := readAll(FromBlob(store, "files/a.csv", int64(len(body))), Options{}, nil, partLimits)
	check(t, err)
	if len(got.Bad) > 0 || len(got.Rows) != 2*rangeSize/20 {
		t.Errorf("%d rows, bad %v", len(got.Rows), got.Bad)
	}
	if got, err := readAll(FromBlob(store, "files/empty.csv", 0), Options{}, nil, partLimits); err != nil || len(got.Rows) > 0 {
		t.Errorf("an empty file gives %v, %v", got, err)
	}
}

// failing is a Source that fails after some bytes.
type failing struct {
	memory
	after int64
	err   error
}

func (f failing) Open(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	body, err := f.memory.Open(ctx, offset, length)
	if err != nil || offset+length <= f.after {
		return body, err
	}
	return io.NopCloser(io.MultiReader(io.LimitReader(body, max(0, f.after-offset)), breaking{f.err})), nil
}

type breaking struct{ err error }

func (b breaking) Read([]byte) (int, error) { return 0, b.err }

func TestAFailingSourceIsNoDamagedFile(t *testing.T) {
	unavailable := fault.New(fault.Unavailable, "store_down", "the store is down")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte("id,name\n1,a\n2,b\n"))
	check(t, err)
	check(t, w.Close())
	for name, data := range map[string][]byte{
		"a.csv": []byte("id,name\n1,a\n2,b\n"), "a.csv.gz": packed.Bytes(), "a.json": []byte(`[{"id":1},{"id":2}]`),
		"a.parquet": made["row_groups.parquet"](t), "a.xlsx": made["workbook.xlsx"](t), "a.zip": zipped(t, map[string]int{"a.csv": 10}),
	} {
		t.Run(name, func(t *testing.T) {
			for after := range int64(len(data)) {
				if len(data) > 100 {
					after = after * 97 % int64(len(data))
				}
				if _, err := readAll(failing{memory{data: data}, after, unavailable}, Options{}, nil, partLimits); !errors.Is(err, unavailable) {
					t.Fatalf("after %d bytes: %v", after, err)
				}
				if after > 300 {
					break
				}
			}
		})
	}
}

func TestASourceThatIsShorterThanItSaysIsRefused(t *testing.T) {
	short := endlessSize{memory{data: []byte("id,name\n1,a\n")}}
	if _, err := readAll(short, Options{}, nil, partLimits); !fault.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
}

type endlessSize struct{ memory }

func (endlessSize) Size() int64 { return 1 << 30 }

func (e endlessSize) Open(ctx context.Context, offset, _ int64) (io.ReadCloser, error) {
	return e.memory.Open(ctx, min(offset, e.memory.Size()), -1)
}
