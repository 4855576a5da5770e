package segment

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/stream"
)

func TestPhysicalNames(t *testing.T) {
	cases := map[string]string{
		"url":        "p_url",
		"URL":        "p___55__52__4c",
		"product_id": "p_product_id",
		"a__b":       "p_a__5f_b",
		"a_B":        "p_a__5f__42",
		"_":          "p__",
		"é x":        "p___c3__a9__20x",
	}
	for property, want := range cases {
		if got := PhysicalName(property); got != want {
			t.Errorf("PhysicalName(%q) = %q, want %q", property, got, want)
		}
	}
}

func TestPhysicalNamesDifferWhereNamesDo(t *testing.T) {
	plain := regexp.MustCompile(`^[a-z0-9_]+$`)
	names := rapid.StringOfN(rapid.RuneFrom([]rune("a5_Bf é")), 0, 6, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := names.Draw(t, "a"), names.Draw(t, "b")
		if (a == b) != (PhysicalName(a) == PhysicalName(b)) {
			t.Fatalf("%q and %q: %q and %q", a, b, PhysicalName(a), PhysicalName(b))
		}
		if !plain.MatchString(PhysicalName(a)) {
			t.Fatalf("%q of %q", PhysicalName(a), a)
		}
	})
}

func TestAKeyTellsDayShardAndSequences(t *testing.T) {
	day := int64(1_767_312_000_000_000) // 2026-01-02
	one := build(t, &events.Event{Time: day})
	two := build(t, &events.Event{Time: day}, &events.Event{Time: -1})
	from := origin
	from.Shard = "shard:1/ü=x"
	ref, _, err := Encode(from, one, nil)
	want := "t/demo/d/abcdefghijkl/rows/2026-01-02/shard=3a1=2f=c3=bc=3dx-17-42-"
	if err != nil || !strings.HasPrefix(ref.Key, want) || len(ref.Key) != len(want)+16+len(".parquet") {
		t.Errorf("key %s (%v)", ref.Key, err)
	}
	ref, _, err = Encode(origin, two, nil)
	if err != nil || !strings.Contains(ref.Key, "/mixed/") || !cmp.Equal(ref.Days, []Day{-1, 20455}) {
		t.Errorf("key %s, days %v (%v)", ref.Key, ref.Days, err)
	}
	other, _, _ := Encode(Origin{Tenant: origin.Tenant, Dataset: origin.Dataset, Shard: origin.Shard, From: origin.From, Through: stream.Sequence("43")}, two, nil)
	if other.Key == ref.Key {
		t.Error("another range of the stream has the same key")
	}
}

func TestSplitGathersSmallDays(t *testing.T) {
	const day = 24 * 60 * 60 * 1_000_000
	var all []*events.Event
	for _, d := range []int64{5, 3, 5, 4, -1, 5, 3, 3} {
		all = append(all, &events.Event{Time: d*day + 1})
	}
	batch := build(t, all...)
	for _, c := range []struct {
		least, most int
		want        [][]int32
	}{
		{1, 9, [][]int32{{4}, {1, 6, 7}, {3}, {0, 2, 5}}},
		{2, 9, [][]int32{{1, 6, 7}, {0, 2, 5}, {3, 4}}},
		{9, 9, [][]int32{{0, 1, 2, 3, 4, 5, 6, 7}}},
		{1, 3, [][]int32{{4}, {1, 6, 7}, {0, 2, 5}, {3}}}, // of days with as many rows the earlier
		{1, 1, [][]int32{{1, 6, 7}, {0, 2, 3, 4, 5}}},
		{1, 0, [][]int32{{0, 1, 2, 3, 4, 5, 6, 7}}},
	} {
		if diff := cmp.Diff(c.want, Split(batch, c.least, c.most)); diff != "" {
			t.Errorf("at least %d, at most %d (-want +got):\n%s", c.least, c.most, diff)
		}
	}
}
