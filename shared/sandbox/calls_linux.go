// #nosec G115 -- numbers of system calls, and lengths of a filter of some dozen instructions, all constants

package sandbox

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// forbidden are the system calls that a process which only computes and reads files
// has no use for: sockets, other programs, other processes, changes of any file, and
// the doors into the kernel that were holes most often.
var forbidden = append([]int{
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
	unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG,
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_UNSHARE, unix.SYS_SETNS,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD,
	unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO,
	unix.SYS_UNLINKAT, unix.SYS_RENAMEAT2, unix.SYS_MKDIRAT, unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_MKNODAT,
	unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_UTIMENSAT, unix.SYS_TRUNCATE, unix.SYS_FTRUNCATE,
	unix.SYS_FALLOCATE, unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_SETRLIMIT, unix.SYS_SETUID, unix.SYS_SETGID, unix.SYS_SETRESUID, unix.SYS_SETRESGID, unix.SYS_CAPSET,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_IO_URING_SETUP, unix.SYS_USERFAULTFD,
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_KEXEC_LOAD,
	unix.SYS_REBOOT, unix.SYS_SWAPON,
}, forbiddenHere...)

// absent are calls whose arguments a filter cannot see. Who finds them absent takes
// the older call, which it can.
var absent = []int{unix.SYS_CLONE3, unix.SYS_OPENAT2}

// writing are the flags of open(2) that change a file.
const writing = unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC | unix.O_APPEND

// forbidCalls installs the filter on all threads, those to come included.
func forbidCalls() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("sandbox: no new privileges: %w", err)
	}
	code := filter()
	program := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))) // #nosec G103 -- the kernel reads it in this call
	runtime.KeepAlive(code)
	if errno != 0 {
		return fmt.Errorf("sandbox: seccomp: %w", errno)
	}
	return nil
}

// Places in what a filter sees of a call: its number, the architecture, and the low
// halves of the arguments.
const (
	atNumber = 0
	atArch   = 4
	atArg0   = 16
)

// filter assembles the program: every rule jumps over its own verdict unless it
// applies.
func filter() []unix.SockFilter {
	code := []unix.SockFilter{
		load(atArch), unless(arch, 0, 1), verdict(unix.EPERM),
		load(atNumber), unlessLess(foreign), verdict(unix.EPERM),
	}
	for _, number := range forbidden {
		code = append(code, unless(uint32(number), 1, 0), verdict(unix.EPERM))
	}
	for _, number := range absent {
		code = append(code, unless(uint32(number), 1, 0), verdict(unix.ENOSYS))
	}
	code = append(code, flagged(unix.SYS_OPENAT, 2, writing, unix.EACCES)...)
	code = append(code, filterHere()...)
	code = append(code, unflagged(unix.SYS_CLONE, 0, unix.CLONE_THREAD, unix.EPERM)...)
	return append(code, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
}

func load(place uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: place}
}

func verdict(errno unix.Errno) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)}
}

// unless compares what was loaded with a value, and skips some instructions where it
// differs, others where it does not.
func unless(value uint32, skipDifferent, skipEqual uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jt: skipEqual, Jf: skipDifferent}
}

// unlessLess skips an instruction where what was loaded is less than a value.
func unlessLess(value uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: value, Jt: 0, Jf: 1}
}

// flagged forbids a call where an argument has any of some bits.
func flagged(number, arg int, bits uint32, errno unix.Errno) []unix.SockFilter {
	return []unix.SockFilter{
		unless(uint32(number), 4, 0), load(atArg0 + 8*uint32(arg)),
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: bits, Jt: 0, Jf: 1}, verdict(errno),
		load(atNumber),
	}
}

// unflagged forbids a call where an argument has none of some bits.
func unflagged(number, arg int, bits uint32, errno unix.Errno) []unix.SockFilter {
	return []unix.SockFilter{
		unless(uint32(number), 4, 0), load(atArg0 + 8*uint32(arg)),
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: bits, Jt: 1, Jf: 0}, verdict(errno),
		load(atNumber),
	}
}
