package files

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tabular"
)

// spool keeps an answer in a file without a name, whose version is its content: what cannot
// be read in ranges is read from there, at whatever pace, and memory holds none of it.
func spool(body io.Reader) (content, error) {
	f, err := os.CreateTemp("", "tarn-*")
	if err != nil {
		return content{}, full(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return content{}, full(errors.Join(err, f.Close()))
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(f, sum), body)
	var ours *fault.Error
	var onDisk *os.PathError
	switch {
	case err == nil:
		return content{Source: tabular.FromReaderAt(f, size), version: hex.EncodeToString(sum.Sum(nil)), close: func() { _ = f.Close() }}, nil
	case errors.As(err, &ours):
		err = ours
	case errors.As(err, &onDisk):
		err = full(err)
	default:
		err = unreachable(err)
	}
	_ = f.Close()
	return content{}, err
}

func full(err error) error { return fault.Wrap(fault.Unavailable, "no_room_for_a_file", err) }
