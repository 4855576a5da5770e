package aws

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

var (
	put    = table.Put(table.Item{Key: anyKey})
	other  = table.Put(table.Item{Key: table.Key{Partition: "p", Sort: "t"}})
	add    = table.Add(anyKey, map[string]int64{"n": 1}, time.Time{})
	remove = table.Delete(anyKey)
)

func cancelled(codes ...string) answer {
	var reasons []map[string]string
	for _, code := range codes {
		reasons = append(reasons, map[string]string{"Code": code})
	}
	body, err := json.Marshal(map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "CancellationReasons": reasons})
	if err != nil {
		panic(err)
	}
	return reply(400, string(body))
}

func TestAWriteWhoseAnswerWasLostIsNotRepeated(t *testing.T) {
	for name, w := range map[string]table.Write{
		"a put": put, "a conditional put": put.If(table.Absent), "a removal": remove, "an addition": add,
	} {
		for trouble, a := range map[string]answer{"cut": lost, "failure": refuse(500, "InternalServerError"), "no service": reply(503, "")} {
			t.Run(name+", "+trouble, func(t *testing.T) {
				s := serve(t, a)
				wantKind(t, s.account().Table("t").Commit(t.Context(), w), fault.Unavailable)
				s.wants(t, 1)
			})
		}
	}
}

func TestAWriteThatWasRefusedForNowIsRepeated(t *testing.T) {
	for _, code := range []string{"ProvisionedThroughputExceededException", "ThrottlingException", "TransactionConflictException"} {
		s := serve(t, refuse(400, code), reply(200, "{}"))
		if err := s.account().Table("t").Commit(t.Context(), add); err != nil {
			t.Errorf("%s: %v", code, err)
		}
		s.wants(t, 2)
	}
}

func TestAWriteThatIsRefusedForLongIsThrottled(t *testing.T) {
	s := serve(t, refuse(400, "TransactionConflictException"))
	synctest.Test(t, func(t *testing.T) {
		wantKind(t, s.account().Table("t").Commit(t.Context(), put), fault.Throttled)
	})
	s.wants(t, attempts)
}

func TestATransactionWhoseAnswerWasLostIsRepeatedWithItsToken(t *testing.T) {
	s := serve(t, lost, refuse(500, "InternalServerError"), refuse(400, "TransactionInProgressException"), reply(200, "{}"))
	synctest.Test(t, func(t *testing.T) {
		if err := s.account().Table("t").Commit(t.Context(), put, other); err != nil {
			t.Fatal(err)
		}
	})
	s.wants(t, 4)
	tokens := map[string]bool{}
	for _, body := range s.asked() {
		var request struct{ ClientRequestToken string }
		if err := json.Unmarshal([]byte(body), &request); err != nil {
			t.Fatal(err)
		}
		tokens[request.ClientRequestToken] = true
	}
	if len(tokens) != 1 || tokens[""] {
		t.Errorf("tokens %v, want one for all attempts", tokens)
	}
}

func TestACancelledTransactionHasTheKindOfItsReasons(t *testing.T) {
	for name, c := range map[string]struct {
		answer
		want     fault.Kind
		requests int
	}{
		"a failed condition":                     {cancelled("None", "ConditionalCheckFailed"), fault.Conflict, 1},
		"a failed condition beside contention":   {cancelled("TransactionConflict", "ConditionalCheckFailed"), fault.Conflict, 1},
		"contention that does not end":           {cancelled("TransactionConflict", "None"), fault.Throttled, attempts},
		"throttling that does not end":           {cancelled("None", "ThrottlingError"), fault.Throttled, attempts},
		"an item that grew too large":            {cancelled("ValidationError", "TransactionConflict"), fault.Invalid, 1},
		"a reason that is new":                   {cancelled("None", "Novelty"), fault.Unavailable, 1},
		"an earlier attempt that goes on and on": {refuse(400, "TransactionInProgressException"), fault.Unavailable, attempts},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.answer)
			synctest.Test(t, func(t *testing.T) {
				wantKind(t, s.account().Table("t").Commit(t.Context(), put, other), c.want)
			})
			s.wants(t, c.requests)
		})
	}
}

func TestContentionThatEndsGoesUnnoticed(t *testing.T) {
	s := serve(t, cancelled("None", "TransactionConflict"), reply(200, "{}"))
	if err := s.account().Table("t").Commit(t.Context(), put, other); err != nil {
		t.Error(err)
	}
	s.wants(t, 2)
}

func TestAnAdditionToAnExpiredItemReplacesItUnlessAnotherWriterDid(t *testing.T) {
	failed := refuse(400, "ConditionalCheckFailedException")
	s := serve(t, failed, failed, reply(200, "{}"))
	if err := s.account().Table("t").Commit(t.Context(), add); err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, r := range s.requests {
		targets = append(targets, strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810."))
	}
	if diff := cmp.Diff([]string{"UpdateItem", "PutItem", "UpdateItem"}, targets); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestAnItemThatThisPackageDidNotWriteIsNotReadAsOne(t *testing.T) {
	s := serve(t, reply(200, `{"Item":{"p":{"S":"p"},"s":{"S":"s"},"name":{"S":"x"}}}`))
	_, err := s.account().Table("t").Get(t.Context(), anyKey)
	wantKind(t, err, fault.Internal)
}

func TestItemsSurviveTheirEncoding(t *testing.T) {
	text := rapid.StringN(0, 20, 60)
	rapid.Check(t, func(r *rapid.T) {
		want := table.Item{
			Key:        table.Key{Partition: "p" + text.Draw(r, "partition"), Sort: "s" + text.Draw(r, "sort")},
			Attributes: rapid.MapOf(text, text).Draw(r, "attributes"),
			Counters:   rapid.MapOf(text, rapid.Int64()).Draw(r, "counters"),
			Body:       rapid.SliceOf(rapid.Byte()).Draw(r, "body"),
		}
		if at := rapid.Int64Range(0, 1<<40).Draw(r, "expires"); at > 0 {
			want.Expires = time.Unix(at, 0).UTC()
		}
		got, err := decodeItem(encodeItem(want))
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			r.Fatalf("%v, item (-want +got):\n%s", err, diff)
		}
	})
}

func TestAnItemExpiresAtTheSecondThatFollowsItsTime(t *testing.T) {
	at := time.Unix(100, 1)
	encoded := encodeItem(table.Item{Key: anyKey, Expires: at})
	if got := encoded[config.ExpiresKey].(*types.AttributeValueMemberN).Value; got != "101" {
		t.Errorf("expires at %s, want 101", got)
	}
	item, err := decodeItem(encoded)
	if err != nil || expired(item, time.Unix(100, 999_999_999)) || !expired(item, time.Unix(101, 0)) {
		t.Errorf("item %+v, %v", item, err)
	}
}

func TestBoundsHoldExactlyTheKeysOfAQuery(t *testing.T) {
	text := rapid.StringOfN(rapid.SampledFrom([]rune("\x00a\u07ff\ue000\U0010ffff")), 0, 4, -1)
	rapid.Check(t, func(r *rapid.T) {
		q := table.Query{Prefix: text.Draw(r, "prefix"), From: text.Draw(r, "from"), Reverse: rapid.Bool().Draw(r, "reverse")}
		key := text.Draw(r, "key")
		if key == "" {
			return
		}
		want := strings.HasPrefix(key, q.Prefix) && (q.From == "" || !q.Reverse && key >= q.From || q.Reverse && key <= q.From)
		low, high := bounds(q)
		if got := low <= key && key <= high; got != want {
			r.Fatalf("%q in [%q, %q] is %v, want %v for %+v", key, low, high, got, want, q)
		}
	})
}

func TestTextThatIsNotUTF8IsInvalid(t *testing.T) {
	for name, w := range map[string]table.Write{
		"a partition":  table.Put(table.Item{Key: table.Key{Partition: "\xff", Sort: "s"}}),
		"a sort key":   table.Put(table.Item{Key: table.Key{Partition: "p", Sort: "\xff"}}),
		"an attribute": table.Put(table.Item{Key: anyKey, Attributes: map[string]string{"a": "\xff"}}),
		"a condition":  put.If(table.Equal("a", "\xff")),
		"a counter":    table.Add(anyKey, map[string]int64{"\xff": 1}, time.Time{}),
	} {
		t.Run(name, func(t *testing.T) {
			wantKind(t, NewTable(nil, "t").Commit(t.Context(), w), fault.Invalid)
		})
	}
}
