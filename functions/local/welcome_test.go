package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tarnhq/tarn/functions/local/server"
)

// TestWhatTheWelcomePrintsWorksWhenPasted runs the lines in a shell, as a person would.
func TestWhatTheWelcomePrintsWorksWhenPasted(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := server.Open(t.Context(), server.Options{Dir: dir, URL: "http://" + l.Addr().String(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	defer func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	ready, err := s.Ready(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	welcome(&said, ready, dir)
	_, lines, _ := strings.Cut(said.String(), "fate of one event:")
	lines, _, _ = strings.Cut(lines, "Ctrl-C")
	if n := strings.Count(lines, "curl "); n != 3 {
		t.Errorf("there are %d curl lines", n)
	}
	want := []string{`"success":true`, `["order_completed",1,1.5]`, `["page_viewed",1,null]`, `"fate":"stored"`}
	for {
		answer := paste(ctx, t, lines)
		missing := 0
		for _, w := range want {
			if !strings.Contains(answer, w) {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		if ctx.Err() != nil { // what was sent is visible within milliseconds; the same events again change nothing
			t.Fatalf("the answers do not hold %s:\n%s", want, answer)
		}
	}
}

func paste(ctx context.Context, t *testing.T, lines string) string {
	t.Helper()
	out, err := exec.CommandContext(ctx, "sh", "-ec", lines).CombinedOutput()
	if err != nil && ctx.Err() == nil {
		t.Fatalf("%v (this test needs sh and curl)\n%s", err, out)
	}
	return string(out)
}
