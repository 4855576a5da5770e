package embedded

import (
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
)

// A key's segments become names in nested folders. A file system allows names of
// 255 bytes only, so that a longer segment is cut into folders whose names end
// with a sign that no key holds; what is left of it may be empty. No stored name
// is then the beginning of another but by its own end, which keeps the order of
// names that of keys.
const (
	piece = 200
	more  = "~" // ends the name of a folder that holds the rest of a segment
	none  = "+" // the name of an empty rest
)

const maxBlobKey = 900

func checkBlobKey(key string) error {
	if len(key) == 0 || len(key) > maxBlobKey {
		return fault.New(fault.Invalid, "key_invalid", "a key of %d bytes is not between 1 and %d", len(key), maxBlobKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment == "." || segment == ".." || strings.ContainsFunc(segment, outsideKeys) {
			return fault.New(fault.Invalid, "key_invalid", "%q is no key: its parts hold a-z A-Z 0-9 . _ = and - only", key)
		}
	}
	return nil
}

func outsideKeys(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !letter && r != '.' && r != '_' && r != '=' && r != '-'
}

// namesOf returns the folders and the file of a key.
func namesOf(key string) []string {
	var names []string
	for segment := range strings.SplitSeq(key, "/") {
		for len(segment) >= piece {
			names = append(names, segment[:piece]+more)
			segment = segment[piece:]
			if segment == "" {
				segment = none
			}
		}
		names = append(names, segment)
	}
	return names
}

// textOf returns the part of a key that a name stands for: what the keys below a
// folder begin with, or the end of the key of a file.
func textOf(name string, folder bool) string {
	if rest, ok := strings.CutSuffix(name, more); ok && folder {
		return rest
	}
	if name == none {
		name = ""
	}
	if folder {
		name += "/"
	}
	return name
}
