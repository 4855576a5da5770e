package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// apart gives a command a process group, so that a kill reaches all there is of it.
func apart(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func kill(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) } // it may be gone

// niceness of the process: what serves everybody comes first.
const niceness = 5

// Enter limits this process for the rest of its life. It returns what the system did
// not let it do.
func Enter(l Limits) error {
	mapped, err := addressSpace()
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	for _, limit := range []struct {
		which int
		most  int64
	}{
		{unix.RLIMIT_AS, mapped + l.Memory},
		{unix.RLIMIT_CPU, int64(l.Seconds)},
		{unix.RLIMIT_FSIZE, 0},
		{unix.RLIMIT_NOFILE, int64(l.Files)},
		{unix.RLIMIT_CORE, 0},
	} {
		// #nosec G115 -- limits are positive
		if err := bound(limit.which, uint64(limit.most)); err != nil {
			return fmt.Errorf("sandbox: limit %d: %w", limit.which, err)
		}
	}
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, niceness) // where it may not, it is served like all
	return forbidCalls()
}

// bound lowers a limit for good; one that is lower already stays.
func bound(which int, most uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(which, &now); err != nil {
		return err
	}
	most = min(most, now.Max)
	return unix.Setrlimit(which, &unix.Rlimit{Cur: most, Max: most})
}

// addressSpace returns the bytes that this process has mapped.
func addressSpace() (int64, error) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	first, _, _ := bytes.Cut(statm, []byte(" "))
	pages, err := strconv.ParseInt(string(first), 10, 64)
	return pages * int64(os.Getpagesize()), err
}
