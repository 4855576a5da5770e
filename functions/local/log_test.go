package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheLogHoldsEveryLineOnceItIsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.log")
	for _, run := range []string{"first", "second"} {
		log, closeLog, err := openLog(path)
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			log.Info("request", "run", run)
		}
		if err := closeLog(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n != 2000 {
		t.Errorf("%d lines, want 2000", n)
	}
}
