// #nosec G115 -- resources are a handful

// Package quota bounds what a tenant, each of its people and each of its keys may use
// over time: requests, events, bytes that questions read, and dollars. A quota is a
// token bucket, and what it refuses was not begun: nothing is acknowledged and
// nothing is charged. What one question may cost is package limit's business.
package quota

import (
	"math"
	"strings"

	"github.com/tarnhq/tarn/shared/fault"
)

// Resource is what is counted.
type Resource uint8

// The resources. Dollars are counted in nanodollars.
const (
	Requests Resource = iota
	Events
	Bytes
	USD
	resources
)

var names = [resources]string{"requests", "events", "bytes", "usd"}

func (r Resource) String() string { return names[r] }

// Use is an amount of each resource: Use{Events: 3}.
type Use [resources]int64

// Nanodollars is an amount of dollars as a Use counts it, rounded up.
func Nanodollars(usd float64) int64 { return int64(math.Ceil(usd * 1e9)) }

// Rate is how much of a resource may be used. The zero Rate is no limit.
type Rate struct {
	Quota   float64 `json:"quota" minimum:"0" doc:"how much at once"`
	Seconds int64   `json:"seconds" minimum:"1" maximum:"2678400" doc:"in which all of it, once used, comes back, evenly"`
}

// Rates are the rates of each resource.
type Rates struct {
	Requests Rate `json:"requests,omitzero"`
	Events   Rate `json:"events,omitzero" doc:"that are sent"`
	Bytes    Rate `json:"bytes,omitzero" doc:"of segments, that questions read from"`
	USD      Rate `json:"usd,omitzero" doc:"that answering costs in AWS, by the estimate that explain gives"`
}

// Policy is what a tenant allows.
type Policy struct {
	Tenant   Rates            `json:"tenant,omitzero" doc:"of all callers together"`
	User     Rates            `json:"user,omitzero" doc:"of each person"`
	Key      Rates            `json:"key,omitzero" doc:"of each API key"`
	Callers  map[string]Rates `json:"callers,omitempty" doc:"of single callers by their id, in the place of the above"`
	MonthUSD float64          `json:"month_usd,omitempty" minimum:"0" doc:"that all questions of a calendar month in UTC may cost in AWS; past it questions are refused, events are not"`
}

// of returns the rates of a caller.
func (p Policy) of(caller string) Rates {
	if own, ok := p.Callers[caller]; ok {
		return own
	}
	if strings.HasPrefix(caller, "key:") {
		return p.Key
	}
	return p.User
}

// rate returns how fast a resource may be used; false: as fast as one likes.
func (r Rates) rate(of Resource) (rate, bool) {
	stated := [resources]Rate{r.Requests, r.Events, r.Bytes, r.USD}[of]
	if stated == (Rate{}) {
		return rate{}, false
	}
	units := stated.Quota
	if of == USD {
		units *= 1e9
	}
	return rate{quota: int64(units), window: stated.Seconds * 1e9}, true
}

const (
	maxCallers = 1000
	maxSeconds = 31 * 24 * 60 * 60
	maxQuota   = 1e15 // units, so that no sum of them overflows
)

// Check returns nil when every rate can be kept.
func (p Policy) Check() error {
	if len(p.Callers) > maxCallers {
		return fault.New(fault.Invalid, "bad_limits", "at most %d single callers have limits of their own", maxCallers)
	}
	if !(p.MonthUSD >= 0 && p.MonthUSD <= maxQuota/1e9) {
		return fault.New(fault.Invalid, "bad_limits", "month_usd is a number of dollars from 0 to %.0f", maxQuota/1e9)
	}
	for _, rates := range []Rates{p.Tenant, p.User, p.Key} {
		if err := rates.check(); err != nil {
			return err
		}
	}
	for _, rates := range p.Callers {
		if err := rates.check(); err != nil {
			return err
		}
	}
	return nil
}

func (r Rates) check() error {
	for i, stated := range []Rate{r.Requests, r.Events, r.Bytes, r.USD} {
		if stated == (Rate{}) {
			continue
		}
		kept, _ := r.rate(Resource(i))
		if stated.Seconds < 1 || stated.Seconds > maxSeconds || !(stated.Quota > 0) || !(stated.Quota <= maxQuota) || kept.quota < 1 || kept.quota > maxQuota {
			return fault.New(fault.Invalid, "bad_limits", "a limit of %s has a quota of at least one unit, and 1 to %d seconds", Resource(i), maxSeconds).
				WithHint(`for example {"tenant": {"requests": {"quota": 100, "seconds": 60}}}; leave a limit out for none`)
		}
	}
	return nil
}
