package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// system is what a program needs of the machine before it serves anybody: itself,
// its libraries, and what the kernel tells of processors and memory.
var system = []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/proc", "/sys", "/dev/null", "/dev/urandom"}

// begin starts a command without capabilities, which sees no files but the system's
// and those that are readable, where the kernel has Landlock. Both belong to a thread
// and what it starts, so that one thread gives them up, starts the command and ends.
//
// This process's memory and environment are hidden too, from debuggers as well.
func begin(c *exec.Cmd, readable []string) error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		err := hideFiles(append(append([]string{c.Path}, system...), readable...))
		if err == nil {
			err = dropCapabilities()
		}
		if err == nil {
			err = c.Start()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", c.Process.Pid), []byte("1000"), 0o600) // the first to go when the machine has no memory
	return nil
}

// dropCapabilities leaves this thread, and what it starts, none: who started the
// server as root has not asked for a stranger's statement to be root. New privileges
// are forbidden first, or a program that root starts would have them again.
func dropCapabilities() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	return nil
}

const (
	reading = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	// handled are the rights that every version of Landlock knows, but for that to run
	// a file: the filter of calls takes it away when the process has entered.
	handled = reading | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM
)

// hideFiles leaves this thread, and what it starts, the reading of some files and
// folders. Where the kernel has no Landlock it does nothing.
func hideFiles(readable []string) error {
	rules := unix.LandlockRulesetAttr{Handled_access_fs: handled}
	set, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), unsafe.Sizeof(rules.Handled_access_fs), 0) // #nosec G103 -- the kernel reads it in this call
	if errno != 0 {
		return nil // the kernel is older, or was told to do without
	}
	defer unix.Close(int(set))
	for _, path := range readable {
		if err := allowReading(set, path); err != nil {
			return fmt.Errorf("landlock: %s: %w", path, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, set, 0, 0); errno != 0 {
		return fmt.Errorf("landlock: %w", errno)
	}
	return nil
}

// allowReading adds a file or a folder to a set of rules, if it is there.
func allowReading(set uintptr, path string) error {
	at, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(at)
	var found unix.Stat_t
	if err := unix.Fstat(at, &found); err != nil {
		return err
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: reading, Parent_fd: int32(at)} // #nosec G115 -- a file descriptor
	if found.Mode&unix.S_IFMT != unix.S_IFDIR {
		rule.Allowed_access = unix.LANDLOCK_ACCESS_FS_READ_FILE
	}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, set, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0) // #nosec G103 -- the kernel reads it in this call
	if errno != 0 {
		return errno
	}
	return nil
}
