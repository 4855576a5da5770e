package audit_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/tests/fake"
)

// chained is a log of some entries, each with its number as its payload's query.
func chained(t *testing.T, n int) (*audit.Store, *fake.Table) {
	t.Helper()
	tbl := &fake.Table{Now: time.Now}
	s := audit.New(tbl, time.Now, quiet)
	for i := range n {
		e := event(fmt.Sprint("user:", i+1))
		e.Payload.Query = fmt.Sprint("n=", i+1)
		if err := s.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	return s, tbl
}

func verified(t *testing.T, tbl table.Table, after audit.Head) audit.Report {
	t.Helper()
	report, err := audit.New(tbl, time.Now, quiet).Verify(t.Context(), owner, after, always)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func key(n int) table.Key {
	return table.Key{Partition: "audit#main", Sort: fmt.Sprintf("entry#%020d", n)}
}

func payload(n int) table.Key {
	return table.Key{Partition: "audit#main#payloads", Sort: fmt.Sprintf("%020d", n)}
}

// tampering is done with the table itself, around all that guards it.
type tampering struct {
	t *testing.T
	*fake.Table
}

func (w tampering) item(k table.Key) table.Item {
	w.t.Helper()
	item, err := w.Get(w.t.Context(), k)
	if err != nil {
		w.t.Fatal(err)
	}
	return item
}

func (w tampering) write(writes ...table.Write) {
	w.t.Helper()
	if err := w.Commit(w.t.Context(), writes...); err != nil {
		w.t.Fatal(err)
	}
}

// changed replaces an entry by one that says another thing, rightly encoded.
func (w tampering) changed(n int) string {
	item := w.item(key(n))
	item.Body = []byte(strings.Replace(string(item.Body), `"user:`, `"user:0`, 1))
	w.write(table.Put(item))
	sum := sha256.Sum256(item.Body)
	return hex.EncodeToString(sum[:])
}

func (w tampering) moved(from, to table.Key) {
	item := w.item(from)
	item.Key = to
	w.write(table.Put(item))
}

func TestTamperingIsNamed(t *testing.T) {
	const entries = 7
	for claim, c := range map[string]struct {
		do   func(tampering)
		want uint64 // the broken link
	}{
		"a changed entry": {func(w tampering) { w.changed(3) }, 4},
		"a changed entry to which the one after was fitted": {func(w tampering) {
			was := w.item(key(4))
			sum := sha256.Sum256(w.item(key(3)).Body)
			was.Body = []byte(strings.Replace(string(was.Body), hex.EncodeToString(sum[:]), w.changed(3), 1))
			w.write(table.Put(was))
		}, 5},
		"a changed last entry":         {func(w tampering) { w.changed(entries) }, entries + 1},
		"an entry in another encoding": {func(w tampering) { i := w.item(key(3)); i.Body = append(i.Body, ' '); w.write(table.Put(i)) }, 3},
		"an entry that is none":        {func(w tampering) { i := w.item(key(3)); i.Body = nil; w.write(table.Put(i)) }, 3},
		"a deleted entry":              {func(w tampering) { w.write(table.Delete(key(3))) }, 3},
		"a deleted first entry":        {func(w tampering) { w.write(table.Delete(key(1))) }, 1},
		"a cut-off end":                {func(w tampering) { w.write(table.Delete(key(6)), table.Delete(key(7))) }, 6},
		"an emptied log":               {func(w tampering) { clear(w, "audit#main", "entry#") }, 1},
		"entries in another order": {func(w tampering) {
			third, fourth := w.item(key(3)), w.item(key(4))
			third.Body, fourth.Body = fourth.Body, third.Body
			w.write(table.Put(third), table.Put(fourth))
		}, 3},
		"an entry twice":                  {func(w tampering) { w.moved(key(3), key(4)) }, 4},
		"an entry between two":            {func(w tampering) { w.moved(key(3), table.Key{Partition: key(3).Partition, Sort: key(3).Sort + "a"}) }, 4},
		"an entry past the end":           {func(w tampering) { w.moved(key(3), key(entries+1)) }, entries + 1},
		"an end that was moved back":      {func(w tampering) { moveHead(w, 5) }, entries + 1},
		"a lost end":                      {func(w tampering) { w.write(table.Delete(table.Key{Partition: "audit#main", Sort: "head"})) }, entries + 1},
		"a changed payload":               {func(w tampering) { i := w.item(payload(3)); i.Body = []byte(`{"query":"n=4"}`); w.write(table.Put(i)) }, 3},
		"the payload of another entry":    {func(w tampering) { w.moved(payload(4), payload(3)) }, 3},
		"a deleted payload":               {func(w tampering) { w.write(table.Delete(payload(3))) }, 3},
		"a payload erased by nothing":     {func(w tampering) { erasedBy(w, 3, "6") }, 3},
		"a payload erased by what is not": {func(w tampering) { erasedBy(w, 3, "99") }, 3},
	} {
		t.Run(claim, func(t *testing.T) {
			_, tbl := chained(t, entries)
			c.do(tampering{t, tbl})
			report := verified(t, tbl, audit.Head{})
			if report.Whole || report.Broken == nil || report.Broken.Number != c.want || report.Through.Number != c.want-1 {
				t.Errorf("%+v %+v", report, report.Broken)
			}
		})
	}
}

func clear(w tampering, partition, prefix string) {
	page, err := w.List(w.t.Context(), table.Query{Partition: partition, Prefix: prefix})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, item := range page.Items {
		w.write(table.Delete(item.Key))
	}
}

// moveHead has the log end with an earlier entry.
func moveHead(w tampering, n int) {
	head := w.item(table.Key{Partition: "audit#main", Sort: "head"})
	sum := sha256.Sum256(w.item(key(n)).Body)
	head.Attributes["number"], head.Attributes["hash"] = fmt.Sprint(n), hex.EncodeToString(sum[:])
	w.write(table.Put(head))
}

func erasedBy(w tampering, n int, by string) {
	w.write(table.Put(table.Item{Key: payload(n), Attributes: map[string]string{"erased": by}}))
}

// TestWhoKeptAnEntrysHashSeesThatTheEndWasCutOff does what the chain alone cannot show:
// the end and what says where it is are both taken away.
func TestWhoKeptAnEntrysHashSeesThatTheEndWasCutOff(t *testing.T) {
	_, tbl := chained(t, 7)
	kept := verified(t, tbl, audit.Head{}).Through
	w := tampering{t, tbl}
	w.write(table.Delete(key(6)), table.Delete(key(7)))
	moveHead(w, 5)
	if report := verified(t, tbl, audit.Head{}); !report.Whole {
		t.Errorf("%+v: can this be seen without the hash?", report)
	}
	if report := verified(t, tbl, kept); report.Whole || report.Broken.Number != 7 {
		t.Errorf("%+v", report)
	}
	s := audit.New(tbl, time.Now, quiet)
	for range 2 { // as many as before
		if err := s.Append(t.Context(), event("user:1")); err != nil {
			t.Fatal(err)
		}
	}
	if report := verified(t, tbl, kept); report.Whole || report.Broken.Number != 7 {
		t.Errorf("%+v", report)
	}
}

func TestAVerificationGoesOnWhereItStopped(t *testing.T) {
	_, tbl := chained(t, 7)
	s, after := audit.New(tbl, time.Now, quiet), audit.Head{}
	for range 10 {
		left := 3
		report, err := s.Verify(t.Context(), owner, after, func() bool { left--; return left < 0 })
		if err != nil || !report.Whole {
			t.Fatal(report, err)
		}
		after = report.Through
		if report.Ended {
			break
		}
	}
	if after.Number != 7 {
		t.Errorf("it ended at %d", after.Number)
	}
}

func TestAPayloadIsErasedAndTheChainHolds(t *testing.T) {
	s, tbl := chained(t, 120)
	even := func(payload []byte) bool {
		var p audit.Payload
		if err := json.Unmarshal(payload, &p); err != nil {
			t.Error(err)
		}
		return strings.ContainsAny(p.Query[len(p.Query)-1:], "02468")
	}
	if n, err := s.Erase(t.Context(), owner, "user:1", even); err != nil || n != 60 {
		t.Fatal(n, err)
	}
	report := verified(t, tbl, audit.Head{})
	if !report.Whole || report.Through.Number != 122 { // two entries tell of sixty payloads
		t.Errorf("%+v %+v", report, report.Broken)
	}
	err := s.Each(t.Context(), owner, 1, 121, func(r audit.Record) (bool, error) {
		if gone := r.Number%2 == 0; r.Erased != gone || (r.Sent == nil) != gone || (r.Salt == "") != gone {
			t.Errorf("%d: erased %v, %s", r.Number, r.Erased, r.Sent)
		}
		return true, nil
	})
	if err != nil {
		t.Error(err)
	}
	if n, err := s.Erase(t.Context(), owner, "user:1", func([]byte) bool { return false }); n != 0 || err != nil {
		t.Error(n, err)
	}
	if again := verified(t, tbl, audit.Head{}); again.Through.Number != 122 {
		t.Error("what erased nothing is told of")
	}
}

func TestALineOfAnExportProvesItself(t *testing.T) {
	tbl := &fake.Table{Now: time.Now}
	s := audit.New(tbl, time.Now, quiet)
	e := event("user:1")
	e.Payload = audit.Body([]byte(`{"sql": "select '<b>&' from web", "n": 1.10}`), 50)
	if err := s.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	err := s.Each(t.Context(), owner, 1, 2, func(r audit.Record) (bool, error) {
		var line struct {
			Entry, Sent json.RawMessage
			Hash, Salt  string
		}
		if err := json.Unmarshal(r.Line(), &line); err != nil {
			return false, err
		}
		hash, sent := sha256.Sum256(line.Entry), sha256.Sum256(append([]byte(line.Salt), line.Sent...))
		if hex.EncodeToString(hash[:]) != line.Hash || !strings.Contains(string(line.Entry), hex.EncodeToString(sent[:])) {
			t.Errorf("%s", r.Line())
		}
		if !strings.Contains(string(line.Sent), `select '<b>&' from web`) || !strings.Contains(string(line.Sent), "1.10") {
			t.Errorf("%s", line.Sent)
		}
		return true, nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestSecretsAreNotKept(t *testing.T) {
	p := audit.Body([]byte(`{"name":"crm","dsn":"postgres://u:hunter2@h","nested":[{"Password":"hunter2","client_secret":{"a":"hunter2"}}]}`), 100)
	if text := string(p.Request); strings.Contains(text, "hunter2") || !strings.Contains(text, `"crm"`) {
		t.Error(text)
	}
	for _, text := range []string{`dsn=hunter2`, `{"a":1}{"password":"hunter2"}`, `{"a":`} {
		if p := audit.Body([]byte(text), int64(len(text))); p.Request != nil || p.Bytes != int64(len(text)) {
			t.Errorf("%s is kept as %s", text, p.Request)
		}
	}
}

// slow is a table whose commits wait until they may go on.
type slow struct {
	*fake.Table
	commits atomic.Int32
	pass    chan struct{}
}

func (s *slow) Commit(ctx context.Context, writes ...table.Write) error {
	s.commits.Add(1)
	<-s.pass
	return s.Table.Commit(ctx, writes...)
}

func TestEntriesThatComeAtOnceAreWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tbl := &slow{Table: &fake.Table{Now: time.Now}, pass: make(chan struct{})}
		s := audit.New(tbl, time.Now, quiet)
		const many = 200
		for i := range many {
			go func() {
				if err := s.Append(context.Background(), event(fmt.Sprint("user:", i))); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		close(tbl.pass)
		synctest.Wait()
		if n := tbl.commits.Load(); n > 6 { // the first alone, the others by 49
			t.Errorf("%d commits for %d entries", n, many)
		}
		if report := verified(t, tbl.Table, audit.Head{}); !report.Whole || report.Through.Number != many {
			t.Errorf("%+v %+v", report, report.Broken)
		}
	})
}

// down is a table that takes no writes.
type down struct {
	*fake.Table
	is atomic.Bool
}

func (d *down) Commit(ctx context.Context, writes ...table.Write) error {
	if d.is.Load() {
		return errAway
	}
	return d.Table.Commit(ctx, writes...)
}

func TestTheNextEntrySaysHowManyAreMissing(t *testing.T) {
	tbl := &down{Table: &fake.Table{Now: time.Now}}
	s := audit.New(tbl, time.Now, quiet)
	tbl.is.Store(true)
	for range 3 {
		if err := s.Append(t.Context(), event("user:1")); !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
	}
	tbl.is.Store(false)
	for range 2 {
		if err := s.Append(t.Context(), event("user:1")); err != nil {
			t.Error(err)
		}
	}
	var missed []int
	_ = s.Each(t.Context(), owner, 1, 3, func(r audit.Record) (bool, error) { missed = append(missed, r.Missed); return true, nil })
	if fmt.Sprint(missed) != "[3 0]" {
		t.Error(missed)
	}
}

func TestAChangeThatCannotBeToldOfDoesNotHappen(t *testing.T) {
	tbl := &fake.Table{Now: time.Now}
	s := audit.New(tbl, time.Now, quiet)
	write := table.Put(table.Item{Key: table.Key{Partition: "data", Sort: "x"}})
	nobody := audit.With(t.Context(), func() audit.Event { return audit.Event{Action: access.DeleteDataset} })
	many := make([]table.Write, table.MaxWrites)
	for i := range many {
		many[i] = table.Put(table.Item{Key: table.Key{Partition: "data", Sort: fmt.Sprint(i)}})
	}
	if s.Table().Commit(nobody, write) == nil || s.Table().Commit(audit.With(t.Context(), func() audit.Event { return event("user:1") }), many...) == nil {
		t.Error("it happened")
	}
	if page, err := tbl.List(t.Context(), table.Query{Partition: "data"}); err != nil || len(page.Items) > 0 {
		t.Error(page, err)
	}
}

func TestLikeEventsAreCountedForAMinute(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := audit.New(&fake.Table{}, func() time.Time { return now }, quiet)
	for range 5 {
		for _, by := range []string{"user:1", "user:2"} {
			if err := s.Tally(t.Context(), event(by)); err != nil {
				t.Fatal(err)
			}
		}
	}
	now = now.Add(time.Minute)
	if err := s.Tally(t.Context(), event("user:1")); err != nil {
		t.Fatal(err)
	}
	var times []int
	_ = s.Each(t.Context(), owner, 1, 9, func(r audit.Record) (bool, error) { times = append(times, r.Times); return true, nil })
	if fmt.Sprint(times) != "[0 0 5]" {
		t.Error(times)
	}
}

func TestAKeysUseIsToldOnceADayByAllProcesses(t *testing.T) {
	now := time.Date(2026, 1, 2, 23, 0, 0, 0, time.UTC)
	tbl := &fake.Table{Now: func() time.Time { return now }}
	a, b := audit.New(tbl, tbl.Now, quiet), audit.New(tbl, tbl.Now, quiet)
	for range 3 { // 23:00, midnight, 01:00
		for _, s := range []*audit.Store{a, b, a} {
			if err := s.Used(t.Context(), access.Principal{Tenant: owner, ID: "key:1", Role: access.Viewer}); err != nil {
				t.Fatal(err)
			}
		}
		now = now.Add(time.Hour)
	}
	if report := verified(t, tbl, audit.Head{}); !report.Whole || report.Through.Number != 2 {
		t.Errorf("%+v %+v", report, report.Broken)
	}
}

func TestEntriesAreFoundByTime(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	now := start
	s := audit.New(&fake.Table{}, func() time.Time { return now }, quiet)
	for range 10 { // two a minute; the clock of one machine is late
		for _, late := range []time.Duration{0, time.Hour} {
			now = now.Add(-late)
			if err := s.Append(t.Context(), event("user:1")); err != nil {
				t.Fatal(err)
			}
			now = now.Add(late)
		}
		now = now.Add(time.Minute)
	}
	for claim, c := range map[string]struct {
		from, to    time.Time
		first, past uint64
	}{
		"all":              {time.Time{}, time.Time{}, 1, 21},
		"from the third":   {start.Add(2 * time.Minute), time.Time{}, 5, 21},
		"until the third":  {time.Time{}, start.Add(2 * time.Minute), 1, 5},
		"between":          {start.Add(90 * time.Second), start.Add(150 * time.Second), 5, 7},
		"after all":        {start.Add(time.Hour), time.Time{}, 21, 21},
		"to before from":   {start.Add(5 * time.Minute), start, 11, 11},
		"before there any": {time.Time{}, start, 1, 1},
	} {
		if first, past, err := s.Between(t.Context(), owner, c.from, c.to); first != c.first || past != c.past || err != nil {
			t.Errorf("%s: %d to %d, %v", claim, first, past, err)
		}
	}
}
