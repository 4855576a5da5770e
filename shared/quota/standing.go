package quota

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// Standing is how it is with the quotas that a use was taken from.
type Standing []quotaState

type quotaState struct {
	charge
	bucket
}

// Headers adds the fields RateLimit-Policy and RateLimit, as
// draft-ietf-httpapi-ratelimit-headers-10 defines them: of each policy its quota q
// and window w in seconds, and what remains r until all is back in t seconds. Dollars
// are in nanodollars there, for the fields hold whole numbers.
func (s Standing) Headers(h http.Header) {
	for _, q := range s {
		name := `"` + q.String() + `"`
		h.Add("RateLimit-Policy", name+";q="+strconv.FormatInt(q.quota, 10)+";w="+strconv.FormatInt(q.window/1e9, 10))
		h.Add("RateLimit", name+";r="+strconv.FormatInt(max(0, q.Level), 10)+";t="+strconv.FormatInt(seconds(q.until(q.rate, q.quota)), 10))
	}
}

func seconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }
