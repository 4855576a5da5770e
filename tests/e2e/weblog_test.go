package e2e

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// weblog is a file of real requests, kept beside the checkout.
var weblog = filepath.Join(root, "..", "shared", "data", "weblog", "access.log")

// counting is the other way to each number: a program of awk over the file itself.
// Each prints "key<TAB>number". A bucket begins at a full hour of a zone whose clock
// is ahead of UTC by a number of minutes; the file is of one month.
var counting = map[string]string{
	"total":        `END { print "all\t" NR }`,
	"by status":    `{ n[$9]++ } END { for (k in n) print k "\t" n[k] }`,
	"by method":    `{ sub(/"/, "", $6); n[$6]++ } END { for (k in n) print k "\t" n[k] }`,
	"by path":      `{ n[$7]++ } END { for (k in n) print k "\t" n[k] }`,
	"bytes":        `$10 != "-" { n += $10 } END { printf "all\t%.0f\n", n }`,
	"distinct ips": `!seen[$1]++ { n++ } END { print "all\t" n }`,
	"bytes by status": `{ s[$9] += 0 } $10 != "-" { s[$9] += $10; has[$9] = 1 }
		END { for (k in s) if (has[k]) printf "%s\t%.0f\n", k, s[k]; else print k "\t<nil>" }`,
	"by hour": `{ split($4, t, /[\/:[]/); m = (t[2] * 24 + t[5]) * 60 + t[6] + ahead; m = m - m % 60 - ahead
		n[sprintf("2015-05-%02dT%02d:%02d:00Z", m / 1440, m / 60 % 24, m % 60)]++ }
		END { for (k in n) print k "\t" n[k] }`,
}

// TestWeblog sends ten thousand real requests three times over, each time packed in
// another way, and after each time every number equals awk's.
func TestWeblog(t *testing.T) {
	lines := readWeblog(t)
	data := t.TempDir()
	p := start(t, data)
	p.create(t, "web")
	for i, round := range []struct {
		size int
		pack func([]map[string]any) (http.Header, []byte)
	}{{1, array}, {7, ndjson}, {1000, gzipped}} {
		sendAll(t, p.client, lines, round.size, round.pack)
		l := p.settled(t, "web", int64((i+1)*len(lines)))
		compare(t, p.client)
		if want := int64(len(lines)); l.Visible != want || l.Duplicate != int64(i)*want || l.Pending != 0 || l.Quarantined != 0 {
			t.Errorf("after batches of %d the ledger has %+v", round.size, l)
		}
		p.stop(t) // seals, so that the next round meets the files
		p = start(t, data)
	}
	compare(t, p.client)
}

var requestLine = regexp.MustCompile(`^(\S+) \S+ \S+ \[([^]]+)\] "(\S+) (\S+)[^"]*" (\d+) (\d+|-) "([^"]*)" "([^"]*)`)

func readWeblog(t *testing.T) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(weblog)
	if err != nil {
		t.Skip("NOT TESTED: real web requests; to enable it: put the file at " + weblog) // no package has it, so no machine can be asked to
	}
	var lines []map[string]any
	for line := range strings.Lines(string(text)) {
		f := requestLine.FindStringSubmatch(line)
		at, err := time.Parse("02/Jan/2006:15:04:05 -0700", f[2])
		if err != nil {
			t.Fatal(err)
		}
		status, _ := strconv.Atoi(f[5])
		properties := map[string]any{"method": f[3], "path": f[4], "status": status, "agent": f[8]}
		if n, err := strconv.Atoi(f[6]); err == nil {
			properties["bytes"] = n
		}
		lines = append(lines, map[string]any{"event_id": fmt.Sprintf("line-%d", len(lines)+1), "event": "request", "time": at, "user_id": f[1], "properties": properties})
	}
	return lines
}

func array(batch []map[string]any) (http.Header, []byte) {
	text, _ := json.Marshal(batch) // plain data
	return http.Header{"Content-Type": {"application/json"}}, text
}

func ndjson(batch []map[string]any) (http.Header, []byte) {
	var text bytes.Buffer
	for _, event := range batch {
		_ = json.NewEncoder(&text).Encode(event)
	}
	return http.Header{"Content-Type": {"application/x-ndjson"}}, text.Bytes()
}

func gzipped(batch []map[string]any) (http.Header, []byte) {
	header, plain := array(batch)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(plain) // memory takes everything
	_ = w.Close()
	header.Set("Content-Encoding", "gzip")
	return header, packed.Bytes()
}

// sendAll sends the lines from several connections.
func sendAll(t *testing.T, c client, lines []map[string]any, size int, pack func([]map[string]any) (http.Header, []byte)) {
	t.Helper()
	batches := make(chan []map[string]any)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for batch := range batches {
				header, body := pack(batch)
				a, err := c.do(t.Context(), http.MethodPost, "/v1/datasets/web/events", header, body)
				if err != nil || a.status != http.StatusOK || !bytes.HasPrefix(a.body, fmt.Appendf(nil, `{"accepted":%d,`, len(batch))) {
					t.Errorf("%v %d %.200s", err, a.status, a.body)
				}
			}
		})
	}
	for batch := range slices.Chunk(lines, size) {
		batches <- batch
	}
	close(batches)
	all.Wait()
}

// compare asks for every number in Tarn's way and in awk's.
func compare(t *testing.T, c client) {
	t.Helper()
	ask := func(more map[string]any) map[string]string {
		question := map[string]any{"dataset": "web", "measures": []any{"count"}, "limit": 100_000}
		maps.Copy(question, more)
		return c.counts(t, question)
	}
	one := func(measure any) map[string]string {
		rows := c.rows(t, map[string]any{"dataset": "web", "measures": []any{measure}})
		return map[string]string{"all": fmt.Sprint(rows[0][0])}
	}
	hours := func(zone string) map[string]string {
		return ask(map[string]any{"time": map[string]any{"grain": "hour", "zone": zone}})
	}
	sum := map[string]any{"op": "sum", "column": "bytes"}
	for _, x := range []struct {
		name  string
		ahead int
		got   map[string]string
	}{
		{"total", 0, one("count")},
		{"bytes", 0, one(sum)},
		{"distinct ips", 0, one(map[string]any{"op": "count_distinct", "column": "user_id"})},
		{"by status", 0, ask(map[string]any{"dimensions": []any{"status"}})},
		{"by method", 0, ask(map[string]any{"dimensions": []any{"method"}})},
		{"by path", 0, ask(map[string]any{"dimensions": []any{"path"}})},
		{"bytes by status", 0, ask(map[string]any{"dimensions": []any{"status"}, "measures": []any{sum}})},
		{"by hour", 0, hours("UTC")},
		{"by hour", 120, hours("Europe/Zurich")},
		{"by hour", 345, hours("Asia/Kathmandu")},
	} {
		if diff := gocmp.Diff(awk(t, x.name, x.ahead), x.got); diff != "" {
			t.Errorf("%s, %d minutes ahead of UTC, awk (-) and Tarn (+):\n%s", x.name, x.ahead, diff)
		}
	}
	topPaths(t, c)
}

// topPaths checks the order and the limit of an answer.
func topPaths(t *testing.T, c client) {
	t.Helper()
	all := awk(t, "by path", 0)
	want := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		x, _ := strconv.Atoi(all[a])
		y, _ := strconv.Atoi(all[b])
		return cmp.Or(cmp.Compare(y, x), cmp.Compare(a, b))
	})[:20]
	var got []string
	var out struct {
		Rows [][]any `json:"rows"`
	}
	c.call(t, http.MethodPost, "/v1/query", map[string]any{"dataset": "web", "measures": []any{"count"}, "dimensions": []any{"path"}, "limit": 20,
		"order": []any{map[string]any{"by": "count", "desc": true}, map[string]any{"by": "path"}}}, &out)
	for _, row := range out.Rows {
		got = append(got, row[0].(string))
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("top paths, awk (-) and Tarn (+):\n%s", diff)
	}
}

func awk(t *testing.T, what string, ahead int) map[string]string {
	t.Helper()
	out, err := exec.Command("awk", "-v", fmt.Sprintf("ahead=%d", ahead), counting[what], weblog).Output()
	if err != nil {
		t.Fatalf("awk, %s: %v", what, err)
	}
	counts := map[string]string{}
	for line := range strings.Lines(string(out)) {
		key, n, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		counts[key] = n
	}
	return counts
}
