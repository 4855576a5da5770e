// Package cli plays scripts of what people and programs type into a terminal, one for each
// noun of the command line, against one real server. What is printed and how a command
// ends is what they hold.
package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tarnhq/tarn/shared/connector/postgres/postgrestest"
)

const root = "../.."

// bin and data are the folders of the program and of the server.
var bin, data string

func TestMain(m *testing.M) {
	testscript.Main(prepared{m}, map[string]func(){"browse": browse})
}

// prepared runs the tests between the start and the end of a server.
type prepared struct{ *testing.M }

func (p prepared) Run() int {
	code, err := p.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func (p prepared) run() (code int, err error) {
	folder, err := os.MkdirTemp("", "tarn-cli-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder)
	bin, data = filepath.Join(folder, "bin"), filepath.Join(folder, "data")
	for path, what := range map[string]string{filepath.Join(bin, "tarn"): "./functions/cli", filepath.Join(folder, "tarnd"): "./functions/local"} {
		build := exec.Command("go", "build", "-o", path, what)
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			return 1, fmt.Errorf("build: %w\n%s", err, out)
		}
	}
	server := exec.Command(filepath.Join(folder, "tarnd"))
	server.Env = append(os.Environ(), "PORT=0", "DATA_DIR="+data, "DEMO=0", "ALLOW_NETWORKS=127.0.0.0/8")
	if err := server.Start(); err != nil {
		return 1, err
	}
	defer func() {
		err = errors.Join(err, server.Process.Signal(os.Interrupt), server.Wait())
	}()
	if err := appeared(filepath.Join(data, "ready.json")); err != nil {
		return 1, err
	}
	return p.M.Run(), nil
}

// appeared waits for a file.
func appeared(path string) error {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); <-look.C {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
	}
	return errors.New("the server did not serve within a minute")
}

func TestScripts(t *testing.T) {
	testscript.Run(t, params("testdata/*.txtar"))
}

// TestScriptsOfConnectors plays those that need another system.
func TestScriptsOfConnectors(t *testing.T) {
	source := postgrestest.Start(t)
	p := params("testdata/postgres/*.txtar")
	setup := p.Setup
	p.Setup = func(e *testscript.Env) error {
		if err := setup(e); err != nil {
			return err
		}
		e.Setenv("PATH", e.Getenv("PATH")+string(filepath.ListSeparator)+source.Bin) // psql
		e.Setenv("SOURCE", source.DSN("postgres"))
		e.Setenv("REFUSED", strings.Replace(source.DSN("postgres"), postgrestest.Password, "wrong", 1))
		return os.WriteFile(filepath.Join(e.WorkDir, "dsn"), []byte(source.DSN("postgres")+"\n"), 0o600)
	}
	testscript.Run(t, p)
}

func params(scripts string) testscript.Params {
	files, err := filepath.Glob(scripts)
	if err != nil || len(files) == 0 {
		panic(fmt.Sprintf("%s: no scripts, %v", scripts, err))
	}
	return testscript.Params{
		Files:               files,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+string(filepath.ListSeparator)+e.Getenv("PATH"))
			e.Setenv("DATA", data)
			e.Setenv("TARN_CONFIG", filepath.Join(e.WorkDir, "config", "config.json"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "until": until},
	}
}

// exits runs a program that must end with a code: exits 3 tarn ledger shop.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENTS")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended, is := errors.AsType[*exec.ExitError](err)
		if !is {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("%v ended with %d, want %d", args[1:], got, want)
	}
}

// until runs a program again and again until what it writes matches, for numbers that
// follow what was sent: until 'all +12' tarn ledger shop.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN PROGRAM ARGUMENTS")
	}
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for range 400 {
		if ts.Exec(args[1], args[2:]...) == nil && pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		<-again.C
	}
	ts.Fatalf("%v never writes what matches %s", args[1:], pattern)
}
