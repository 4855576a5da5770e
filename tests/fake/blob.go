package fake

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
)

// Blobs is a blob.Store in memory; it presigns nothing. The zero Blobs is empty.
type Blobs struct {
	Now   func() time.Time
	mu    sync.Mutex
	blobs map[string]stored
}

type stored struct {
	body []byte
	at   time.Time
}

var _ blob.Store = (*Blobs)(nil)

var keyShape = regexp.MustCompile(`^[a-zA-Z0-9._=-]+(/[a-zA-Z0-9._=-]+)*$`)

func blobKey(key string) error {
	if len(key) > 900 || !keyShape.MatchString(key) || slices.ContainsFunc(strings.Split(key, "/"), func(s string) bool { return s == "." || s == ".." }) {
		return fault.New(fault.Invalid, "bad_key", "%.80q is no key", key)
	}
	return nil
}

func absent(key string) error { return fault.New(fault.NotFound, "no_blob", "no blob %s", key) }

// Put implements blob.Store.
func (b *Blobs) Put(ctx context.Context, key string, body []byte) error {
	if err := firstError(ctx.Err(), blobKey(key)); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for other := range b.blobs {
		if strings.HasPrefix(other, key+"/") || strings.HasPrefix(key, other+"/") {
			return fault.New(fault.Invalid, "bad_key", "%s is the folder of another key", key)
		}
	}
	if _, taken := b.blobs[key]; taken {
		return fault.New(fault.Conflict, "taken", "%s is taken", key)
	}
	if b.blobs == nil {
		b.blobs = map[string]stored{}
	}
	s := stored{body: bytes.Clone(body)}
	if b.Now != nil {
		s.at = b.Now()
	}
	b.blobs[key] = s
	return nil
}

// PutFrom implements blob.Store.
func (b *Blobs) PutFrom(ctx context.Context, key string, body io.ReadSeeker, size int64) error {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	all, err := io.ReadAll(io.LimitReader(body, size))
	if err != nil {
		return err
	}
	return b.Put(ctx, key, all)
}

// Get implements blob.Store.
func (b *Blobs) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.blobs[key]
	if err := firstError(ctx.Err(), blobKey(key)); err != nil {
		return nil, err
	}
	if !ok {
		return nil, absent(key)
	}
	if offset < 0 || offset > int64(len(s.body)) || offset == int64(len(s.body)) && offset > 0 {
		return nil, fault.New(fault.Invalid, "bad_range", "the range begins past the end")
	}
	rest := s.body[offset:]
	if length >= 0 && length < int64(len(rest)) {
		rest = rest[:length]
	}
	return io.NopCloser(bytes.NewReader(rest)), nil
}

// Stat implements blob.Store.
func (b *Blobs) Stat(ctx context.Context, key string) (blob.Info, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.blobs[key]
	if err := firstError(ctx.Err(), blobKey(key)); err != nil {
		return blob.Info{}, err
	}
	if !ok {
		return blob.Info{}, absent(key)
	}
	return blob.Info{Key: key, Size: int64(len(s.body)), Modified: s.at}, nil
}

// List implements blob.Store. Next is the last key returned.
func (b *Blobs) List(ctx context.Context, prefix, next string, limit int) (blob.Page, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []blob.Info
	for key, s := range b.blobs {
		if strings.HasPrefix(key, prefix) && key > next {
			found = append(found, blob.Info{Key: key, Size: int64(len(s.body)), Modified: s.at})
		}
	}
	slices.SortFunc(found, func(a, b blob.Info) int { return strings.Compare(a.Key, b.Key) })
	if limit <= 0 || len(found) <= limit {
		return blob.Page{Blobs: found}, ctx.Err()
	}
	return blob.Page{Blobs: found[:limit], Next: found[limit-1].Key}, ctx.Err()
}

// Delete implements blob.Store.
func (b *Blobs) Delete(ctx context.Context, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.blobs, key)
	return firstError(ctx.Err(), blobKey(key))
}

// PresignGet implements blob.Store: there is no server to give a URL of.
func (b *Blobs) PresignGet(context.Context, string, time.Duration) (string, error) {
	return "", fault.New(fault.Invalid, "no_presign", "blobs in memory have no URL")
}

// PresignPut implements blob.Store: there is no server to give a URL of.
func (b *Blobs) PresignPut(context.Context, string, time.Duration) (string, error) {
	return "", fault.New(fault.Invalid, "no_presign", "blobs in memory have no URL")
}
