package streamtest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
)

var puts = map[string]func(*testing.T, stream.Stream){
	"a record comes back as it was put": func(t *testing.T, s stream.Stream) {
		for _, hash := range []stream.Hash{0, 1, 1 << 40, 1 << 63, math.MaxUint64} {
			m := mark()
			start := anchor(t, s, hash)
			data := []byte(m + "\x00\xff\r\n")
			place := put(t, s, stream.Entry{Hash: hash, Data: data})[0]
			got := collect(t, s, place.Shard, start.Sequence, m, 1)[0]
			if got.Hash != hash || !bytes.Equal(got.Data, data) || got.Sequence != place.Sequence {
				t.Errorf("put %x with %q at %s, got %+v", hash, data, place.Sequence, got)
			}
			if age := time.Since(got.Arrived).Abs(); age > 10*time.Minute {
				t.Errorf("arrived %v, which is %v off", got.Arrived, age)
			}
		}
	},
	"what a caller does to its data after the put changes nothing": func(t *testing.T, s stream.Stream) {
		m := mark()
		start := anchor(t, s, 5)
		data := []byte(m + "data")
		place := put(t, s, stream.Entry{Hash: 5, Data: data})[0]
		copy(data[len(m):], "xxxx")
		if got := texts(collect(t, s, place.Shard, start.Sequence, m, 1), m); got[0] != "data" {
			t.Errorf("data = %q", got[0])
		}
	},
	"each entry gets the place of the shard that holds its hash, in order": func(t *testing.T, s stream.Stream) {
		all := list(t, s)
		var entries []stream.Entry
		for i := range 64 {
			entries = append(entries, stream.Entry{Hash: stream.Hash(i) << 58, Data: []byte(mark())})
		}
		last := map[stream.ShardID]stream.Sequence{}
		for i, place := range put(t, s, entries...) {
			shard, known := all[place.Shard]
			if !known || shard.Closed || entries[i].Hash < shard.From || entries[i].Hash > shard.Through {
				t.Errorf("hash %x went to shard %+v", entries[i].Hash, shard)
			}
			if !place.Sequence.After(last[place.Shard]) {
				t.Errorf("sequence %q does not follow %q in shard %s", place.Sequence, last[place.Shard], place.Shard)
			}
			last[place.Shard] = place.Sequence
		}
	},
	"a sequence is a decimal number without leading zeros": func(t *testing.T, s stream.Stream) {
		seq := string(anchor(t, s, 0).Sequence)
		if seq == "" || strings.Trim(seq, "0123456789") != "" || seq[0] == '0' {
			t.Errorf("sequence %q", seq)
		}
	},
	"records of one shard keep the order in which they were put": func(t *testing.T, s stream.Stream) {
		m := mark()
		start := anchor(t, s, 7)
		var want []string
		var wanted []stream.Sequence
		for i := range 20 {
			var entries []stream.Entry
			for j := range 5 {
				want = append(want, fmt.Sprintf("%02d.%d", i, j))
				entries = append(entries, stream.Entry{Hash: 7, Data: []byte(m + want[len(want)-1])})
			}
			for _, place := range put(t, s, entries...) {
				wanted = append(wanted, place.Sequence)
			}
		}
		got := collect(t, s, start.Shard, start.Sequence, m, len(want))
		if diff := cmp.Diff(want, texts(got, m)); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		for i, r := range got {
			if r.Sequence != wanted[i] {
				t.Fatalf("record %d is at %s, Put said %s", i, r.Sequence, wanted[i])
			}
		}
	},
	"every record that was acknowledged is there once, however many put at the same time": func(t *testing.T, s stream.Stream) {
		m := mark()
		start := anchor(t, s, 9)
		var want []string
		var all sync.WaitGroup
		for writer := range 8 {
			for i := range 10 {
				want = append(want, fmt.Sprintf("%d.%02d", writer, i))
			}
			all.Go(func() {
				for i := range 10 {
					if _, err := store(t.Context(), s, stream.Entry{Hash: 9, Data: fmt.Appendf(nil, "%s%d.%02d", m, writer, i)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		got := texts(collect(t, s, start.Shard, start.Sequence, m, len(want)), m)
		for writer := range 8 {
			own := slices.DeleteFunc(slices.Clone(got), func(text string) bool { return text[0] != byte('0'+writer) })
			if !slices.IsSorted(own) {
				t.Errorf("records of writer %d out of order: %q", writer, own)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	},
}

var reads = map[string]func(*testing.T, stream.Stream){
	"reading again returns the same records": func(t *testing.T, s stream.Stream) {
		m := mark()
		start := anchor(t, s, 3)
		for i := range 5 {
			put(t, s, stream.Entry{Hash: 3, Data: []byte(m + fmt.Sprint(i))})
		}
		first := collect(t, s, start.Shard, start.Sequence, m, 5)
		again := collect(t, s, start.Shard, start.Sequence, m, 5)
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("records (-first +again):\n%s", diff)
		}
		rest := collect(t, s, start.Shard, first[1].Sequence, m, 3)
		if diff := cmp.Diff(first[2:], rest); diff != "" {
			t.Errorf("records after the second (-want +got):\n%s", diff)
		}
	},
	"the zero sequence precedes every record": func(t *testing.T, s stream.Stream) {
		m := mark()
		place := put(t, s, stream.Entry{Hash: 3, Data: []byte(m)})[0]
		collect(t, s, place.Shard, "", m, 1)
	},
	"a read returns at most limit records, and the rest follows": func(t *testing.T, s stream.Stream) {
		m := mark()
		start := anchor(t, s, 3)
		for i := range 5 {
			put(t, s, stream.Entry{Hash: 3, Data: []byte(m + fmt.Sprint(i))})
		}
		var got []string
		after := start.Sequence
		for deadline := time.Now().Add(patience); len(got) < 5 && time.Now().Before(deadline); {
			records, _ := read(t, s, start.Shard, after, 2, time.Second)
			if len(records) > 0 {
				after = records[len(records)-1].Sequence
			}
			got = append(got, texts(marked(records, m), m)...)
		}
		if diff := cmp.Diff([]string{"0", "1", "2", "3", "4"}, got); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	},
	"a read at the end of an open shard returns nothing and is not drained": func(t *testing.T, s stream.Stream) {
		start := anchor(t, s, 3)
		for _, wait := range []time.Duration{0, 50 * time.Millisecond} {
			m := mark()
			records, drained := read(t, s, start.Shard, start.Sequence, 10, wait)
			if len(marked(records, m)) > 0 || drained {
				t.Errorf("Read = %d records, drained %v", len(records), drained)
			}
		}
	},
	"a waiting read returns with the first record": func(t *testing.T, s stream.Stream) {
		m := mark()
		start := anchor(t, s, 3)
		var writer sync.WaitGroup
		began := time.Now()
		writer.Go(func() {
			if _, err := store(t.Context(), s, stream.Entry{Hash: 3, Data: []byte(m)}); err != nil {
				t.Error(err)
			}
		})
		records, _ := read(t, s, start.Shard, start.Sequence, 10, patience)
		writer.Wait()
		if len(records) == 0 {
			t.Error("Read returned nothing")
		}
		if waited := time.Since(began); waited > patience/2 {
			t.Errorf("Read returned after %v", waited)
		}
	},
	"a shard that there never was is NotFound": func(t *testing.T, s stream.Stream) {
		_, _, err := s.Read(t.Context(), "shardId-999999999999", "", 10, 0)
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("Read: %v, want NotFound", err)
		}
	},
}

var limits = map[string]func(*testing.T, stream.Stream){
	"a record of MaxRecord bytes is stored": func(t *testing.T, s stream.Stream) {
		m := mark()
		data := make([]byte, stream.MaxRecord)
		_, _ = rand.Read(data)
		copy(data, m)
		start := anchor(t, s, 3)
		put(t, s, stream.Entry{Hash: 3, Data: data})
		if got := collect(t, s, start.Shard, start.Sequence, m, 1)[0]; !bytes.Equal(got.Data, data) {
			t.Errorf("%d bytes that differ from those put", len(got.Data))
		}
	},
	"a larger record is refused": func(t *testing.T, s stream.Stream) {
		m := mark()
		start := anchor(t, s, 3)
		data := make([]byte, stream.MaxRecord+1)
		copy(data, m)
		if places, err := s.Put(t.Context(), []stream.Entry{{Hash: 3, Data: data}}); !refused(places, err) {
			t.Errorf("Put = %v, %v, want a refusal", places, err)
		}
		end := mark()
		put(t, s, stream.Entry{Hash: 3, Data: []byte(end)})
		collect(t, s, start.Shard, start.Sequence, m, 0)
	},
	"MaxPut records are one put, more are refused": func(t *testing.T, s stream.Stream) {
		m := mark()
		start := anchor(t, s, 3)
		entries := slices.Repeat([]stream.Entry{{Hash: 3, Data: []byte(m)}}, stream.MaxPut)
		put(t, s, entries...)
		collect(t, s, start.Shard, start.Sequence, m, stream.MaxPut)
		if places, err := s.Put(t.Context(), append(entries, entries[0])); !refused(places, err) {
			t.Errorf("Put = %d places, %v, want a refusal", len(places), err)
		}
	},
	"a put of more than MaxBytes bytes is refused": func(t *testing.T, s stream.Stream) {
		entries := slices.Repeat([]stream.Entry{{Hash: 3, Data: make([]byte, stream.MaxRecord)}}, stream.MaxBytes/stream.MaxRecord+1)
		if places, err := s.Put(t.Context(), entries); !refused(places, err) {
			t.Errorf("Put = %d places, %v, want a refusal", len(places), err)
		}
	},
}
