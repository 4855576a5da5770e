package aws

import (
	"crypto/md5"
	"encoding/binary"
	"math/big"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
)

var entries = []stream.Entry{{Hash: 1, Data: []byte("a")}, {Hash: 2, Data: []byte("b")}, {Hash: 3}}

func TestRecordsWhosePlacesWereLostAreNotPutAgain(t *testing.T) {
	for name, a := range map[string]answer{"cut": lost, "failure": refuse(500, "InternalFailure"), "no service": reply(503, "")} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, a)
			places, err := s.account().Stream("s").Put(t.Context(), entries)
			wantKind(t, err, fault.Unavailable)
			if places != nil {
				t.Errorf("places %v", places)
			}
			s.wants(t, 1)
		})
	}
}

func TestAPutThatWasRefusedAsAWholeIsRepeated(t *testing.T) {
	s := serve(t, refuse(400, "ProvisionedThroughputExceededException"), refuse(400, "KMSThrottlingException"))
	_, err := s.account().Stream("s").Put(t.Context(), entries)
	wantKind(t, err, fault.Throttled)
	s.wants(t, 2)
}

func TestEachEntryHasItsOwnOutcome(t *testing.T) {
	s := serve(t, reply(200, `{"FailedRecordCount":2,"Records":[
		{"ErrorCode":"ProvisionedThroughputExceededException","ErrorMessage":"m"},
		{"ShardId":"shardId-000000000001","SequenceNumber":"49"},
		{"ErrorCode":"InternalFailure","ErrorMessage":"m"}]}`))
	places, err := s.account().Stream("s").Put(t.Context(), entries)
	if err != nil || len(places) != 3 {
		t.Fatalf("%v, %v", places, err)
	}
	wantKind(t, places[0].Err, fault.Throttled)
	if want := (stream.Place{Shard: "shardId-000000000001", Sequence: "49"}); places[1] != want {
		t.Errorf("second place %+v, want %+v", places[1], want)
	}
	wantKind(t, places[2].Err, fault.Unavailable)
	s.wants(t, 1)
}

func TestAnAnswerWithAPlaceTooFewLeavesAllUnknown(t *testing.T) {
	s := serve(t, reply(200, `{"Records":[{"ShardId":"shardId-000000000001","SequenceNumber":"49"}]}`))
	_, err := s.account().Stream("s").Put(t.Context(), entries)
	wantKind(t, err, fault.Unavailable)
}

const iterator = `{"ShardIterator":"i"}`

func TestASequenceThatHasExpiredIsNotFound(t *testing.T) {
	for name, answers := range map[string][]answer{
		"and records follow": {reply(200, iterator), reply(200, `{"NextShardIterator":"i","Records":[{"SequenceNumber":"50","Data":"YQ==","PartitionKey":"k"}]}`)},
		"and it is refused":  {refuse(400, "InvalidArgumentException")},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := serve(t, answers...).account().Stream("s").Read(t.Context(), "shardId-000000000000", "49", 10, 0)
			wantKind(t, err, fault.NotFound)
		})
	}
}

func TestAReadGoesOnThroughEmptyAnswersUntilItIsUpToDate(t *testing.T) {
	s := serve(t, reply(200, iterator),
		reply(200, `{"NextShardIterator":"i","Records":[],"MillisBehindLatest":9}`),
		reply(200, `{"NextShardIterator":"i","Records":[{"SequenceNumber":"49","Data":"YQ==","PartitionKey":"k"}],"MillisBehindLatest":8}`),
		reply(200, `{"NextShardIterator":"i","Records":[],"MillisBehindLatest":7}`),
		reply(200, `{"Records":[{"SequenceNumber":"50","Data":"Yg==","PartitionKey":"0000000000000007","ApproximateArrivalTimestamp":1.5}]}`))
	records, drained, err := s.account().Stream("s").Read(t.Context(), "shardId-000000000000", "49", 10, 0)
	if err != nil || !drained {
		t.Fatalf("%v, drained %v", err, drained)
	}
	want := []stream.Record{{Sequence: "50", Hash: 7, Data: []byte("b"), Arrived: time.UnixMilli(1500).UTC()}}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestAShardWhoseParentsHaveExpiredHasNone(t *testing.T) {
	all := &types.HashKeyRange{StartingHashKey: sdk.String("0"), EndingHashKey: sdk.String("1")}
	shards, err := shardsOf([]types.Shard{
		{ShardId: sdk.String("b"), HashKeyRange: all, ParentShardId: sdk.String("a"), AdjacentParentShardId: sdk.String("x")},
		{ShardId: sdk.String("a"), HashKeyRange: all, SequenceNumberRange: &types.SequenceNumberRange{EndingSequenceNumber: sdk.String("9")}},
	})
	want := []stream.Shard{{ID: "b", Parents: []stream.ShardID{"a"}}, {ID: "a", Closed: true}}
	if diff := cmp.Diff(want, shards); err != nil || diff != "" {
		t.Errorf("%v, shards (-want +got):\n%s", err, diff)
	}
}

func TestAShardsRangeHoldsTheHashesWhoseKeysItTakes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		key := func(name string) *big.Int {
			high := new(big.Int).SetUint64(rapid.Uint64().Draw(r, name))
			return high.Lsh(high, 64).Add(high, new(big.Int).SetUint64(rapid.SampledFrom([]uint64{0, 1, 1<<64 - 1}).Draw(r, name+" rest")))
		}
		low, high := key("low"), key("high")
		from, through, err := hashRange(&types.HashKeyRange{StartingHashKey: sdk.String(low.String()), EndingHashKey: sdk.String(high.String())})
		if err != nil {
			r.Fatal(err)
		}
		h := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{uint64(from), uint64(through)})).Draw(r, "hash")
		own, ok := new(big.Int).SetString(*hashKey(stream.Hash(h)), 10)
		if !ok {
			r.Fatal("the hash key is no number")
		}
		overflow := from == 0 && low.BitLen() > 64 // no hash's key is at or above low
		got := stream.Hash(h) >= from && stream.Hash(h) <= through && !overflow
		if want := own.Cmp(low) >= 0 && own.Cmp(high) <= 0; got != want {
			r.Fatalf("%x in [%x, %x] is %v, its key %s in [%s, %s] is %v", h, from, through, got, own, low, high, want)
		}
	})
}

func TestAHashSurvivesItsPartitionKey(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := stream.Hash(rapid.Uint64().Draw(r, "hash"))
		if got := HashOf(*partitionKey(h)); got != h {
			r.Fatalf("%x came back as %x", h, got)
		}
	})
}

func TestAForeignPartitionKeyCountsByItsMD5Sum(t *testing.T) {
	for _, key := range []string{"user-1", "", "12", "00000000000000000000000000000001"} {
		sum := md5.Sum([]byte(key))
		if got, want := HashOf(key), stream.Hash(binary.BigEndian.Uint64(sum[:])); got != want {
			t.Errorf("HashOf(%q) = %x, want %x", key, got, want)
		}
	}
}
