package demo

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// told plays a load that reads 1,500,000 rows a second, with a look at every step.
func told(terminal bool, step time.Duration) string {
	var out bytes.Buffer
	at := time.Unix(0, 0)
	p := newProgress(&out, func() time.Time { return at }, "flights")
	p.terminal = terminal
	p.begin(6_000_000)
	for rows := int64(0); rows < 6_000_000; {
		at = at.Add(step)
		rows += int64(step.Seconds() * 1_500_000)
		p.reach(rows)
	}
	p.finish(6_000_000)
	return out.String()
}

func TestATerminalShowsABarThatMoves(t *testing.T) {
	want := "\r\x1b[Kflights      [........................]   0%  0 of 6,000,000 rows" +
		"\r\x1b[Kflights      [############............]  50%  3,000,000 of 6,000,000 rows  1,500,000/s  2 s left" +
		"\r\x1b[Kflights      [########################] 100%  6,000,000 of 6,000,000 rows  1,500,000/s  0 s left" +
		"\r\x1b[Kflights      6,000,000 rows in 4.0 s\n"
	if diff := cmp.Diff(want, told(true, 2*time.Second)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestElsewhereALineIsWrittenNowAndThen(t *testing.T) {
	want := "flights       75%  4,500,000 of 6,000,000 rows  1,500,000/s  1 s left\nflights      6,000,000 rows in 4.0 s\n"
	if diff := cmp.Diff(want, told(false, time.Second)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheBarIsNotRedrawnFasterThanItIsSeen(t *testing.T) {
	if n := bytes.Count([]byte(told(true, time.Millisecond)), []byte("\r")); n > 4000/100+2 {
		t.Errorf("drawn %d times in 4 seconds", n)
	}
}

func TestAnAbandonedBarEndsItsLine(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, func() time.Time { return time.Unix(0, 0) }, "flights")
	p.terminal = true
	p.abandon()
	if out.Len() > 0 {
		t.Error("a line ended that had not begun")
	}
	p.begin(1)
	p.abandon()
	p.abandon()
	if got := bytes.Count(out.Bytes(), []byte("\n")); got != 1 {
		t.Errorf("%d lines ended, want 1", got)
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if isTerminal(f) || isTerminal(&bytes.Buffer{}) {
		t.Error("it was taken for one")
	}
}
