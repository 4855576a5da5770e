// #nosec G204 G306 -- tests start a server that is installed, and another user reads its key

// Package mysqltest runs a real MariaDB for tests, from whatever is installed.
package mysqltest

import (
	"bytes"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Server is a MariaDB that ends with the test.
type Server struct {
	Port int // on 127.0.0.1
}

// The user who may do everything.
const (
	User     = "tester"
	Password = "s3cret-of-the-test"
)

// Start starts a server, or skips the test where none is installed.
func Start(t *testing.T) Server {
	t.Helper()
	daemon, err := exec.LookPath("mariadbd")
	if err != nil {
		const absent = "there is no MariaDB; apt-get install mariadb-server enables this test"
		if os.Getenv("TARN_REQUIRE_ORACLES") == "1" {
			t.Fatal(absent)
		}
		t.Skip("SKIPPED: " + absent)
	}
	dir, err := os.MkdirTemp("", "tarn-mariadb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	who := owner(t, dir)
	install := exec.Command("mariadb-install-db", "--no-defaults", "--datadir="+filepath.Join(dir, "data"), "--skip-test-db", "--auth-root-authentication-method=normal")
	install.SysProcAttr, install.Dir = who, dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v: %s", err, out)
	}
	s := Server{Port: freePort(t)}
	s.serve(t, daemon, dir, who)
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

// owner gives dir to the user mysql where the test runs as root, as which MariaDB does not.
func owner(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	who, err := user.Lookup("mysql")
	if err != nil {
		t.Skip("SKIPPED: there is no user mysql, and MariaDB does not run as root")
	}
	uid, _ := strconv.Atoi(who.Uid) // a number on every system that has MariaDB
	gid, _ := strconv.Atoi(who.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}} // #nosec G115 -- ids of users
}

func (s Server) serve(t *testing.T, daemon, dir string, who *syscall.SysProcAttr) {
	t.Helper()
	socket := filepath.Join(dir, "socket")
	certificate, key := certify(t, dir)
	server := exec.Command(daemon, "--no-defaults", "--datadir="+filepath.Join(dir, "data"), "--socket="+socket, "--pid-file="+filepath.Join(dir, "pid"),
		"--bind-address=127.0.0.1", "--port="+strconv.Itoa(s.Port), "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=128M", "--innodb-log-file-size=48M",
		"--ssl-cert="+certificate, "--ssl-key="+key, "--character-set-server=utf8mb4", "--max-allowed-packet=64M", "--sql-mode=STRICT_TRANS_TABLES")
	server.SysProcAttr, server.Dir = who, dir
	var said bytes.Buffer
	server.Stderr = &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill() // nobody needs what it has
		_ = server.Wait()
	})
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr, config.MultiStatements, config.Logger = "root", "unix", socket, true, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	root := sql.OpenDB(connector)
	defer func() { _ = root.Close() }()
	deadline := time.Now().Add(time.Minute)
	for {
		_, err := root.Exec(fmt.Sprintf("CREATE USER %s@'127.0.0.1' IDENTIFIED BY '%s'; GRANT ALL ON *.* TO %[1]s@'127.0.0.1' WITH GRANT OPTION", User, Password))
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("MariaDB does not answer: %v: %s", err, said.String())
		}
		time.Sleep(20 * time.Millisecond) // another process starts
	}
}

// certify writes a certificate that nobody has signed, and its key.
func certify(t *testing.T, dir string) (certificate, key string) {
	t.Helper()
	known := httptest.NewTLSServer(nil)
	defer known.Close()
	pair := known.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// DSN is the connection string of a database.
func (s Server) DSN(database string) string {
	return fmt.Sprintf("mysql://%s:%s@127.0.0.1:%d/%s?tls=disable", User, Password, s.Port, database)
}

// Open makes a database and returns a connection to it, on which many statements may go
// at a time.
func (s Server) Open(t *testing.T, database string) *sql.DB {
	t.Helper()
	config := mysql.NewConfig()
	config.User, config.Passwd, config.Net, config.Addr, config.MultiStatements, config.Logger = User, Password, "tcp", fmt.Sprint("127.0.0.1:", s.Port), true, &mysql.NopLogger{}
	config.InterpolateParams = true // several statements cannot be prepared
	config.Params = map[string]string{"time_zone": "'+00:00'", "sql_mode": "''"}
	make, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	first := sql.OpenDB(make)
	defer func() { _ = first.Close() }()
	if _, err := first.Exec("CREATE DATABASE " + database); err != nil {
		t.Fatal(err)
	}
	config.DBName = database
	to, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(to)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
