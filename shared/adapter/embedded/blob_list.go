package embedded

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/blob"
)

// maxList is the number of blobs of one page.
const maxList = 1000

// List returns blobs in the order of their keys. Next is the last key of the page.
func (b *Blobs) List(ctx context.Context, prefix, next string, limit int) (blob.Page, error) {
	if limit <= 0 || limit > maxList {
		limit = maxList
	}
	w := walk{blobs: b, prefix: prefix, after: next, limit: limit + 1}
	if err := w.folder(ctx, b.root, ""); err != nil {
		return blob.Page{}, err
	}
	page := blob.Page{Blobs: w.found}
	if len(w.found) > limit {
		page.Blobs = w.found[:limit]
		page.Next = page.Blobs[limit-1].Key
	}
	return page, nil
}

// walk gathers the blobs of a page.
type walk struct {
	blobs  *Blobs
	prefix string
	after  string
	limit  int
	found  []blob.Info
}

// folder visits the folder whose keys begin with stem.
func (w *walk) folder(ctx context.Context, dir, stem string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := w.blobs.disk.ReadDir(dir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was removed since it was seen
		}
		return unreadable(err, stem)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int {
		return strings.Compare(textOf(a.Name(), a.IsDir()), textOf(b.Name(), b.IsDir()))
	})
	for _, entry := range entries {
		if len(w.found) >= w.limit {
			return nil
		}
		text := stem + textOf(entry.Name(), entry.IsDir())
		if entry.IsDir() {
			err = w.visit(ctx, filepath.Join(dir, entry.Name()), text)
		} else {
			err = w.file(filepath.Join(dir, entry.Name()), text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// visit goes into a folder unless no key in it can be of the page.
func (w *walk) visit(ctx context.Context, dir, stem string) error {
	fits := strings.HasPrefix(stem, w.prefix) || strings.HasPrefix(w.prefix, stem)
	over := stem < w.after && !strings.HasPrefix(w.after, stem)
	if !fits || over {
		return nil
	}
	return w.folder(ctx, dir, stem)
}

func (w *walk) file(path, key string) error {
	if !strings.HasPrefix(key, w.prefix) || key <= w.after {
		return nil
	}
	info, err := w.blobs.disk.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was deleted since it was seen
	}
	if err != nil {
		return unreadable(err, key)
	}
	w.found = append(w.found, blob.Info{Key: key, Size: info.Size(), Modified: info.ModTime()})
	return nil
}
