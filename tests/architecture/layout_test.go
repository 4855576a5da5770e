package architecture

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/route"
)

func TestOnlyConfigAndProgramsThatPeopleRunReadTheEnvironment(t *testing.T) {
	allowed := []string{"shared/config", "functions/local", "functions/cli", "infra"}
	for _, s := range sources(t) {
		if s.test || slices.Contains(allowed, s.folder) {
			continue
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			if call := environment(n); call != "" {
				t.Errorf("%s calls %s: name the setting in shared/config", s.path, call)
			}
			return true
		})
	}
}

// environment returns the function by which a node reads the environment, or none.
func environment(n ast.Node) string {
	selector, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	of, ok := selector.X.(*ast.Ident)
	if !ok || of.Name != "os" && of.Name != "syscall" {
		return ""
	}
	if slices.Contains([]string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, selector.Sel.Name) {
		return of.Name + "." + selector.Sel.Name
	}
	return ""
}

func TestEveryPackageSaysWhatItKnows(t *testing.T) {
	described, names := map[string]bool{}, map[string]string{}
	for _, s := range sources(t) {
		name := s.syntax.Name.Name
		if strings.HasSuffix(name, "_test") {
			continue
		}
		if names[s.folder] == "" || !strings.HasSuffix(s.path, "_test.go") {
			names[s.folder] = name
		}
		described[s.folder] = described[s.folder] || s.syntax.Doc != nil && len(s.syntax.Doc.Text()) > 20
	}
	for folder, name := range names {
		if !described[folder] {
			t.Errorf("package %s in %s has no comment", name, folder)
		}
	}
}

func TestEveryFunctionOfTheTableHasAFolderWithAMain(t *testing.T) {
	listed := map[string]bool{}
	for _, f := range append(slices.Clone(route.Functions), route.SignIns, route.Feeds) {
		listed[f.Name] = true
		if _, err := os.Stat(filepath.Join(root, "functions", f.Name, "lambda", "main.go")); err != nil {
			t.Errorf("function %s: %v", f.Name, err)
		}
	}
	for _, r := range route.All {
		if !listed[r.Function] {
			t.Errorf("route %s is served by %q, which route.Functions does not list", r.ID, r.Function)
		}
	}
	for _, c := range route.Consumers {
		if !listed[c.Function] {
			t.Errorf("a consumer is %q, which route.Functions does not list", c.Function)
		}
	}
	for _, s := range route.Schedules {
		if !listed[s.Function] {
			t.Errorf("the clock drives %q, which route.Functions does not list", s.Function)
		}
	}
	folders, err := os.ReadDir(filepath.Join(root, "functions"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if f.Name() != "local" && f.Name() != "cli" && !listed[f.Name()] {
			t.Errorf("functions/%s is deployed by nothing: package route does not list it", f.Name())
		}
	}
}

func TestTheTopLevelHoldsWhatItsReadersExpect(t *testing.T) {
	var got []string
	for _, name := range entries(t) {
		if !strings.HasPrefix(name, ".") {
			got = append(got, name)
		}
	}
	want := []string{
		"CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "cdk.json", "console", "docs", "events", "functions",
		"go.mod", "go.sum", "infra", "package-lock.json", "package.json", "shared", "tests",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("top level, -want +got:\n" + diff)
	}
}

// TestEveryProofThatTheThreatModelNamesExists looks for the functions.
func TestEveryProofThatTheThreatModelNamesExists(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, s := range sources(t) {
		for _, d := range s.syntax.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				there[f.Name.Name] = true
			}
		}
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 20 {
		t.Fatalf("%d proofs are named: this test reads them wrongly", len(named))
	}
	for _, match := range named {
		if !there[match[1]] {
			t.Errorf("there is no %s", match[1])
		}
	}
}
