package oidc

import (
	"crypto/hmac"
	"crypto/sha1" // #nosec G505 -- RFC 6238 has it so, and what apps make codes with
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"time"
)

// A second factor is a time-based one-time password (RFC 6238) with the parameters that
// every app knows: SHA-1, six digits, thirty seconds.
const (
	totpStep   = 30 * time.Second
	totpSecret = 20 // bytes
	totpSkew   = 1  // steps by which a phone's clock may be off
)

// totpCode returns the code of a step (RFC 4226, section 5.3).
func totpCode(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step)) // #nosec G115 -- steps since 1970
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[offset:])&0x7fffffff)%1_000_000)
}

// totpStepOf returns the step whose code was given, of those about now and after one.
func totpStepOf(secret []byte, code string, now time.Time, after int64) (step int64, ok bool) {
	current := now.Unix() / int64(totpStep.Seconds())
	for s := current - totpSkew; s <= current+totpSkew; s++ {
		if s > after && subtle.ConstantTimeCompare([]byte(totpCode(secret, s)), []byte(code)) == 1 {
			return s, true
		}
	}
	return 0, false
}
