// #nosec G115 -- sizes of a disk, its blocks and what is written to it: none is negative

package disk

import (
	"sync"
	"syscall"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// Free returns how many bytes an unprivileged process may still write to the file
// system that holds dir.
func Free(dir string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}

// Space guards a reserve of free space: a store that stops before the disk is full
// has lost nothing, and has room left to recover.
type Space struct {
	Dir     string
	Reserve uint64 // bytes
	Free    func(dir string) (uint64, error)
	Now     func() time.Time

	mu      sync.Mutex
	checked time.Time
	free    uint64
}

// stale bounds the age of an answer of Free. What other programs write within it
// has to fit into the reserve.
const stale = 20 * time.Millisecond

// Take answers fault.Unavailable unless n more bytes leave the reserve untouched.
func (s *Space) Take(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	if age := now.Sub(s.checked); age < 0 || age > stale || s.free < s.Reserve+uint64(n) {
		free, err := s.Free(s.Dir)
		if err != nil {
			return fault.Wrap(fault.Unavailable, "disk_unreadable", err)
		}
		s.free, s.checked = free, now
	}
	if s.free < s.Reserve+uint64(n) {
		return fault.New(fault.Unavailable, "disk_full", "the disk is nearly full: %d bytes are free, %d are kept in reserve", s.free, s.Reserve).
			WithHint("free some space; nothing that was acknowledged is lost")
	}
	s.free -= uint64(n)
	return nil
}
