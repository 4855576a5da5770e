package lambda

import (
	"os/exec"
	"syscall"
)

// endWithParent keeps a child from outliving a test that was killed.
func endWithParent(child *exec.Cmd) {
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
