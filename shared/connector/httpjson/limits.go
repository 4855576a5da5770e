package httpjson

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter returns how long an answer asks to be waited (RFC 9110, 10.2.3); zero: it
// does not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if at, err := http.ParseTime(value); err == nil {
		return positive(at.Sub(dateOf(h, now)))
	}
	return seconds(value)
}

// dateOf is when the server says that it answered, by whose clock its other times are.
func dateOf(h http.Header, now time.Time) time.Time {
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		return at
	}
	return now
}

// quota returns how long it takes until a quota that an answer says is used up is filled
// again; zero: none is, or it does not say. It reads RateLimit as the IETF's drafts have
// it (draft-ietf-httpapi-ratelimit-headers, the one of today and those that had a header
// for each number) and the X-RateLimit-* from which they came.
func quota(h http.Header, now time.Time) time.Duration {
	longest := time.Duration(0)
	for _, item := range strings.Split(strings.Join(h.Values("RateLimit"), ","), ",") {
		remaining, reset := parameters(item)
		if remaining == "0" {
			longest = max(longest, seconds(reset))
		}
	}
	if longest > 0 {
		return longest
	}
	if listed(h, "remaining") == "0" {
		return seconds(listed(h, "reset"))
	}
	for _, prefix := range []string{"RateLimit-", "X-RateLimit-", "X-Rate-Limit-"} {
		if strings.TrimSpace(h.Get(prefix+"Remaining")) == "0" {
			return until(h.Get(prefix+"Reset"), dateOf(h, now))
		}
	}
	return 0
}

// parameters reads r and t of an item such as "default";r=0;t=30.
func parameters(item string) (remaining, reset string) {
	for _, p := range strings.Split(item, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		switch name {
		case "r":
			remaining = value
		case "t":
			reset = value
		}
	}
	return remaining, reset
}

// listed reads a number of a list such as limit=100, remaining=0, reset=30 (draft 7).
func listed(h http.Header, name string) string {
	for _, p := range strings.Split(h.Get("RateLimit"), ",") {
		if found, value, _ := strings.Cut(strings.TrimSpace(p), "="); found == name {
			return value
		}
	}
	return ""
}

// until reads a reset that is a number of seconds, or a time in seconds or milliseconds
// since 1970: those who send one mean what its size says.
func until(reset string, now time.Time) time.Duration {
	n, err := strconv.ParseFloat(strings.TrimSpace(reset), 64)
	switch {
	case err != nil || math.IsNaN(n) || n < 0 || n > 1e14:
		return 0
	case n > 1e11:
		return positive(time.UnixMilli(int64(n)).Sub(now))
	case n > 1e8:
		return positive(time.Unix(int64(n), 0).Sub(now))
	}
	return time.Duration(n * float64(time.Second))
}

func seconds(text string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

func positive(d time.Duration) time.Duration { return max(d, 0) }
