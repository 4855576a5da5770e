package demo_test

import (
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/tarnhq/tarn/functions/local/demo"
	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/ingest"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/manifest"
)

// BenchmarkLoad loads the real data into an empty data folder.
func BenchmarkLoad(b *testing.B) {
	const dir = "../../../node_modules/vega-datasets"
	if _, err := os.Stat(dir); err != nil {
		b.Skipf("%v: `npm ci` installs it", err)
	}
	begin := processorTime(b)
	for b.Loop() {
		store, err := embedded.Open(b.TempDir(), embedded.Options{Now: time.Now, Shards: 1})
		if err != nil {
			b.Fatal(err)
		}
		meta := manifest.Store{Table: store.Table(), Blobs: store.Blob(), Now: time.Now}
		d := demo.Deps{
			Tenant: owner, Catalog: dataset.Catalog{Table: store.Table(), Now: time.Now}, Loader: load.Loader{Manifest: meta},
			Producer: ingest.NewProducer(ingest.Options{ID: 1, Stream: store.Stream(), Buckets: 1}),
		}
		if err := demo.Load(b.Context(), d, dir, io.Discard); err != nil {
			b.Fatal(err)
		}
		found, err := d.Catalog.Get(b.Context(), owner, "flights")
		if err != nil {
			b.Fatal(err)
		}
		st, err := meta.Load(b.Context(), owner, found.ID)
		if err != nil || st.Visible() != 3_000_000 {
			b.Fatalf("%d flights (%v)", st.Visible(), err)
		}
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((processorTime(b)-begin).Seconds()/float64(b.N), "cpu-s/load")
}

// processorTime is what this process has used: wall time lies on a shared machine.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
