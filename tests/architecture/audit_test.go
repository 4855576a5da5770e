package architecture

import (
	"go/ast"
	"path"
	"testing"
)

// TestEveryFunctionThatServesTheAPITellsTheAuditLog looks at the mains: a server that
// nobody gave the log would refuse callers, run SQL and change a directory untold.
func TestEveryFunctionThatServesTheAPITellsTheAuditLog(t *testing.T) {
	served := 0
	for _, s := range sources(t) {
		if path.Base(s.folder) != "lambda" || path.Dir(path.Dir(s.folder)) != "functions" || s.test || s.folder == "functions/reference/lambda" { // open to anyone
			continue
		}
		calls := map[string]bool{}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if f, ok := call.Fun.(*ast.SelectorExpr); ok {
					if of, ok := f.X.(*ast.Ident); ok {
						calls[of.Name+"."+f.Sel.Name] = true
					}
				}
			}
			return true
		})
		if !calls["api.New"] {
			continue
		}
		served++
		if !calls["server.Audit"] {
			t.Errorf("%s does not call server.Audit", s.path)
		}
	}
	if served == 0 {
		t.Error("no function serves the API: how is this asked now?")
	}
}
