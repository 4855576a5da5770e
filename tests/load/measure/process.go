package measure

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a server that was started to be measured.
type Process struct {
	cmd   *exec.Cmd
	begun time.Duration // processor time when Begin was called
}

// Self returns the processor time that this process has used, and those of its children
// that have ended.
func Self() (time.Duration, error) {
	var own, children syscall.Rusage
	err := errors.Join(syscall.Getrusage(syscall.RUSAGE_SELF, &own), syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children))
	return time.Duration(own.Utime.Nano() + own.Stime.Nano() + children.Utime.Nano() + children.Stime.Nano()), err
}

// StartProcess starts a command. What it says goes to log.
func StartProcess(cmd *exec.Cmd, log string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the child has its own
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Process{cmd: cmd}, nil
}

// Begin leaves what the process used so far out of account.
func (p *Process) Begin() (err error) {
	p.begun, err = p.total()
	return err
}

// CPU returns the user and system time that the process and its children have used
// since Begin.
func (p *Process) CPU() (time.Duration, error) {
	now, err := p.total()
	return now - p.begun, err
}

// End asks the process to stop, waits, and returns what CPU would, to the very end.
func (p *Process) End(signal os.Signal) (time.Duration, error) {
	if err := p.cmd.Process.Signal(signal); err != nil {
		return 0, err
	}
	err := p.cmd.Wait()
	used := p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime() - p.begun
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		err = nil // a server without a handler for the signal
	}
	return used, err
}

// RSS returns the bytes of memory that the process itself holds.
func (p *Process) RSS() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("statm: %q", text)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// PeakRSS returns the most bytes of memory that the process itself has held.
func (p *Process) PeakRSS() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(rest)
	if !found || len(fields) < 2 {
		return 0, errors.New("the kernel does not tell the peak of a process's memory")
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10, err
}

// total adds up the process, those of its descendants that live, and those that it
// has waited for.
func (p *Process) total() (time.Duration, error) {
	all, err := processes()
	if err != nil {
		return 0, err
	}
	var sum func(pid int) int64
	sum = func(pid int) int64 {
		ticks := all[pid].ticks
		for child, stat := range all {
			if stat.parent == pid {
				ticks += sum(child)
			}
		}
		return ticks
	}
	const tick = time.Second / 100 // USER_HZ, fixed on Linux
	return time.Duration(sum(p.cmd.Process.Pid)) * tick, nil
}

type processStat struct {
	parent int
	ticks  int64
}

// processes reads the state of every process of the machine.
func processes() (map[int]processStat, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, errors.New("there is no /proc here: processor time can be read on Linux only")
	}
	all := map[int]processStat{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		all[pid] = parseStat(string(text))
	}
	return all, nil
}

// parseStat reads the fields behind the name, which may itself hold spaces.
func parseStat(text string) (s processStat) {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 15 {
		return s
	}
	s.parent, _ = strconv.Atoi(fields[1])
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		n, _ := strconv.ParseInt(field, 10, 64)
		s.ticks += n
	}
	return s
}
