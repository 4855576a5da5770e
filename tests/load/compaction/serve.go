package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tarnhq/tarn/functions/local/server"
)

// serve is the server that is measured: with merges at once, or without any.
func serve(dir string, merges bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	o := server.Options{AskAnew: true, Dir: dir, URL: "http://" + l.Addr().String(), Log: slog.New(slog.DiscardHandler), CompactEvery: time.Hour}
	if !merges {
		o.CompactEvery = server.Never
	}
	s, err := server.Open(ctx, o)
	if err != nil {
		return err
	}
	if _, err := s.Ready(ctx); err != nil {
		return err
	}
	if err := s.Serve(ctx, l); err != nil {
		return err
	}
	return s.Close()
}
