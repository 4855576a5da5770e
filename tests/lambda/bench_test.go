package lambda

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/route"
)

// BenchmarkStart measures each function's binary: its size, and the time from the
// start of the process until it asks for work, of which Lambda bills every
// millisecond. Nothing stands behind the settings: a function calls no service
// before it has an event.
func BenchmarkStart(b *testing.B) {
	settings := map[config.Var]string{
		config.Table: "t", config.Bucket: "b", config.Failures: "f", config.Copies: "c", config.Drops: "d", config.Stream: "s", config.Buckets: "16", config.Database: "tarn", config.Workgroup: "tarn", config.ScanBytes: "0",
		config.Queue: "https://sqs.us-east-1.amazonaws.com/1/hints", config.Unworked: "https://sqs.us-east-1.amazonaws.com/1/unworked",
		config.AlarmGroup: "tarn", config.AlarmFunction: "arn:aws:lambda:us-east-1:1:function:f", config.AlarmRole: "arn:aws:iam::1:role/r",
		config.UserPool: "us-east-1_p", config.Client: "c", config.Domain: "https://sign-in.example.com", config.Secrets: "tarn/test/", config.Scratch: b.TempDir(),
	}
	env := append(environment("bench", nil, settings), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x")
	for _, f := range route.Functions {
		b.Run(f.Name, func(b *testing.B) {
			program := build(b, f)
			info, err := os.Stat(program)
			if err != nil {
				b.Fatal(err)
			}
			var total time.Duration
			for b.Loop() {
				total += startUp(b, program, env)
			}
			b.ReportMetric(float64(total.Microseconds())/1000/float64(b.N), "ms/start")
			b.ReportMetric(float64(info.Size())/(1<<20), "MiB")
			b.ReportMetric(0, "ns/op") // which is as long as the kill takes
		})
	}
}

// startUp starts a program and ends it when it asks for work.
func startUp(b *testing.B, program string, env []string) time.Duration {
	s, err := newSandbox(program, env)
	if err != nil {
		b.Fatal(err)
	}
	defer s.kill()
	select {
	case <-s.ready:
		return s.startUp()
	case <-s.ended:
		b.Fatalf("it ended before it asked for work:\n%s", s.output)
	case <-time.After(time.Minute):
		b.Fatal("it did not ask for work within a minute")
	}
	return 0
}

// BenchmarkFreshness measures how long an event that was acknowledged takes until a
// query that waits for it counts it, with nothing else to do: the event source's
// window is part of that, and a stage's is the one that the consumer table names.
func BenchmarkFreshness(b *testing.B) {
	s := deploy(b)
	s.consume(b, s.functions["ingestor"].Invoke)
	s.create(b, "fresh")
	var waits []time.Duration
	for b.Loop() {
		status, header, text := s.call(b, s.Key, http.MethodPost, "/v1/datasets/fresh/events", batch(fmt.Sprint(len(waits)), 1))
		if status != http.StatusOK {
			b.Fatalf("answered %d %s", status, text)
		}
		acknowledged := time.Now()
		s.must(b, http.StatusOK, http.MethodPost, "/v1/query", fmt.Sprintf(`{"dataset":"fresh","measures":["count"],"wait_for":%q}`, header.Get("Tarn-Version")))
		waits = append(waits, time.Since(acknowledged))
	}
	slices.Sort(waits)
	b.ReportMetric(float64((waits[len(waits)/2] - window).Milliseconds()), "ms-after-window/median")
	b.ReportMetric(float64((waits[len(waits)*99/100] - window).Milliseconds()), "ms-after-window/p99")
	b.ReportMetric(0, "ns/op")
}
