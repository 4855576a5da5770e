package model

import (
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// Read reads a folder. What is wrong with it is fault.Invalid, with the file and, where
// there is one, the line; a cycle names the models on it. Whether the SQL may run, and what
// its columns are, is not looked at.
func Read(files Files) (Project, error) {
	if err := bounded(files); err != nil {
		return Project{}, err
	}
	models := map[dataset.Name]*Model{}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		name, isSQL := strings.CutSuffix(path.Base(file), ".sql")
		if !isSQL {
			continue
		}
		if err := dataset.Name(name).Check(); err != nil {
			return Project{}, bad(file, "the file's name cannot name a dataset").WithHint("a letter, then a-z, 0-9 and _: daily_sales.sql")
		}
		if models[dataset.Name(name)] != nil {
			return Project{}, bad(file, "there are two files of the model %q", name)
		}
		sql, refs, sources, err := expand(file, files[file])
		if err != nil {
			return Project{}, err
		}
		models[dataset.Name(name)] = &Model{Name: dataset.Name(name), SQL: trimmed(sql), Refs: refs, Sources: sources, Cadence: Manual}
	}
	said := map[dataset.Name]string{}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(file, ".sql") {
			if err := configure(file, files[file], models, said); err != nil {
				return Project{}, err
			}
		}
	}
	if err := linked(models); err != nil {
		return Project{}, err
	}
	ordered, err := order(models)
	return Project{Models: ordered}, err
}

// trimmed is a statement without the semicolon that may end it.
func trimmed(sql string) string { return strings.TrimRight(strings.TrimSpace(sql), "; \t\r\n") }

func bounded(files Files) error {
	size := 0
	for name, text := range files {
		size += len(name) + len(text)
		switch {
		case !utf8.ValidString(text) || !utf8.ValidString(name):
			return bad(clip(name), "the file is not text in UTF-8")
		case name != path.Clean(name) || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "..") || len(name) > 200:
			return bad(clip(name), "this is no name of a file in the folder")
		case !strings.HasSuffix(name, ".sql") && !strings.HasSuffix(name, ".yml") && !strings.HasSuffix(name, ".yaml"):
			return bad(clip(name), "a folder of models holds .sql and .yml files").WithHint("leave other files out")
		}
	}
	if len(files) > MaxFiles || size > MaxText {
		return fault.New(fault.TooLarge, "models_too_large", "a folder of models has at most %d files and %d bytes", MaxFiles, MaxText)
	}
	return nil
}

// linked checks that each reference is of what it says.
func linked(models map[dataset.Name]*Model) error {
	if len(models) > MaxModels {
		return fault.New(fault.TooLarge, "models_too_large", "a folder has at most %d models", MaxModels)
	}
	for _, name := range slices.Sorted(maps.Keys(models)) {
		m := models[name]
		for _, r := range m.Refs {
			if models[r] == nil {
				return bad(string(name)+".sql", "there is no model %q", r).WithHint("a dataset that is no model is {{ source('%s') }}", r)
			}
		}
		for _, s := range m.Sources {
			if models[s] != nil {
				return bad(string(name)+".sql", "%q is a model", s).WithHint("write {{ ref('%s') }}", s)
			}
		}
		if len(m.Refs)+len(m.Sources) == 0 {
			return bad(string(name)+".sql", "the model reads nothing").WithHint("name a dataset with {{ source('web') }}")
		}
	}
	return nil
}

// order puts models behind what they read, and otherwise by name.
func order(models map[dataset.Name]*Model) ([]Model, error) {
	var out []Model
	const visiting, done = 1, 2
	state := map[dataset.Name]int{}
	var way []string
	var visit func(dataset.Name) error
	visit = func(name dataset.Name) error {
		way = append(way, string(name))
		defer func() { way = way[:len(way)-1] }()
		switch state[name] {
		case visiting:
			return fault.New(fault.Invalid, "model_cycle", "the models are a cycle: %s", strings.Join(way[slices.Index(way, string(name)):], " → ")).
				WithHint("a model cannot be built from its own result")
		case done:
			return nil
		}
		state[name] = visiting
		for _, r := range models[name].Refs {
			if err := visit(r); err != nil {
				return err
			}
		}
		state[name] = done
		out = append(out, *models[name])
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(models)) {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return out, nil
}
