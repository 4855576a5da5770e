package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// modelFiles reads the files of models below a folder, by their names in it. What begins
// with a dot is left out: tools keep their own things there.
func modelFiles(dir string) (map[string]string, error) {
	files := map[string]string{}
	within := os.DirFS(dir)
	err := fs.WalkDir(within, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir() || !isModelFile(name):
			return nil
		}
		text, err := fs.ReadFile(within, name)
		files[name] = string(text)
		return err
	})
	if err != nil {
		return nil, wrong("%v", err)
	}
	if len(files) == 0 {
		return nil, wrong("there are no .sql or .yml files below %s", dir)
	}
	return files, nil
}

func isModelFile(name string) bool {
	return slices.Contains([]string{".sql", ".yml", ".yaml"}, filepath.Ext(name))
}

// writeModels writes files into a folder and nowhere else, whatever their names say, and
// returns the names in order. Files that it does not know stay.
func writeModels(dir string, files map[string]string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, wrong("%v", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, wrong("%v", err)
	}
	defer root.Close()
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		at := filepath.FromSlash(name)
		err := root.MkdirAll(filepath.Dir(at), 0o750)
		if err == nil {
			err = root.WriteFile(at, []byte(files[name]), 0o600)
		}
		if err != nil {
			return nil, wrong("%v", err)
		}
	}
	return names, nil
}
