package sqlrun_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"github.com/tarnhq/tarn/shared/engine"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/sandbox"
	"github.com/tarnhq/tarn/shared/sqlrun"
)

const endless = "select count(*) from range(100000000000) a, range(100000000000) b where a.range + b.range = 1"

func TestAStatementEndsWhenItsCallerGoes(t *testing.T) {
	w := newWorld(t, sqlrun.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := w.ask(ctx, endless); codeOf(err) != "deadline" || !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}

func TestWhoFindsNoRoomIsToldToComeBack(t *testing.T) {
	w := newWorld(t, sqlrun.Config{AtOnce: 1})
	ctx, cancel := context.WithCancel(t.Context())
	began, ended := make(chan struct{}), make(chan error, 1)
	statement := engine.Statement{SQL: "select * from web, range(100000000000) a, range(100000000000) b where a.range + b.range = 1"}
	w.events(t, "web", 1)
	statement.Open = func(ctx context.Context, _ dataset.Name) (engine.Visible, error) {
		close(began)
		return w.open(ctx, "web")
	}
	go func() {
		_, err := w.Run(ctx, statement)
		ended <- err
	}()
	<-began
	short, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if _, err := w.ask(short, "select 1"); codeOf(err) != "busy" || !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	cancel()
	if err := <-ended; codeOf(err) != "deadline" {
		t.Error(err)
	}
	if _, err := w.ask(t.Context(), "select 1"); err != nil {
		t.Error(err)
	}
}

// TestAProcessEndsWithWhoStartedIt closes what a runner that was killed leaves closed.
func TestAProcessEndsWithWhoStartedIt(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for claim, messages := range map[string][]any{
		"before there is work": nil,
		"in the middle of it":  {struct{ SQL string }{endless}, struct{ MaxRows, MaxAnswer int }{1, 1000}},
	} {
		t.Run(claim, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			process := exec.CommandContext(ctx, program, sqlrun.Argument, `{"Threads":1,"Memory":268435456,"Seconds":60}`)
			in, err := process.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := process.Start(); err != nil {
				t.Fatal(err)
			}
			for _, m := range messages {
				var b bytes.Buffer
				if err := gob.NewEncoder(&b).Encode(m); err != nil {
					t.Fatal(err)
				}
				if err := sandbox.WriteFrame(in, b.Bytes()); err != nil {
					t.Fatal(err)
				}
			}
			if err := in.Close(); err != nil {
				t.Fatal(err)
			}
			if err := process.Wait(); err == nil || ctx.Err() != nil {
				t.Errorf("it ended with %v after %v", err, ctx.Err())
			}
		})
	}
}

func TestAClosedRunnerRunsNothing(t *testing.T) {
	w := newWorld(t, sqlrun.Config{})
	w.Close()
	if _, err := w.ask(t.Context(), "select 1"); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}
