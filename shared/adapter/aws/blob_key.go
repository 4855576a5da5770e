package aws

import "strings"

const maxBlobKey = 900 // bytes

func checkBlobKey(key string) error {
	if len(key) > maxBlobKey {
		return invalid("blob_key", "a key is at most %d bytes long", maxBlobKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment == "." || segment == ".." || strings.IndexFunc(segment, notInKey) >= 0 {
			return invalid("blob_key", "a key consists of segments of a-z A-Z 0-9 . _ = -, joined by /")
		}
	}
	return nil
}

func notInKey(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	digit := '0' <= r && r <= '9'
	return !letter && !digit && !strings.ContainsRune("._=-", r)
}
