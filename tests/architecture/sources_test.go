// Package architecture checks what holds across packages: who may import whom, who
// reads the environment, what the folders are. It parses the sources itself, so that
// the files are the test's inputs and a cached result cannot hide a breach.
package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/tarnhq/tarn/"
)

// source is one parsed file. Paths and folders are relative to the root.
type source struct {
	path    string
	folder  string
	test    bool // part of a test, or of a package for tests
	syntax  *ast.File
	imports []string // ours without the module's path, others in full
}

// sources parses every Go file of the project.
func sources(t *testing.T) (all []source) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if skipped(rel) {
				return filepath.SkipDir
			}
			return nil
		}
		if path.Ext(rel) == ".go" {
			all = append(all, parse(t, filepath.ToSlash(rel)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no sources found: this test looks in the wrong place")
	}
	return all
}

func skipped(folder string) bool {
	name := filepath.Base(folder)
	return folder != "." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || folder == "build" || folder == "cdk.out")
}

func parse(t *testing.T, rel string) source {
	t.Helper()
	syntax, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, rel), nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	s := source{path: rel, folder: path.Dir(rel), syntax: syntax}
	s.test = strings.HasSuffix(rel, "_test.go") || within(s.folder, "tests") || strings.HasSuffix(s.folder, "test")
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		s.imports = append(s.imports, strings.TrimPrefix(imported, module))
	}
	return s
}

// within reports whether a package is one of these folders or below one.
func within(folder string, folders ...string) bool {
	for _, f := range folders {
		if folder == f || strings.HasPrefix(folder, f+"/") {
			return true
		}
	}
	return false
}

// entries lists the top level, without what .gitignore names.
func entries(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	ignored := map[string]bool{".git": true}
	for line := range strings.Lines(string(text)) {
		ignored[strings.Trim(strings.TrimSpace(line), "/")] = true
	}
	list, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if !ignored[e.Name()] {
			names = append(names, e.Name())
		}
	}
	return names
}
