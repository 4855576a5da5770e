//go:build !linux

package sandbox

import (
	"fmt"
	"os/exec"
	"syscall"
)

// apart gives a command a process group, so that a kill reaches all there is of it.
func apart(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func kill(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) } // it may be gone

// begin starts a command. Here nothing hides files from it.
func begin(c *exec.Cmd, _ []string) error {
	if err := c.Start(); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	return nil
}

// Enter limits this process for the rest of its life. Here that is the processor
// time, the size of files and their number: other systems than Linux limit neither
// the address space nor the calls.
func Enter(l Limits) error {
	for which, most := range map[int]int{syscall.RLIMIT_CPU: l.Seconds, syscall.RLIMIT_FSIZE: 0, syscall.RLIMIT_NOFILE: l.Files, syscall.RLIMIT_CORE: 0} {
		both := &syscall.Rlimit{Cur: uint64(most), Max: uint64(most)}
		if err := syscall.Setrlimit(which, both); err != nil {
			return fmt.Errorf("sandbox: limit %d: %w", which, err)
		}
	}
	return nil
}
