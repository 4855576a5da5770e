package oracle

import (
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

const redis Service = "REDIS"

// Redis starts a Redis server, no emulator, and returns its URL. The server ends when
// stop is called, or with the test.
func Redis(t testing.TB) (url string, stop func()) {
	t.Helper()
	require(t, redis)
	port := freePort(t)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	child := exec.Command("redis-server", "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	answers := func() bool {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		return err == nil && conn.Close() == nil
	}
	if !start(t, child, answers) {
		t.FailNow()
	}
	return "redis://" + address, func() { _ = child.Process.Kill() }
}
