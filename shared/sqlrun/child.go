package sqlrun

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/sandbox"
	"github.com/tarnhq/tarn/shared/sqlgate"
)

// Argument is the first argument of a process that is to run one statement.
const Argument = "run-one-statement"

// bounds are the second argument.
type bounds struct {
	Threads int
	Memory  int64
	Seconds int
}

const (
	// slackBytes of address space are for what DuckDB does not count: the values of
	// an answer, stacks, and the room that allocators set apart for each thread.
	slackBytes      = 512 << 20
	slackPerThread  = 128 << 20
	openFiles       = 8192
	maxInstructions = 1 << 30 // bytes of one message from the runner
)

// Child is the main of such a process: it answers one statement on its standard
// output, and ends. Call it before anything else when IsChild says so.
func Child(args []string) int {
	if err := serveOne(context.Background(), args, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sql:", err)
		return 1
	}
	return 0
}

// IsChild reports whether the arguments of this process make it one.
func IsChild(args []string) bool { return len(args) == 3 && args[1] == Argument }

func serveOne(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	var b bounds
	if err := json.Unmarshal([]byte(args[2]), &b); err != nil {
		return err
	}
	db, conn, err := duck.OpenIsolated(ctx, b.Threads, b.Memory)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := warm(ctx, conn); err != nil {
		return err
	}
	limits := sandbox.Limits{Memory: b.Memory + slackBytes + int64(b.Threads)*slackPerThread, Seconds: b.Seconds, Files: openFiles}
	if err := sandbox.Enter(limits); err != nil {
		return err
	}
	q, err := check(ctx, conn, in, out)
	if err != nil || q.Text == "" {
		return err
	}
	var w work
	if err := hear(in, &w); err != nil {
		return err
	}
	go endWith(in)
	if w.Stream {
		if err := stream(ctx, conn, q, w, out); err != nil {
			return say(out, head{Refusal: refusalOf(clean(err, w.Paths))})
		}
		return nil
	}
	answer, err := run(ctx, conn, q, w)
	if err != nil {
		return say(out, head{Refusal: refusalOf(clean(err, w.Paths))})
	}
	return errors.Join(say(out, answer.head), sandbox.WriteFrame(out, answer.values))
}

// warm does once what every statement needs first.
func warm(ctx context.Context, conn *sql.Conn) error {
	_, err := sqlgate.Read(ctx, conn, "SELECT 1")
	return err
}

// check reads the question and answers what the gate says. Without a text nothing is
// to be run.
func check(ctx context.Context, conn *sql.Conn, in io.Reader, out io.Writer) (sqlgate.Query, error) {
	var asked question
	if err := hear(in, &asked); err != nil {
		return sqlgate.Query{}, err
	}
	q, err := sqlgate.Read(ctx, conn, asked.SQL)
	if err != nil {
		return sqlgate.Query{}, say(out, checked{Refusal: refusalOf(err)})
	}
	answer := checked{Query: q}
	if asked.Tree {
		answer.Tree = q.Tree
	}
	return q, say(out, answer)
}

// endWith ends this process when the one that started it is gone.
func endWith(in io.Reader) {
	_, _ = io.Copy(io.Discard, in)
	os.Exit(1)
}

func hear(in io.Reader, message any) error {
	frame, err := sandbox.ReadFrame(in, maxInstructions)
	if err != nil {
		return err
	}
	return gob.NewDecoder(bytes.NewReader(frame)).Decode(message)
}

func say(out io.Writer, message any) error {
	frame, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return sandbox.WriteFrame(out, frame)
}
