package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
)

// doomed names the folder in which a child process works until it is killed.
const doomed = "TARN_TEST_DOOMED"

func TestMain(m *testing.M) {
	if dir := os.Getenv(doomed); dir != "" {
		workUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// workers is how many goroutines of the child share its commits and syncs.
const workers = 4

// workUntilKilled stores numbers through every port and prints each one after it
// was acknowledged.
func workUntilKilled(dir string) {
	s, err := embedded.Open(dir, embedded.Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	run := time.Now().UnixNano()
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := 0; ; i++ {
				if err := storeEverywhere(s, fmt.Sprintf("%d-%d-%d", run, w, i)); err != nil {
					fmt.Println(err)
					os.Exit(1)
				}
			}
		})
	}
	all.Wait()
}

func storeEverywhere(s *embedded.Store, id string) error {
	ctx := context.Background()
	steps := []func() error{
		func() error {
			return s.Table().Commit(ctx, table.Put(table.Item{Key: table.Key{Partition: "p", Sort: id}}).If(table.Absent),
				table.Add(table.Key{Partition: "sum", Sort: "s"}, map[string]int64{"n": 1}, time.Time{}))
		},
		func() error { return s.Blob().Put(ctx, "b/"+id, []byte(id)) },
		func() error { _, err := s.Queue("q", 0).Send(ctx, []byte(id), 0); return err },
		func() error { _, err := s.Stream().Put(ctx, []stream.Entry{{Hash: 1, Data: []byte(id)}}); return err },
	}
	for port, step := range steps {
		if err := step(); err != nil {
			return err
		}
		fmt.Printf("%d %s\n", port, id) // one write, so whole or not there
	}
	return nil
}

func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes; run without -short")
	}
	dir := t.TempDir()
	var acknowledged [4]map[string]bool
	for port := range acknowledged {
		acknowledged[port] = map[string]bool{}
	}
	for range 5 {
		for _, line := range killAfter(t, dir, 200) {
			port, id, _ := strings.Cut(line, " ")
			n, err := strconv.Atoi(port)
			if err != nil {
				t.Fatalf("the child says: %s", line)
			}
			acknowledged[n][id] = true
		}
		s, err := embedded.Open(dir, embedded.Options{})
		if err != nil {
			t.Fatalf("Open after a kill: %v", err)
		}
		for port, found := range stored(t, s) {
			for id := range acknowledged[port] {
				if found[id] != 1 {
					t.Errorf("port %d: %s was acknowledged and is there %d times", port, id, found[id])
				}
			}
		}
		clear(acknowledged[2]) // they were taken from the queue to be counted
		if err := s.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
}

// killAfter starts the child, kills it after so many lines and returns all that it
// has printed.
func killAfter(t *testing.T, dir string, count int) []string {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), doomed+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var printed []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		printed = append(printed, lines.Text())
		if len(printed) == count {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait() // killed
	if len(printed) < count {
		t.Fatalf("the child ended by itself: %q", printed)
	}
	return printed
}

// stored counts what is there, by port and id. It empties the queue.
func stored(t *testing.T, s *embedded.Store) [4]map[string]int {
	t.Helper()
	found := [4]map[string]int{{}, {}, {}, {}}
	for q := (table.Query{Partition: "p"}); ; {
		page, err := s.Table().List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			found[0][item.Key.Sort]++
		}
		if q.Next = page.Next; q.Next == "" {
			break
		}
	}
	sum, err := s.Table().Get(t.Context(), table.Key{Partition: "sum", Sort: "s"})
	if err != nil || sum.Counters["n"] != int64(len(found[0])) {
		t.Errorf("the sum is %d (%v), the items are %d", sum.Counters["n"], err, len(found[0]))
	}
	for next := ""; ; {
		page, err := s.Blob().List(t.Context(), "b/", next, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Blobs {
			found[1][strings.TrimPrefix(b.Key, "b/")]++
		}
		if next = page.Next; next == "" {
			break
		}
	}
	for {
		got, err := s.Queue("q", 0).Receive(t.Context(), 10, time.Hour, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got {
			found[2][string(m.Body)]++
			if err := s.Queue("q", 0).Ack(t.Context(), m.Receipt); err != nil {
				t.Fatal(err)
			}
		}
		if len(got) == 0 {
			break
		}
	}
	var after stream.Sequence
	for {
		records, _, err := s.Stream().Read(t.Context(), "shard-000000", after, 1000, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			found[3][string(r.Data)]++
			after = r.Sequence
		}
		if len(records) == 0 {
			return found
		}
	}
}
