package redrive

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/feed"
	"github.com/tarnhq/tarn/shared/stream"
)

const sampleKey = "aws/lambda/9f1c/shardId-000000000000/2026/11/29/2026-11-29T10.00.00-5d1f"

func TestAFailedBatchGoesBackAsItWasAndLeavesTheStore(t *testing.T) {
	failures, log := store{sampleKey: sample(t)}, &logged{}
	report, err := redriver(failures, log).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []stream.Entry{
		{Hash: 0x4000000000000000, Data: []byte("first record")},
		{Hash: 0xc000000000000000, Data: []byte("second record")},
	}
	if diff := cmp.Diff(want, log.entries); diff != "" {
		t.Errorf("put (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Report{Batches: 1, Records: 2}, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if len(failures) != 0 {
		t.Errorf("left behind: %v", failures)
	}
}

func TestThePayloadMayBeTextOrAnObject(t *testing.T) {
	for name, text := range map[string]string{
		"text":   `{"payload": "{\"Records\":[{\"kinesis\":{\"partitionKey\":\"01\",\"data\":\"eA==\"}}]}"}`,
		"object": `{"payload": {"Records":[{"kinesis":{"partitionKey":"01","data":"eA=="}}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			var batch failedBatch
			if err := json.Unmarshal([]byte(text), &batch); err != nil {
				t.Fatal(err)
			}
			got, err := decode(batch, hash)
			if diff := cmp.Diff([]stream.Entry{{Hash: 1, Data: []byte("x")}}, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestWhatIsNoFailedBatchStaysWhereItIs(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":              `oops`,
		"no payload":           `{"requestContext": {}}`,
		"no records":           `{"payload": "{}"}`,
		"no partition key":     `{"payload": {"Records":[{"kinesis":{"data":"eA=="}}]}}`,
		"data that is no text": `{"payload": {"Records":[{"kinesis":{"partitionKey":"01","data":"%"}}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			failures, log := store{folder + "a": text, folder + "b": batch("1")}, &logged{}
			report, err := redriver(failures, log).Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Report{Batches: 1, Records: 1, Unreadable: []string{folder + "a"}}, report); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
			if _, kept := failures[folder+"a"]; !kept {
				t.Error("it is gone")
			}
		})
	}
}

// ofFeed is what is left of a batch of a stream that others write.
func ofFeed(t *testing.T, sample string) string {
	t.Helper()
	text, err := os.ReadFile("../../events/samples/" + sample + ".json")
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return `{"requestContext": {"condition": "RetriesExhausted"}, "payload": ` + string(quoted) + `}`
}

func TestABatchOfAFeedIsTakenAgainAndNeverPutOnTheStreamAsItIs(t *testing.T) {
	orders := feed.Feed{Name: "orders"}
	for _, name := range []string{"kinesis-feed", "msk-batch", "kafka-batch"} {
		for outcome, c := range map[string]struct {
			read, take error
			left       int
			want       Report
		}{
			"taken":             {nil, nil, 0, Report{Batches: 1, Records: 2}},
			"not taken now":     {nil, fault.New(fault.Unavailable, "away", "away"), 1, Report{}},
			"of a feed no more": {errors.New("no feed"), nil, 1, Report{Unreadable: []string{sampleKey}}},
		} {
			failures, log := store{sampleKey: ofFeed(t, name)}, &logged{}
			r := redriver(failures, log)
			r.ReadFeed = func(payload []byte) (feed.Feed, []feed.Record, error) {
				if want, _ := os.ReadFile("../../events/samples/" + name + ".json"); !bytes.Equal(want, payload) {
					t.Errorf("%s: the event is another", name)
				}
				if c.read != nil {
					return feed.Feed{}, nil, c.read
				}
				return orders, make([]feed.Record, 2), nil
			}
			r.Take = func(_ context.Context, f feed.Feed, records []feed.Record) (int, error) { return 0, c.take }
			report, err := r.Run(t.Context())
			if diff := cmp.Diff(c.want, report); diff != "" || !errors.Is(err, c.take) || len(failures) != c.left || len(log.entries) != 0 {
				t.Errorf("%s, %s: %v, %d left, %d on the stream (-want +got):\n%s", name, outcome, err, len(failures), len(log.entries), diff)
			}
		}
	}
}

func TestRecordsThatTheStreamRefusesArePutAgainAndNoOthers(t *testing.T) {
	failures, log := store{sampleKey: sample(t)}, &logged{refuse: []int{1}}
	if _, err := redriver(failures, log).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := texts(log.entries); !slices.Equal(got, []string{"first record", "second record"}) {
		t.Errorf("put %q", got)
	}
	if log.puts != 2 {
		t.Errorf("%d puts, want 2", log.puts)
	}
}

func TestABatchStaysUntilAllOfItIsBack(t *testing.T) {
	throttled := fault.New(fault.Throttled, "stream", "later")
	for name, log := range map[string]*logged{
		"the stream refuses every record": {refuse: []int{2, 2}},
		"the put fails":                   {fail: throttled},
	} {
		t.Run(name, func(t *testing.T) {
			failures := store{sampleKey: sample(t)}
			_, err := redriver(failures, log).Run(t.Context())
			if fault.KindOf(err) != fault.Throttled {
				t.Errorf("error %v, want Throttled", err)
			}
			if len(failures) != 1 {
				t.Error("the batch is gone")
			}
		})
	}
}

func TestARunEndsBeforeItsTimeDoesAndSaysSo(t *testing.T) {
	now := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	ctx, cancel := context.WithDeadline(t.Context(), now.Add(reserve-time.Second))
	defer cancel()
	failures := store{sampleKey: sample(t)}
	r := redriver(failures, &logged{})
	r.Now = func() time.Time { return now }
	report, err := r.Run(ctx)
	if err != nil || !report.More || len(failures) != 1 {
		t.Errorf("report %+v, error %v, %d batches left", report, err, len(failures))
	}
}

func TestEveryPageOfBatchesIsRead(t *testing.T) {
	failures, log := store{}, &logged{}
	for i := range 2*pageSize + 1 {
		failures[fmt.Sprintf("%s%04d", folder, i)] = batch(strconv.Itoa(i))
	}
	report, err := redriver(failures, log).Run(t.Context())
	if err != nil || report.Batches != 2*pageSize+1 || len(failures) != 0 {
		t.Errorf("report %+v, error %v, %d batches left", report, err, len(failures))
	}
}

func TestPutsKeepTheStreamsLimits(t *testing.T) {
	small := make([]stream.Entry, 2*stream.MaxPut+1)
	const fit = stream.MaxBytes / stream.MaxRecord
	large := make([]stream.Entry, 2*fit+1)
	for i := range large {
		large[i].Data = make([]byte, stream.MaxRecord)
	}
	for name, c := range map[string]struct {
		entries []stream.Entry
		want    []int
	}{
		"nothing":       {nil, nil},
		"many entries":  {small, []int{stream.MaxPut, stream.MaxPut, 1}},
		"large entries": {large, []int{fit, fit, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []int
			for _, put := range puts(c.entries) {
				got = append(got, len(put))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(batch("1")))
	f.Add([]byte(`{"payload": {"Records":[{"kinesis":{"partitionKey":"01","data":"eA=="}}]}}`))
	f.Add([]byte(`{"payload": "\"\""}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var b failedBatch
		if json.Unmarshal(text, &b) != nil || b.Payload.foreign("events") {
			return
		}
		if entries, err := decode(b, hash); err == nil && len(entries) == 0 {
			t.Error("neither records nor an error")
		}
	})
}

func sample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/failed_batch.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func batch(data string) string {
	return fmt.Sprintf(`{"payload": "{\"Records\":[{\"kinesis\":{\"partitionKey\":\"01\",\"data\":\"%s\"}}]}"}`,
		base64.StdEncoding.EncodeToString([]byte(data)))
}

func redriver(failures store, log *logged) Redriver {
	return Redriver{Failures: failures, Stream: log, Hash: hash, Now: time.Now, Own: "events"}
}

func hash(partitionKey string) stream.Hash {
	n, _ := strconv.ParseUint(partitionKey, 16, 64)
	return stream.Hash(n)
}

func texts(entries []stream.Entry) []string {
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = string(e.Data)
	}
	return out
}

// store keeps texts.
type store map[string]string

func (s store) List(_ context.Context, prefix, next string, limit int) (blob.Page, error) {
	var keys []string
	for key := range s {
		if strings.HasPrefix(key, prefix) && key > next {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	page := blob.Page{}
	for i, key := range keys {
		if i == limit {
			page.Next = page.Blobs[i-1].Key
			break
		}
		page.Blobs = append(page.Blobs, blob.Info{Key: key})
	}
	return page, nil
}

func (s store) Get(_ context.Context, key string, _, _ int64) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(s[key])), nil
}

func (s store) Delete(_ context.Context, key string) error {
	delete(s, key)
	return nil
}

// logged is a stream that notes what it takes.
type logged struct {
	entries []stream.Entry
	puts    int
	refuse  []int // of each put, the number of entries at the end that are refused
	fail    error // of the whole put
}

func (l *logged) Put(_ context.Context, entries []stream.Entry) ([]stream.Place, error) {
	if l.fail != nil {
		return nil, l.fail
	}
	refused := 0
	if l.puts < len(l.refuse) {
		refused = l.refuse[l.puts]
	}
	l.puts++
	places := make([]stream.Place, len(entries))
	for i, e := range entries {
		if i >= len(entries)-refused {
			places[i].Err = fault.New(fault.Throttled, "stream", "later")
			continue
		}
		l.entries = append(l.entries, stream.Entry{Hash: e.Hash, Data: bytes.Clone(e.Data)})
	}
	return places, nil
}
