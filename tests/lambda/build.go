package lambda

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tarnhq/tarn/shared/route"
)

// The flags of the deployed binaries (infra/infra.mk), but for this machine.
var (
	pure   = []string{"-tags", "lambda.norpc", "-ldflags", "-s -w -buildid="}
	static = []string{"-tags", "lambda.norpc,netgo,osusergo", "-ldflags", `-s -w -buildid= -linkmode external -extldflags "-static"`}
)

// root is the repository's, seen from the folder that tests run in.
const root = "../.."

// programs holds what was built for the tests of this process.
var programs = struct {
	folder string
	built  map[string]bool
}{built: map[string]bool{}}

// build builds a function once and returns the program.
func build(t testing.TB, f route.Function) string {
	t.Helper()
	program := filepath.Join(programs.folder, f.Name)
	if programs.built[f.Name] {
		return program
	}
	flags, cgo := pure, "CGO_ENABLED=0"
	if f.Engine {
		flags, cgo = static, "CGO_ENABLED=1"
	}
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", program}, flags...)
	command := exec.CommandContext(t.Context(), "go", append(args, "./functions/"+f.Name+"/lambda")...)
	command.Dir, command.Env = root, append(os.Environ(), cgo)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", f.Name, err, out)
	}
	programs.built[f.Name] = true
	return program
}
