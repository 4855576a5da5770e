// #nosec G204 G306 -- tests start a server that is installed, and another user reads its password

// Package postgrestest runs a real PostgreSQL for tests, from whatever is installed.
package postgrestest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a PostgreSQL that ends with the test. Its WAL tells of logical changes.
type Server struct {
	Bin  string // the folder of its programs
	Port int    // on 127.0.0.1
}

// Password is that of the superuser postgres.
const Password = "s3cret-of-the-test"

// Start starts a server, or skips the test where none is installed.
func Start(t *testing.T) Server {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil && len(found) == 0 {
		found = append(found, path)
	}
	if len(found) == 0 {
		const absent = "there is no PostgreSQL; apt-get install postgresql enables this test"
		if os.Getenv("TARN_REQUIRE_ORACLES") == "1" {
			t.Fatal(absent)
		}
		t.Skip("SKIPPED: " + absent)
	}
	s := Server{Bin: filepath.Dir(found[len(found)-1]), Port: freePort(t)}
	dir, err := os.MkdirTemp("", "tarn-postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	who := owner(t, dir)
	s.initialize(t, dir, who)
	s.serve(t, dir, who)
	return s
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// owner gives dir to the user postgres where the test runs as root, as which PostgreSQL
// does not.
func owner(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		t.Skip("SKIPPED: there is no user postgres, and PostgreSQL does not run as root")
	}
	uid, _ := strconv.Atoi(who.Uid) // a number on every system that has PostgreSQL
	gid, _ := strconv.Atoi(who.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}} // #nosec G115 -- ids of users
}

func (s Server) initialize(t *testing.T, dir string, who *syscall.SysProcAttr) {
	t.Helper()
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte(Password), 0o644); err != nil {
		t.Fatal(err)
	}
	initdb := exec.Command(filepath.Join(s.Bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "postgres", "--pwfile="+password,
		"--auth=scram-sha-256", "--locale=C", "--encoding=UTF8", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = who, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
}

func (s Server) serve(t *testing.T, dir string, who *syscall.SysProcAttr) {
	t.Helper()
	server := exec.Command(filepath.Join(s.Bin, "postgres"), "-D", filepath.Join(dir, "data"), "-k", dir, "-p", strconv.Itoa(s.Port),
		"-c", "listen_addresses=127.0.0.1", "-c", "wal_level=logical", "-c", "max_replication_slots=500", "-c", "fsync=off", "-c", "shared_buffers=64MB", "-c", "max_wal_size=4GB")
	server.SysProcAttr, server.Dir = who, dir
	var said bytes.Buffer
	server.Stderr = &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt) // a fast shutdown
		_ = server.Wait()
	})
	deadline := time.Now().Add(time.Minute)
	for {
		conn, err := pgx.Connect(t.Context(), s.DSN("postgres"))
		if err == nil {
			_ = conn.Close(t.Context())
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("PostgreSQL does not answer: %v: %s", err, said.String())
		}
		time.Sleep(20 * time.Millisecond) // another process starts
	}
}

// DSN is the connection string of a database, as its superuser.
func (s Server) DSN(database string) string {
	return fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/%s?sslmode=disable", Password, s.Port, database)
}

// Exec runs statements in a database.
func (s Server) Exec(t *testing.T, database, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// Create makes a database.
func (s Server) Create(t *testing.T, database string) {
	s.Exec(t, "postgres", "CREATE DATABASE "+database)
}
