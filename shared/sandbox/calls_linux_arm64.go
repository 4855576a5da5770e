package sandbox

import "golang.org/x/sys/unix"

const (
	arch    = unix.AUDIT_ARCH_AARCH64
	foreign = 0xffff_ffff // there is no second interface
)

// forbiddenHere are calls that only this architecture has under that name.
var forbiddenHere = []int{unix.SYS_RENAMEAT}

func filterHere() []unix.SockFilter { return nil }
