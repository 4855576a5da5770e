package measure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres is a running PostgreSQL, reached by a socket in its own folder.
type Postgres struct {
	*Process
	Version string
	DSN     string
}

// ErrNoPostgres says that there is no PostgreSQL to compare with.
var ErrNoPostgres = errors.New("absent")

// StartPostgres makes a cluster in dir and starts it as installed, with durable
// commits. It runs as the user postgres where this program runs as root.
func StartPostgres(ctx context.Context, dir string) (*Postgres, error) {
	tools, err := postgresTools()
	if err != nil {
		return nil, err
	}
	version, err := exec.Command(filepath.Join(tools, "postgres"), "--version").Output()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	who, err := postgresUser(dir)
	if err != nil {
		return nil, err
	}
	initdb := exec.Command(filepath.Join(tools, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", "--auth=trust", "--locale=C", "--encoding=UTF8")
	initdb.SysProcAttr, initdb.Dir = who, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	server := exec.Command(filepath.Join(tools, "postgres"), "-D", filepath.Join(dir, "data"), "-k", dir, "-c", "listen_addresses=", "-c", "synchronous_commit=on")
	server.SysProcAttr, server.Dir = who, dir
	process, err := StartProcess(server, dir+".log")
	if err != nil {
		return nil, err
	}
	p := &Postgres{Process: process, Version: strings.TrimSpace(string(version)), DSN: "host=" + dir + " user=postgres dbname=postgres"}
	return p, errors.Join(p.reach(ctx), p.Begin())
}

// postgresTools returns the folder of the newest PostgreSQL's programs.
func postgresTools() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", ErrNoPostgres
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// postgresUser gives dir to the user postgres if this program is root, which
// PostgreSQL refuses to run as.
func postgresUser(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		return nil, ErrNoPostgres
	}
	uid, _ := strconv.Atoi(who.Uid) // numbers on every system that has PostgreSQL packages
	gid, _ := strconv.Atoi(who.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		return nil, err
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // it has to pass through
		return nil, err
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

func (p *Postgres) reach(ctx context.Context) error {
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := p.Exec(ctx, "SELECT 1")
		if err == nil || time.Since(begun) > 20*time.Second {
			return err
		}
	}
}

// Exec runs a statement.
func (p *Postgres) Exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, p.DSN)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// Bytes stores events in ClickTable and returns the disk space that they take.
func (p *Postgres) Bytes(ctx context.Context, clicks *Clicks, events int) (n int64, err error) {
	if err := p.Exec(ctx, ClickTable); err != nil {
		return 0, err
	}
	conn, err := pgx.Connect(ctx, p.DSN)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	var body []byte
	for left := events; left > 0; {
		part := min(left, 10_000)
		left -= part
		body = clicks.Batch(body[:0], part)
		var decoded []Click
		if err := json.Unmarshal(body, &decoded); err != nil {
			return 0, err
		}
		if err := CopyClicks(ctx, conn, decoded); err != nil {
			return 0, err
		}
	}
	err = conn.QueryRow(ctx, "SELECT pg_total_relation_size('clicks')").Scan(&n)
	return n, err
}

// Stop ends the server.
func (p *Postgres) Stop() error {
	_, err := p.End(os.Interrupt)
	return err
}
