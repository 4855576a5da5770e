package tabular

import (
	"bytes"
	"context"
	"io"

	"github.com/tarnhq/tarn/shared/fault"
)

// slack is what a text's memory has beyond its end, so that words can be read from any
// place in it.
const slack = 8

// text is a file's text, of which a stretch is in memory.
type text struct {
	r      io.Reader
	close  func() error
	memory []byte
	begin  int // of what was not consumed
	end    int
	ended  bool // there is nothing after end
	line   int64
	chunk  int
}

func newText(r io.Reader, close func() error, chunk int) *text {
	return &text{r: r, close: close, line: 1, chunk: chunk, memory: make([]byte, slack)}
}

// rest is what is in memory and not consumed. Its capacity goes slack bytes further.
func (t *text) rest() []byte { return t.memory[t.begin : t.end : t.end+slack] }

// consume passes over n bytes.
func (t *text) consume(n int) { t.begin += n }

// fill brings about a chunk more into memory, up to a record's limit in all. It reports
// whether there is more than before.
func (t *text) fill(ctx context.Context) (more bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	held := t.end - t.begin
	if t.ended || held > maxRecord {
		return false, nil
	}
	t.room(max(t.chunk, held)) // doubling, so that a long record is copied a few times only
	for t.end-t.begin < held+max(t.chunk, held) {
		n, err := t.r.Read(t.memory[t.end : len(t.memory)-slack])
		t.end += n
		if err == io.EOF {
			t.ended = true
			break
		}
		if err != nil {
			return false, unreadable(err)
		}
	}
	return t.end-t.begin > held, nil
}

// skipLine passes over the rest of a line.
func (t *text) skipLine(ctx context.Context, newline byte) error {
	for {
		rest := t.rest()
		if end := bytes.IndexByte(rest, newline); end >= 0 {
			t.consume(end + 1)
			t.line++
			return nil
		}
		t.consume(len(rest))
		if more, err := t.fill(ctx); err != nil || !more {
			return err
		}
	}
}

// room makes room for n bytes after end.
func (t *text) room(n int) {
	held := t.end - t.begin
	if need := held + n + slack; need > len(t.memory) {
		memory := make([]byte, need)
		copy(memory, t.memory[t.begin:t.end])
		t.memory = memory
	} else {
		copy(t.memory, t.memory[t.begin:t.end])
	}
	t.begin, t.end = 0, held
}

// unreadable gives errors that have no kind that of a broken file.
func unreadable(err error) error {
	if fault.KindOf(err) != fault.Internal {
		return err
	}
	return fault.New(fault.Invalid, "unreadable_file", "the file cannot be read to its end").Because(err).
		WithHint("it may be cut off or damaged: send it again")
}
