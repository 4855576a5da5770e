package demo

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

func TestRowGroupsAreReadAsManyAtATimeAsTheBoundAllows(t *testing.T) {
	type flight struct {
		Date        int64  `parquet:"date,timestamp(microsecond:local)"`
		Delay       int64  `parquet:"delay"`
		Distance    int64  `parquet:"distance"`
		Origin      string `parquet:"origin"`
		Destination string `parquet:"destination"`
	}
	var body bytes.Buffer
	writer := parquet.NewGenericWriter[flight](&body, parquet.MaxRowsPerRowGroup(10))
	if _, err := writer.Write(make([]flight, 45)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(body.Bytes()), int64(body.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for most, want := range map[int64][]int{1: {10, 10, 10, 10, 5}, 20: {20, 20, 5}, 29: {20, 25}, 45: {45}, 1000: {45}} {
		p := newProgress(io.Discard, time.Now, "flights")
		for range 2 { // a load that lost a race reads again
			var got []int
			for batch, err := range flightBatches(file, most, p) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, batch.Len)
				for _, c := range batch.Columns {
					if n := max(len(c.Ints), len(c.Ends)); n != batch.Len || c.Null != nil {
						t.Fatalf("column %s has %d rows of %d", c.Name, n, batch.Len)
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("at most %d rows (-want +got):\n%s", most, diff)
			}
		}
	}
}
