package partial

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/lru"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Folder is the folder of a dataset's blobs in which answers are kept, by shape and
// version. Nothing is lost when all of it is deleted.
const Folder = "partials"

// shelf keeps the answers of one kind: in memory, and in blobs beyond the process.
type shelf[T any] struct {
	config Config
	form   form[T]
	memory int64 // of cache
	cache  *lru.Cache[shape, kept[T]]
}

func newShelf[T any](c Config, f form[T], memory int64) *shelf[T] {
	return &shelf[T]{c, f, memory, lru.New[shape, kept[T]](memory)}
}

// put keeps units in memory.
func (s *shelf[T]) put(name shape, k kept[T]) {
	size := int64(len(name.plan))
	for _, u := range k.units {
		size += s.sizeOf(u)
	}
	s.cache.Put(name, k, size)
}

func (s *shelf[T]) sizeOf(u unit[T]) int64 {
	size := s.form.size(u.answer)
	for _, key := range u.segments {
		size += int64(len(key)) + 16
	}
	return size
}

// idleShare is the part of the memory that the units of one shape may take which its
// last question did without.
const idleShare = 8

// small returns the first of some units that together take little memory.
func (s *shelf[T]) small(units []unit[T]) []unit[T] {
	left := s.memory / idleShare
	for i, u := range units {
		if left -= s.sizeOf(u); left < 0 {
			return units[:i]
		}
	}
	return units
}

// recall returns what is kept of a shape: in memory, or else in the newest blob that
// is not newer than the snapshot.
func (s *shelf[T]) recall(ctx context.Context, name shape, over snapshot.Snapshot) kept[T] {
	if k, ok := s.cache.Get(name); ok || s.config.Blobs == nil || len(over.Segments) == 0 {
		return k
	}
	folder := s.folderOf(name, over)
	k, err := s.load(ctx, folder)
	if err != nil {
		s.config.Log.Warn("kept answers cannot be read", "folder", folder, "error", err)
		return kept[T]{}
	}
	s.put(name, k)
	return k
}

// remember keeps what a question found out, and stores it if finding it out again
// would cost a scan of many rows. A failure to store costs that scan and no more.
func (s *shelf[T]) remember(ctx context.Context, name shape, over snapshot.Snapshot, k kept[T], scanned int64) {
	if s.config.Blobs != nil && scanned >= s.config.Stored && over.Version > k.stored {
		folder := s.folderOf(name, over)
		if err := s.store(ctx, folder, over.Version, k); err != nil {
			s.config.Log.Warn("answers cannot be kept", "folder", folder, "error", err)
		} else {
			k.stored = over.Version
		}
	}
	s.put(name, k)
}

func (s *shelf[T]) folderOf(name shape, over snapshot.Snapshot) string {
	sum := sha256.Sum256([]byte(s.config.Engine + "\n" + name.plan))
	return over.Segments[0].Home() + Folder + "/" + s.form.version + "-" + hex.EncodeToString(sum[:12]) + "/"
}

// store writes a blob and deletes the one that it replaces.
func (s *shelf[T]) store(ctx context.Context, folder string, version manifest.Version, k kept[T]) error {
	if err := s.config.Blobs.Put(ctx, keyOf(folder, version), s.form.encode(k.units)); err != nil && !fault.Is(err, fault.Conflict) {
		return err
	}
	if k.stored == 0 {
		return nil
	}
	return s.config.Blobs.Delete(ctx, keyOf(folder, k.stored))
}

func keyOf(folder string, version manifest.Version) string {
	return folder + fmt.Sprintf("%020d", version)
}

// load reads the newest blob of a folder; there may be none.
func (s *shelf[T]) load(ctx context.Context, folder string) (kept[T], error) {
	key := ""
	for next := ""; ; {
		page, err := s.config.Blobs.List(ctx, folder, next, 1000)
		if err != nil {
			return kept[T]{}, err
		}
		if n := len(page.Blobs); n > 0 {
			key = page.Blobs[n-1].Key
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if key == "" {
		return kept[T]{}, nil
	}
	version, err := strconv.ParseUint(path.Base(key), 10, 64)
	if err != nil {
		return kept[T]{}, err
	}
	body, err := s.config.Blobs.Get(ctx, key, 0, -1)
	if fault.Is(err, fault.NotFound) {
		return kept[T]{}, nil // replaced meanwhile
	}
	if err != nil {
		return kept[T]{}, err
	}
	defer body.Close()
	packed, err := io.ReadAll(body)
	if err != nil {
		return kept[T]{}, err
	}
	units, err := s.form.decode(packed)
	return kept[T]{units: units, stored: manifest.Version(version)}, err
}

// lasts is how long a stored answer lasts that nobody has added to.
const lasts = 7 * 24 * time.Hour

// Sweep deletes the stored answers of a dataset that were last added to long ago, and
// returns how many.
func Sweep(ctx context.Context, blobs blob.Store, t tenant.ID, d dataset.ID, now time.Time) (int, error) {
	return blob.Clear(ctx, blobs, segment.Prefix(t, d)+Folder+"/", func(b blob.Info) bool { return now.Sub(b.Modified) < lasts })
}
