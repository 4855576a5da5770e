package lambda

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

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
	mu     sync.Mutex
	built  map[string]func() error // by function
}{built: map[string]func() error{}}

// buildAll builds every function, two at a time: most of a build is a linker, which uses
// one processor and much memory.
func buildAll(t testing.TB) {
	t.Helper()
	var building errgroup.Group
	building.SetLimit(2)
	for _, f := range route.Functions {
		building.Go(once(f))
	}
	if err := building.Wait(); err != nil {
		t.Fatal(err)
	}
}

// build builds a function once and returns the program.
func build(t testing.TB, f route.Function) string {
	t.Helper()
	if err := once(f)(); err != nil {
		t.Fatal(err)
	}
	return program(f)
}

func program(f route.Function) string { return filepath.Join(programs.folder, f.Name) }

// once is what builds a function when it is called first.
func once(f route.Function) func() error {
	programs.mu.Lock()
	defer programs.mu.Unlock()
	if programs.built[f.Name] == nil {
		programs.built[f.Name] = sync.OnceValue(func() error { return compile(f) })
	}
	return programs.built[f.Name]
}

func compile(f route.Function) error {
	flags, cgo := pure, "CGO_ENABLED=0"
	if f.Engine {
		flags, cgo = static, "CGO_ENABLED=1"
	}
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", program(f)}, flags...)
	command := exec.Command("go", append(args, "./functions/"+f.Name+"/lambda")...)
	command.Dir, command.Env = root, append(os.Environ(), cgo)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", f.Name, err, out)
	}
	return nil
}
