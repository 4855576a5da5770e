package file

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Bounds of files that are uploaded in parts.
const (
	PartSize    = 256 << 20 // bytes, unless another is asked for; the last part is shorter
	MinPartSize = 1 << 20
	MaxParts    = 1000
	MaxSize     = 64 << 30 // bytes of a file: what is read of one at most
)

// Extent is how large a file is, and its parts. A file without one is uploaded as a whole.
type Extent struct {
	Size     int64 `json:"size,omitempty" minimum:"0" maximum:"68719476736" doc:"bytes. A file larger than a part is uploaded in parts, each to an address of its own, and goes on where it broke off; without a size it is one PUT of at most 5 GiB"`
	PartSize int64 `json:"part_size,omitempty" minimum:"1048576" maximum:"5368709120" doc:"bytes of a part; default 256 MiB"`
}

// settle returns the parts that a file of a size is uploaded in, none if one will do.
func (s Extent) settle() (Extent, error) {
	if s.PartSize == 0 {
		s.PartSize = PartSize
	}
	switch {
	case s.Size < 0 || s.Size > MaxSize || s.PartSize < MinPartSize || s.PartSize > blob.MaxSize:
		return Extent{}, fault.New(fault.Invalid, "bad_file_size", "a file has at most %d bytes, and a part %d to %d", int64(MaxSize), MinPartSize, int64(blob.MaxSize))
	case s.Size <= s.PartSize:
		return Extent{}, nil
	case s.count() > MaxParts:
		return Extent{}, fault.New(fault.Invalid, "too_many_parts", "a file has at most %d parts", MaxParts).WithHint("ask for parts of %d bytes or more", (s.Size+MaxParts-1)/MaxParts)
	}
	return s, nil
}

// parted reports whether the file is uploaded in parts.
func (s Extent) parted() bool { return s.Size > 0 }

func (s Extent) count() int {
	if !s.parted() {
		return 0
	}
	return int((s.Size + s.PartSize - 1) / s.PartSize)
}

// length is that of a part, which are counted from 0.
func (s Extent) length(part int) int64 { return min(s.PartSize, s.Size-int64(part)*s.PartSize) }

// Upload is a part of a file that is not there yet, and where it goes.
type Upload struct {
	Offset int64  `json:"offset" doc:"of the part in the file, in bytes"`
	Length int64  `json:"length,omitempty" doc:"bytes; absent of a file that goes as a whole"`
	URL    string `json:"upload_url" doc:"PUT these bytes here within an hour, with no other credential"`
}

func (f File) partKey(t tenant.ID, part int) string { return fmt.Sprintf("%s.%04d", f.blob(t), part) }

// Uploads lists the parts that are not there, each with where to put it for an hour. A part
// of another length than it should have is taken away.
func (s Store) Uploads(ctx context.Context, t tenant.ID, f File) ([]Upload, error) {
	if !f.parted() {
		return s.wholeUpload(ctx, t, f)
	}
	missing, err := s.missing(ctx, t, f)
	if err != nil {
		return nil, err
	}
	all := []Upload{}
	for _, part := range missing {
		key := f.partKey(t, part)
		if err := s.Blobs.Delete(ctx, key); err != nil { // one that was cut off, or is none of this file's
			return nil, err
		}
		url, err := s.Blobs.PresignPut(ctx, key, time.Hour)
		if err != nil {
			return nil, err
		}
		all = append(all, Upload{Offset: int64(part) * f.PartSize, Length: f.length(part), URL: url})
	}
	return all, nil
}

// wholeUpload is where a file goes that is uploaded as a whole, unless it is there.
func (s Store) wholeUpload(ctx context.Context, t tenant.ID, f File) ([]Upload, error) {
	if _, err := s.Blobs.Stat(ctx, f.blob(t)); !fault.Is(err, fault.NotFound) {
		return []Upload{}, err
	}
	url, err := s.UploadURL(ctx, t, f)
	return []Upload{{URL: url}}, err
}

// missing lists the parts that are not there as they should be.
func (s Store) missing(ctx context.Context, t tenant.ID, f File) (parts []int, err error) {
	there := map[string]int64{}
	for next := ""; ; {
		page, err := s.Blobs.List(ctx, f.blob(t)+".", next, 1000)
		if err != nil {
			return nil, err
		}
		for _, b := range page.Blobs {
			there[b.Key] = b.Size
		}
		if next = page.Next; next == "" {
			break
		}
	}
	for part := range f.count() {
		if size, ok := there[f.partKey(t, part)]; !ok || size != f.length(part) {
			parts = append(parts, part)
		}
	}
	return parts, nil
}

// joined is a file whose parts are all there, as one.
type joined struct {
	File
	blobs  blob.Store
	tenant tenant.ID
}

// Size implements tabular.Source.
func (j joined) Size() int64 { return j.File.Size }

// Open implements tabular.Source.
func (j joined) Open(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	end := j.Size()
	if length >= 0 {
		end = min(end, offset+length)
	}
	return &joinedReader{joined: j, ctx: ctx, at: offset, end: end}, nil
}

// joinedReader reads part after part.
type joinedReader struct {
	joined
	ctx     context.Context // of the one Open that it is of
	at, end int64
	left    int64         // of the part that is read
	body    io.ReadCloser // of that part
}

func (r *joinedReader) Read(p []byte) (int, error) {
	for {
		if r.body == nil {
			if r.at >= r.end {
				return 0, io.EOF
			}
			if err := r.open(); err != nil {
				return 0, err
			}
		}
		n, err := r.body.Read(p)
		r.at, r.left = r.at+int64(n), r.left-int64(n)
		if err == io.EOF {
			if err = r.Close(); err == nil && r.left > 0 {
				err = io.ErrUnexpectedEOF // the part is shorter than it was
			}
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (r *joinedReader) open() (err error) {
	part := int(r.at / r.PartSize)
	within := r.at % r.PartSize
	r.left = min(r.length(part)-within, r.end-r.at)
	r.body, err = r.blobs.Get(r.ctx, r.partKey(r.tenant, part), within, r.left)
	return err
}

// Close implements io.Closer.
func (r *joinedReader) Close() error {
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	return err
}
