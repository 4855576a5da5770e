package oracle

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// need is something that an emulator cannot start without.
type need struct {
	program string // found on the path
	file    string // below the root of the repository
	install string // the command that brings it
}

var (
	java = need{program: "java", install: "apt-get install default-jre-headless"}
	moto = need{program: "moto_server", install: "pip install 'moto[server]'"}
	node = need{program: "node", install: "apt-get install nodejs npm"}
)

func module(path string) need {
	return need{file: filepath.Join("node_modules", path), install: "npm ci"}
}

var needs = map[Service][]need{
	DynamoDB: {java, module(dynamoFolder)},
	S3:       {{program: "go", install: "see https://go.dev/doc/install"}},
	Kinesis:  {node, module(kinesisScript)},
	SQS:      {node, module(sqsScript)},
	Cognito:  {node, module(cognitoScript)},
	Secrets:  {moto},
	Alarms:   {moto},
	redis:    {{program: "redis-server", install: "apt-get install redis-server"}},
}

// require skips the test loudly if a service has no emulator here, or fails it
// where emulators are required.
func require(t testing.TB, s Service) {
	t.Helper()
	demand(t, "the emulator of "+string(s), optional[s], needs[s]...)
}

func installedHere(s Service) bool {
	return !slices.ContainsFunc(needs[s], func(n need) bool { return !n.met() })
}

// RequireModule is for tests that run a program of an npm module: it skips the test
// loudly, or fails it, where the module or Node is absent.
func RequireModule(t testing.TB, what, path string) {
	t.Helper()
	demand(t, what, false, node, module(path))
}

func demand(t testing.TB, what string, optional bool, all ...need) {
	t.Helper()
	for _, n := range all {
		if n.met() {
			continue
		}
		message := fmt.Sprintf("NOT TESTED: %s needs %s%s; to enable it: %s", what, n.program, n.file, n.install)
		if os.Getenv("TARN_REQUIRE_ORACLES") == "1" && !optional {
			t.Fatal(message)
		}
		t.Skip(message)
	}
}

func (n need) met() bool {
	if n.program != "" {
		_, err := exec.LookPath(n.program)
		return err == nil
	}
	_, err := os.Stat(filepath.Join(root(), n.file))
	return err == nil
}

// root is the folder that holds go.mod.
func root() string {
	folder, err := os.Getwd()
	if err != nil {
		return "."
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			return "."
		}
		folder = filepath.Dir(folder)
	}
}

// installed is a path below node_modules.
func installed(path string) string { return filepath.Join(root(), "node_modules", path) }
