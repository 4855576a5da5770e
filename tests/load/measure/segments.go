package measure

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// Segments returns the DuckDB table of the rows that a data folder has sealed. It is
// for folders of which nothing was deleted or replaced.
func Segments(dir string) (string, error) {
	var files []string
	err := filepath.WalkDir(filepath.Join(dir, "blobs"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".parquet" && strings.Contains(path, "/rows/") {
			files = append(files, "'"+path+"'")
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = errors.New("no segment was sealed")
	}
	return "read_parquet([" + strings.Join(files, ", ") + "])", err
}
