package partial

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Folder is the folder of a dataset's blobs in which answers are kept, by shape and
// version. Nothing is lost when all of it is deleted.
const Folder = "partials"

// format is the version of what blobs hold. It is part of their keys.
const format = "1"

// recall returns what is kept of a shape: in memory, or else in the newest blob that
// is not newer than the snapshot.
func (e *Engine) recall(ctx context.Context, name shape, over snapshot.Snapshot) kept {
	if k, ok := e.units.Get(name); ok || e.config.Blobs == nil {
		return k
	}
	folder := e.folderOf(name, over)
	k, err := e.load(ctx, folder)
	if err != nil {
		e.config.Log.Warn("kept answers cannot be read", "folder", folder, "error", err)
		return kept{}
	}
	e.units.Put(name, k, k.size())
	return k
}

// remember keeps what a question found out, and stores it if finding it out again
// would cost a scan of many rows. A failure to store costs that scan and no more.
func (e *Engine) remember(ctx context.Context, name shape, over snapshot.Snapshot, k kept, scanned int64) {
	if e.config.Blobs != nil && scanned >= e.config.Stored && over.Version > k.stored {
		folder := e.folderOf(name, over)
		if err := e.store(ctx, folder, over.Version, k); err != nil {
			e.config.Log.Warn("answers cannot be kept", "folder", folder, "error", err)
		} else {
			k.stored = over.Version
		}
	}
	e.units.Put(name, k, k.size())
}

func (e *Engine) folderOf(name shape, over snapshot.Snapshot) string {
	sum := sha256.Sum256([]byte(e.config.Engine + "\n" + name.plan))
	return over.Segments[0].Home() + Folder + "/" + format + "-" + hex.EncodeToString(sum[:12]) + "/"
}

// store writes a blob and deletes the one that it replaces.
func (e *Engine) store(ctx context.Context, folder string, version manifest.Version, k kept) error {
	if err := e.config.Blobs.Put(ctx, keyOf(folder, version), encode(k.units)); err != nil && !fault.Is(err, fault.Conflict) {
		return err
	}
	if k.stored == 0 {
		return nil
	}
	return e.config.Blobs.Delete(ctx, keyOf(folder, k.stored))
}

func keyOf(folder string, version manifest.Version) string {
	return folder + fmt.Sprintf("%020d", version)
}

// load reads the newest blob of a folder; there may be none.
func (e *Engine) load(ctx context.Context, folder string) (kept, error) {
	key := ""
	for next := ""; ; {
		page, err := e.config.Blobs.List(ctx, folder, next, 1000)
		if err != nil {
			return kept{}, err
		}
		if n := len(page.Blobs); n > 0 {
			key = page.Blobs[n-1].Key
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if key == "" {
		return kept{}, nil
	}
	version, err := strconv.ParseUint(path.Base(key), 10, 64)
	if err != nil {
		return kept{}, err
	}
	body, err := e.config.Blobs.Get(ctx, key, 0, -1)
	if fault.Is(err, fault.NotFound) {
		return kept{}, nil // replaced meanwhile
	}
	if err != nil {
		return kept{}, err
	}
	defer body.Close()
	packed, err := io.ReadAll(body)
	if err != nil {
		return kept{}, err
	}
	units, err := decode(packed)
	return kept{units: units, stored: manifest.Version(version)}, err
}

// lasts is how long a stored answer lasts that nobody has added to.
const lasts = 7 * 24 * time.Hour

// Sweep deletes the stored answers of a dataset that were last added to long ago, and
// returns how many.
func Sweep(ctx context.Context, blobs blob.Store, t tenant.ID, d dataset.ID, now time.Time) (int, error) {
	return blob.Clear(ctx, blobs, segment.Prefix(t, d)+Folder+"/", func(b blob.Info) bool { return now.Sub(b.Modified) < lasts })
}

var (
	packers   = sync.OnceValue(func() *zstd.Encoder { w, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)); return w }) // no option can fail
	unpackers = sync.OnceValue(func() *zstd.Decoder {
		r, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxUnpacked))
		return r
	})
)

// maxUnpacked bounds what a blob may hold, in bytes.
const maxUnpacked = 256 << 20

// encode writes units: their number, then of each the last day, the keys of its
// segments, the number of rows and of values in each, and the values.
func encode(units []unit) []byte {
	out := binary.AppendUvarint(nil, uint64(len(units)))
	for _, u := range units {
		out = binary.AppendVarint(out, int64(u.last))
		out = binary.AppendUvarint(out, uint64(len(u.segments)))
		for _, key := range u.segments {
			out = append(binary.AppendUvarint(out, uint64(len(key))), key...)
		}
		out = binary.AppendUvarint(out, uint64(len(u.rows)))
		for _, row := range u.rows {
			out = binary.AppendUvarint(out, uint64(len(row)))
			for _, v := range row {
				out = v.AppendBinary(out)
			}
		}
	}
	return packers().EncodeAll(out, nil)
}

var errBroken = errors.New("it is no list of units")

func decode(packed []byte) ([]unit, error) {
	data, err := unpackers().DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBroken, err)
	}
	r := reader{data: data}
	var units []unit
	for n := r.count(); n > 0 && !r.broken; n-- {
		units = append(units, r.unit())
	}
	if r.broken || len(r.data) > 0 {
		return nil, errBroken
	}
	return units, nil
}

// reader reads what encode wrote. After a mistake it reads zeros.
type reader struct {
	data   []byte
	broken bool
}

func (r *reader) fail() {
	r.data, r.broken = nil, true
}

// count reads the number of things that take a byte at least.
func (r *reader) count() int {
	v, n := binary.Uvarint(r.data)
	if n <= 0 || v > uint64(len(r.data)-n) {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return int(v)
}

func (r *reader) unit() unit {
	u := unit{last: segment.Day(r.varint())}
	for n := r.count(); n > 0 && !r.broken; n-- {
		u.segments = append(u.segments, r.text())
	}
	for n := r.count(); n > 0 && !r.broken; n-- {
		row := make([]query.Value, r.count())
		for i := range row {
			row[i] = r.value()
		}
		u.rows = append(u.rows, row)
	}
	return u
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.data)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) text() string {
	n := r.count()
	text := string(r.data[:n])
	r.data = r.data[n:]
	return text
}

func (r *reader) value() query.Value {
	v, rest, err := query.DecodeValue(r.data)
	if err != nil {
		r.fail()
		return query.Value{}
	}
	r.data = rest
	return v
}
