// #nosec G204 -- tests start a server that was built for them

// Package mongodbtest runs a server that speaks MongoDB's protocol for tests: FerretDB, on
// SQLite. It is not MongoDB: it has one node, no snapshots and no collations, and does not
// store NaN, infinities, decimals, code or keys that are the least and the greatest.
package mongodbtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Server is a FerretDB that ends with the test.
type Server struct {
	Port   int           // on 127.0.0.1
	Client *mongo.Client // of its user
}

// The user that the server knows.
const (
	User     = "tarn"
	Password = "s3cret-of-the-test"
)

// Start starts a server, or skips the test where none was built.
func Start(t *testing.T) Server {
	t.Helper()
	program := find()
	if program == "" {
		const absent = "there is no FerretDB; make build/ferretdb enables this test"
		if os.Getenv("TARN_REQUIRE_ORACLES") == "1" {
			t.Fatal(absent)
		}
		t.Skip("SKIPPED: " + absent)
	}
	s := Server{Port: freePort(t)}
	c := exec.Command(program, "--handler=sqlite", "--sqlite-url=file:"+t.TempDir()+"/", fmt.Sprintf("--listen-addr=127.0.0.1:%d", s.Port),
		"--debug-addr=-", "--telemetry=disable", "--state-dir=-", "--log-level=error",
		"--test-enable-new-auth", "--setup-database=admin", "--setup-username="+User, "--setup-password="+Password)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	s.connect(t, &said)
	return s
}

// find returns the program: that of the path, or what the Makefile has built.
func find() string {
	if path, err := exec.LookPath("ferretdb"); err == nil {
		return path
	}
	folder, err := os.Getwd()
	for err == nil && folder != filepath.Dir(folder) {
		path := filepath.Join(folder, "build", "ferretdb")
		if _, err := os.Stat(path); err == nil {
			return path
		}
		folder = filepath.Dir(folder)
	}
	return ""
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

// connect waits for the server, which makes its user once it listens.
func (s *Server) connect(t *testing.T, said *bytes.Buffer) {
	t.Helper()
	o := options.Client().SetHosts([]string{fmt.Sprint("127.0.0.1:", s.Port)}).SetDirect(true).SetServerSelectionTimeout(time.Minute).
		SetAuth(options.Credential{Username: User, Password: Password, AuthSource: "admin"})
	client, err := mongo.Connect(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) })
	deadline := time.Now().Add(time.Minute)
	for {
		if err = client.Ping(t.Context(), nil); err == nil {
			s.Client = client
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("FerretDB does not answer: %v: %s", err, said.String())
		}
		time.Sleep(20 * time.Millisecond) // another process starts
	}
}

// DSN is the connection string of a database.
func (s Server) DSN(database string) string {
	return fmt.Sprintf("mongodb://%s:%s@127.0.0.1:%d/%s?authSource=admin", User, Password, s.Port, database)
}
