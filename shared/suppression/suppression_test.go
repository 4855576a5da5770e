package suppression_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/suppression"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/tests/fake"
)

// hashOf hashes a subject of a tenant.
func hashOf(t interface {
	Fatal(...any)
	Context() context.Context
}, s suppression.Store, subject string) suppression.Hash {
	salt, err := s.Salt(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	return salt.Hasher().Subject(subject)
}

func TestAListKnowsWhoWasAddedAndNobodyElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := suppression.Store{Table: &fake.Table{}}
		ctx := t.Context()
		want, list := map[string]bool{}, suppression.List{}
		datasets := []dataset.ID{"", "d1", "d2"}
		for range rapid.IntRange(0, 30).Draw(t, "additions") {
			subject, only := fmt.Sprintf("u%d", rapid.IntRange(0, 9).Draw(t, "subject")), rapid.SampledFrom(datasets).Draw(t, "dataset")
			if _, err := s.Add(ctx, "main", hashOf(t, s, subject), only); err != nil {
				t.Fatal(err)
			}
			want[subject+string(only)] = true
			if rapid.Bool().Draw(t, "read") {
				var err error
				if list, err = s.Newest(ctx, "main", list); err != nil {
					t.Fatal(err)
				}
			}
		}
		list, err := s.Newest(ctx, "main", list)
		if err != nil || list.Edition != suppression.Edition(len(want)) {
			t.Fatalf("edition %d after %d different additions, %v", list.Edition, len(want), err)
		}
		filter := list.Filter()
		for n := range 12 {
			subject := fmt.Sprintf("u%d", n)
			for _, d := range datasets[1:] {
				drops := filter.Drops(d, &events.Event{AnonymousID: subject})
				if drops != (want[subject] || want[subject+string(d)]) {
					t.Errorf("%s in %s is dropped: %v; was added: %v", subject, d, drops, want)
				}
			}
		}
	})
}

func TestNothingInTheTableTellsWhoIsSuppressed(t *testing.T) {
	tbl := &fake.Table{}
	s := suppression.Store{Table: tbl}
	if _, err := s.Add(t.Context(), "main", hashOf(t, s, "somebody"), ""); err != nil {
		t.Fatal(err)
	}
	for _, item := range tbl.Items() {
		if strings.Contains(fmt.Sprint(item), "somebody") {
			t.Errorf("%v", item)
		}
	}
}

func TestTenantsHashTheSameSubjectDifferently(t *testing.T) {
	s := suppression.Store{Table: &fake.Table{}}
	one, err := s.Salt(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.Salt(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	if one.Hasher().Subject("u1") == other.Hasher().Subject("u1") {
		t.Error("they hash alike")
	}
}

func TestWhatWasHeldAgainstAnOlderListCannotBeCommitted(t *testing.T) {
	tbl := &fake.Table{}
	s := suppression.Store{Table: tbl}
	before, err := s.Guard(t.Context(), "main", "d1")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Raise(t.Context(), "main", "d1", 3); err != nil {
		t.Fatal(err)
	}
	row := table.Put(table.Item{Key: table.Key{Partition: "rows", Sort: "1"}})
	if err := tbl.Commit(t.Context(), row, before.Check()); !fault.Is(err, fault.Conflict) {
		t.Errorf("a commit that was begun before: %v, want Conflict", err)
	}
	if err := s.Raise(t.Context(), "main", "d1", 2); err != nil {
		t.Fatal(err)
	}
	after, err := s.Guard(t.Context(), "main", "d1")
	if err != nil || !fault.Is(after.Admits(2), fault.Conflict) || after.Admits(3) != nil {
		t.Errorf("edition 2: %v, 3: %v, %v", after.Admits(2), after.Admits(3), err)
	}
	if err := tbl.Commit(t.Context(), row, after.Check()); err != nil {
		t.Errorf("a commit under the guard: %v", err)
	}
}

func TestMentions(t *testing.T) {
	for text, want := range map[string]bool{
		`{"user_id": "a@b.ch"}`:                      true,
		`{"context": [{"traits": {"m": "a@b.ch"}}]}`: true,
		`{"url": "https://x.ch/?mail=a@b.ch&x=1"}`:   true,
		`{"m": "\u0061@b.ch"}`:                       true,
		`{"user_id": "a@b.ch`:                        true,
		`{"user_id": "aa@b.ch"}`:                     false,
		`a@b.chx`:                                    false,
		``:                                           false,
	} {
		if got := suppression.Mentions([]byte(text), func(word string) bool { return word == "a@b.ch" }); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	if !suppression.Mentions([]byte(`{"user_id": 17}`), func(word string) bool { return word == "17" }) {
		t.Error("a number is not found")
	}
}
