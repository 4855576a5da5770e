package tabular_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/tarnhq/tarn/shared/tabular"
)

const benchRows = 1_500_000

// flights writes about 120 MB such as an airline's records are: ints, floats, times and
// short texts, some quoted.
func flights(b *testing.B) string {
	b.Helper()
	name := filepath.Join(b.TempDir(), "flights.csv")
	file, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	w := bufio.NewWriter(file)
	random := rand.New(rand.NewPCG(1, 2))
	fmt.Fprintln(w, "id,departed,origin,destination,delay,distance,fare,on_time,note")
	for i := range benchRows {
		day := time.Date(2024, 1, 1, 0, 0, i*20, 0, time.UTC)
		note := "on schedule"
		if i%20 == 0 {
			note = `"late, ""crew"" missing"`
		}
		fmt.Fprintf(w, "%d,%s,%s,%s,%d,%d,%.2f,%t,%s\n", i, day.Format("2006-01-02 15:04:05"),
			[]string{"ZRH", "JFK", "LHR"}[i%3], []string{"SFO", "NRT", "GVA", "CDG"}[i%4],
			random.IntN(200)-20, random.IntN(9000), random.Float64()*900, i%7 > 0, note)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	return name
}

// processorTime is what this process has used: wall time lies on a shared machine.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// measure reports the megabytes that a second of processor time reads.
func measure(b *testing.B, name string, read func() int64) {
	info, err := os.Stat(name)
	if err != nil {
		b.Fatal(err)
	}
	begin := processorTime(b)
	for b.Loop() {
		if n := read(); n != benchRows {
			b.Fatalf("%d rows", n)
		}
	}
	used := (processorTime(b) - begin).Seconds()
	b.ReportMetric(float64(b.N)*float64(info.Size())/1e6/used, "MB/cpu-s")
	b.ReportMetric(float64(b.N)*benchRows/used, "rows/cpu-s")
}

func BenchmarkCSV(b *testing.B) {
	name := flights(b)
	b.Run("tabular", func(b *testing.B) {
		measure(b, name, func() int64 { return readRows(b, name) })
	})
	b.Run("duckdb", func(b *testing.B) {
		db, err := sql.Open("duckdb", "?threads=1")
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		measure(b, name, func() int64 {
			var n int64
			all := `select (count(id) + 0*(sum(length(departed::text)) + sum(length(origin)) + sum(length(destination)) + sum(delay) + sum(distance) + sum(fare) + sum(on_time::int) + sum(length(note))))::bigint from read_csv(?)`
			if err := db.QueryRow(all, name).Scan(&n); err != nil {
				b.Fatal(err)
			}
			return n
		})
	})
	b.Run("duckdb into a table", func(b *testing.B) {
		db, err := sql.Open("duckdb", "?threads=1")
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		measure(b, name, func() int64 {
			if _, err := db.Exec(`create or replace temp table t as select * from read_csv(?)`, name); err != nil {
				b.Fatal(err)
			}
			var n int64
			if err := db.QueryRow(`select count(*) from t`).Scan(&n); err != nil {
				b.Fatal(err)
			}
			return n
		})
	})
}

func readRows(b *testing.B, name string) (n int64) {
	ctx := context.Background()
	file, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		b.Fatal(err)
	}
	r, err := tabular.Open(ctx, tabular.FromReaderAt(file, info.Size()), tabular.Options{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	for {
		part, err := r.Next(ctx)
		if err == io.EOF {
			return n
		}
		if err != nil {
			b.Fatal(err)
		}
		n += int64(part.Rows.Len)
	}
}
