package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tarnhq/tarn/tests/load/measure"
)

// drive loads a server for one turn.
func drive(ctx context.Context, l *measure.Load, d time.Duration) (cost, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	began := time.Now()
	l.Seed = uint64(began.UnixNano()) // another turn, other ids
	events, err := l.Run(ctx)
	return cost{events: events, wall: time.Since(began)}, err
}

// tarnTurn runs the real server from an empty folder to the last sealed segment.
func tarnTurn(o options, dir string) func(context.Context, int) (cost, error) {
	return func(ctx context.Context, batch int) (cost, error) {
		data := filepath.Join(dir, "tarn")
		defer os.RemoveAll(data)
		t, err := measure.StartTarn(ctx, o.binary, data)
		if err != nil {
			return cost{}, err
		}
		got, err := drive(ctx, t.Load(o.connections, batch), o.slice)
		if err == nil {
			wait, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			err = t.Settle(wait, got.events)
		}
		used, stopped := t.Stop()
		got.cpu = used
		if err == nil {
			err = stopped
		}
		return got, err
	}
}

// own starts this program as a minimal server and returns where it listens.
func own(name, at, dir string, connections int) (*measure.Process, string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	log := filepath.Join(dir, name+".log")
	if err := os.RemoveAll(log); err != nil {
		return nil, "", err
	}
	p, err := measure.StartProcess(exec.Command(program, "-serve", name, "-at", at, "-connections", fmt.Sprint(connections)), log)
	if err != nil {
		return nil, "", err
	}
	for range 2000 {
		text, err := os.ReadFile(log)
		if err != nil {
			return nil, "", err
		}
		if address, rest, whole := strings.Cut(string(text), "\n"); whole && rest == "" {
			return p, address, p.Begin()
		}
		time.Sleep(5 * time.Millisecond)
	}
	text, _ := os.ReadFile(log)
	return nil, "", fmt.Errorf("server %s does not start: %s", name, text)
}

func ceilingTurn(o options, dir string) func(context.Context, int) (cost, error) {
	return func(ctx context.Context, batch int) (cost, error) {
		file := filepath.Join(dir, "ceiling")
		defer os.RemoveAll(file)
		p, address, err := own(ceilingName, file, dir, o.connections)
		if err != nil {
			return cost{}, err
		}
		got, err := drive(ctx, &measure.Load{Address: address, Path: "/", Connections: o.connections, Batch: batch, From: time.Now().UTC()}, o.slice)
		used, stopped := p.End(syscall.SIGTERM)
		got.cpu = used
		if err == nil {
			err = stopped
		}
		return got, err
	}
}

// postgresTurn fills an empty table, and counts the checkpoint that ends it.
func postgresTurn(o options, dir string, db *measure.Postgres, unique bool) func(context.Context, int) (cost, error) {
	return func(ctx context.Context, batch int) (cost, error) {
		if err := db.Exec(ctx, measure.ClickTable); err != nil {
			return cost{}, err
		}
		if unique {
			if err := db.Exec(ctx, measure.UniqueClicks); err != nil {
				return cost{}, err
			}
		}
		p, address, err := own(postgresName, db.DSN, dir, o.connections)
		if err != nil {
			return cost{}, err
		}
		if err := db.Begin(); err != nil {
			return cost{}, err
		}
		got, err := drive(ctx, &measure.Load{Address: address, Path: "/", Connections: o.connections, Batch: batch, From: time.Now().UTC()}, o.slice)
		used, stopped := p.End(syscall.SIGTERM)
		if err == nil {
			err = stopped
		}
		if err == nil {
			err = db.Exec(ctx, "CHECKPOINT")
		}
		if err != nil {
			return cost{}, err
		}
		database, err := db.CPU()
		got.cpu = used + database
		return got, err
	}
}
