package tabular

import (
	"context"
	"io"
	"runtime"
	"strings"
	"testing"
)

// endless is a file that repeats a text, as long as it is said to be.
type endless struct {
	head, repeated string
	size           int64
}

func (e endless) Size() int64 { return e.size }

func (e endless) Open(_ context.Context, offset, length int64) (io.ReadCloser, error) {
	if length < 0 {
		length = e.size - offset
	}
	return io.NopCloser(io.LimitReader(&repeater{e, offset}, length)), nil
}

type repeater struct {
	endless
	at int64
}

func (r *repeater) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		from := r.repeated
		if r.at < int64(len(r.head)) {
			from = r.head[r.at:]
		} else {
			from = from[(r.at-int64(len(r.head)))%int64(len(from)):]
		}
		copied := copy(p[n:], from)
		n, r.at = n+copied, r.at+int64(copied)
	}
	return n, nil
}

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	const size, most = 192 << 20, 192 << 20
	part := int64(size / 5)
	if testing.Short() { // what takes as much memory as it has bytes stays whole
		part /= 4
	}
	for claim, file := range map[string]endless{
		"CSV":               {"id,at,name,value\n", "123456,2024-01-02T03:04:05Z,\"some, text\",1.25\n", size},
		"NDJSON":            {"", "{\"id\":123456,\"name\":\"some text\",\"value\":1.25}\n", part},
		"JSON":              {"[", "{\"id\":123456,\"name\":\"some text\",\"value\":1.25},\n", part},
		"bad records alone": {"a,b\n", "1,2,3\n", part / 6},
		"long texts":        {"a,b\n", "1," + strings.Repeat("x", 10_000) + "\n", size},
		"blank lines":       {"a,b\n", "\n", part},
	} {
		t.Run(claim, func(t *testing.T) {
			r, err := Open(t.Context(), file, Options{}, nil)
			check(t, err)
			before, rows, peak := heap(), 0, uint64(0)
			for {
				part, err := r.Next(t.Context())
				if err == io.EOF {
					break
				}
				check(t, err)
				if n := part.Rows.Size(); n > partLimits.bytes+maxRecord {
					t.Fatalf("a part has %d bytes", n)
				}
				rows += part.Rows.Len + len(part.Bad)
				peak = max(peak, heap())
				runtime.KeepAlive(part)
			}
			t.Logf("%d MiB at most", (int64(peak)-int64(before))>>20)
			if peak > before+most {
				t.Errorf("%d MiB are in use", (peak-before)>>20)
			}
			if claim != "blank lines" && int64(rows) < file.size/int64(len(file.repeated))-1 {
				t.Errorf("%d records", rows)
			}
		})
	}
}

// heap is the memory in use. Garbage depends on when the collector runs.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
