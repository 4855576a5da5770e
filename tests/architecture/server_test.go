package architecture

import (
	"go/ast"
	"maps"
	"testing"

	"github.com/tarnhq/tarn/shared/route"
)

// TestEveryFunctionThatServesCallersTellsOfThemAndCountsThem looks at the mains: a server
// without the audit log, the meter or the grants would change things untold, serve past
// every limit, or know nobody's grants. One package makes the server of all.
func TestEveryFunctionThatServesCallersTellsOfThemAndCountsThem(t *testing.T) {
	called := map[string]map[string]bool{} // by folder
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		if called[s.folder] == nil {
			called[s.folder] = map[string]bool{}
		}
		maps.Copy(called[s.folder], calls(s.syntax))
	}
	for _, r := range route.All {
		if folder := "functions/" + r.Function + "/lambda"; r.Action != "" && (!called[folder]["apiserver.New"] || called[folder]["api.New"]) {
			t.Errorf("%s does not make its server with package apiserver", folder)
		}
	}
	for _, what := range []string{"Audit", "Meter", "Grants"} {
		if !called["shared/serve/apiserver"]["Server."+what] {
			t.Errorf("package apiserver does not call %s", what)
		}
	}
}

// calls lists what is called in a file, each with the last name of what it is called of.
func calls(file *ast.File) map[string]bool {
	all := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if f, ok := call.Fun.(*ast.SelectorExpr); ok {
			switch of := f.X.(type) {
			case *ast.Ident:
				all[of.Name+"."+f.Sel.Name] = true
			case *ast.SelectorExpr:
				all[of.Sel.Name+"."+f.Sel.Name] = true
			}
		}
		return true
	})
	return all
}
