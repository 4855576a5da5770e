package files

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
)

// matches reports whether a table has a file: the table is its name, a folder that it lies
// in, or a pattern. Folders and patterns have no files whose names say that they hold no
// rows, as those of Hadoop do.
func matches(table, name string) bool {
	if name == table {
		return true
	}
	if base := path.Base(name); strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return false
	}
	if strings.HasPrefix(name, strings.TrimSuffix(table, "/")+"/") {
		return true
	}
	ok, _ := path.Match(table, name) // which was checked
	return ok
}

// prefixOf is what the names of all files of a table begin with.
func prefixOf(table string) string {
	if at := strings.IndexAny(table, `*?[\`); at >= 0 {
		return table[:at]
	}
	return strings.TrimSuffix(table, "/")
}

// files returns the files of a table, in the order of their times, and then of their names.
func (s *Source) files(ctx context.Context, table string) ([]entry, error) {
	all, err := s.folder.list(ctx, prefixOf(table), maxScan+1)
	if err != nil {
		return nil, err
	}
	scanned := len(all)
	all = slices.DeleteFunc(all, func(e entry) bool { return !matches(table, e.name) })
	if scanned > maxScan || len(all) > maxFiles {
		return nil, fault.New(fault.TooLarge, "too_many_files", "the table %.80q has more than %d files, or its folder more than %d", table, maxFiles, maxScan).
			WithHint("make several tables of it, or put what was read elsewhere")
	}
	if all, err = s.folder.stat(ctx, all); err != nil {
		return nil, err
	}
	if len(all) == 0 { // a slip of the pen would empty a dataset
		return nil, fault.New(fault.NotFound, "unknown_table", "no file is %.80q", table).WithHint("GET …/tables lists what there is")
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(a.modified.Compare(b.modified), strings.Compare(a.name, b.name))
	})
	return all, nil
}
