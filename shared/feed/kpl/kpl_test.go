package kpl

import (
	"bytes"
	"crypto/md5"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

// sealed makes a record of a message.
func sealed(message []byte) []byte {
	sum := md5.Sum(message)
	return bytes.Join([][]byte{magic, message, sum[:]}, nil)
}

// pack writes user records as the library does.
func pack(user [][]byte) []byte {
	var m []byte
	m = protowire.AppendTag(m, 1, protowire.BytesType)
	m = protowire.AppendString(m, "key")
	m = protowire.AppendTag(m, 2, protowire.BytesType)
	m = protowire.AppendString(m, "339606600942967391854603552402021847292")
	for _, data := range user {
		var r []byte
		r = protowire.AppendTag(r, 1, protowire.VarintType)
		r = protowire.AppendVarint(r, 0)
		r = protowire.AppendTag(r, 3, protowire.BytesType)
		r = protowire.AppendBytes(r, data)
		m = protowire.AppendTag(m, 3, protowire.BytesType)
		m = protowire.AppendBytes(m, r)
	}
	return sealed(m)
}

func TestWhatWasPackedComesOutInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		user := rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(t, "user")
		got, packed := Split(pack(user))
		if !packed || len(got) != len(user) {
			t.Fatalf("%d came out of %d, packed %v", len(got), len(user), packed)
		}
		for i := range user {
			if !bytes.Equal(user[i], got[i]) {
				t.Fatalf("record %d: %x, want %x", i, got[i], user[i])
			}
		}
	})
}

func TestARecordIsPlainUnlessAllOfItIsRight(t *testing.T) {
	whole := pack([][]byte{[]byte(`{"event":"a"}`), []byte(`{"event":"b"}`)})
	other := bytes.Clone(whole)
	other[len(other)-1]++
	changed := bytes.Clone(whole)
	changed[10]++
	for name, record := range map[string][]byte{
		"nothing":                      nil,
		"JSON":                         []byte(`{"event":"a"}`),
		"the magic alone":              magic,
		"the magic and JSON":           append(bytes.Clone(magic), `{"event":"a","event_id":"0123456789"}`...),
		"another digest":               other,
		"a changed message":            changed,
		"a record that was cut":        whole[:len(whole)-1],
		"a digest of what is no proto": sealed([]byte{0xff, 0xff}),
		"a user record without data":   sealed([]byte{3<<3 | 2, 2, 1 << 3, 0}),
		"a user record that is cut":    sealed([]byte{3<<3 | 2, 3, 3<<3 | 2, 9, 'x'}),
	} {
		if got, packed := Split(record); packed || got != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got, packed := Split(sealed(nil)); !packed || len(got) != 0 {
		t.Errorf("a packed record of nothing: %q, %v", got, packed)
	}
}

// TestTheRecordOfARealProducerIsTakenApart reads what aws-kinesis-agg 4.2.8 from npm wrote
// of the texts beside it.
func TestTheRecordOfARealProducerIsTakenApart(t *testing.T) {
	record, err := os.ReadFile("testdata/aws-kinesis-agg.bin")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/aws-kinesis-agg.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	user, packed := Split(record)
	if !packed {
		t.Fatal("it is not recognized")
	}
	var got []string
	for _, data := range user {
		got = append(got, string(data))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzSplit holds what is taken apart to what package md5 and the bytes themselves say.
func FuzzSplit(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{3<<3 | 2, 3, 3<<3 | 2, 1, 'x'})
	f.Add(pack([][]byte{[]byte("a"), nil})[4:20])
	f.Fuzz(func(t *testing.T, message []byte) {
		if user, packed := Split(message); packed && !bytes.HasPrefix(message, magic) {
			t.Fatalf("%x is taken for packed: %q", message, user)
		}
		user, packed := Split(sealed(message))
		if !packed {
			return
		}
		total := 0
		for _, data := range user {
			total += len(data)
			if !bytes.Contains(message, data) {
				t.Fatalf("%x is not in the message", data)
			}
		}
		if total > len(message) {
			t.Fatalf("%d bytes came out of %d", total, len(message))
		}
		again, packed := Split(pack(user))
		if !packed || !cmp.Equal(user, again, cmp.Comparer(bytes.Equal)) {
			t.Fatalf("packed anew it is %q, was %q", again, user)
		}
	})
}
