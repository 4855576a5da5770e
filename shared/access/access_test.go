package access

import (
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

func TestAllow(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	known := Principal{Tenant: "main", ID: "user:1", Role: Owner}
	with := func(change func(*Principal)) Principal { p := known; change(&p); return p }
	for claim, c := range map[string]struct {
		who  Principal
		on   dataset.Name
		want error
	}{
		"a known caller may":                                 {known, "web", nil},
		"nobody may not":                                     {Principal{}, "web", kind(fault.Unauthenticated)},
		"a caller without a tenant may not":                  {with(func(p *Principal) { p.Tenant = "" }), "web", kind(fault.Unauthenticated)},
		"a caller without a role may not":                    {with(func(p *Principal) { p.Role = "" }), "web", kind(fault.Denied)},
		"until the moment of expiry it may":                  {with(func(p *Principal) { p.Expires = now.Add(1) }), "web", nil},
		"from the moment of expiry it may not":               {with(func(p *Principal) { p.Expires = now }), "web", kind(fault.Unauthenticated)},
		"bound to a dataset, it may there":                   {with(func(p *Principal) { p.Dataset = "web" }), "web", nil},
		"bound to a dataset, it may not elsewhere":           {with(func(p *Principal) { p.Dataset = "web" }), "app", kind(fault.Denied)},
		"bound to a dataset, it may not where none is named": {with(func(p *Principal) { p.Dataset = "web" }), "", kind(fault.Denied)},
	} {
		t.Run(claim, func(t *testing.T) {
			err := c.who.Allow(ReadDataset, c.on, now)
			if (err == nil) != (c.want == nil) || err != nil && fault.KindOf(err) != fault.KindOf(c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestNobodyGrantsMoreThanTheyHave(t *testing.T) {
	for i, mine := range roles {
		for j, wanted := range roles {
			err := Principal{Role: mine}.AllowGrant(wanted)
			if may := j >= i; may != (err == nil) {
				t.Errorf("%s granting %s: %v", mine, wanted, err)
			}
		}
	}
	if err := (Principal{}).AllowGrant(Producer); !fault.Is(err, fault.Denied) {
		t.Errorf("no role granting producer: %v, want Denied", err)
	}
}

func kind(k fault.Kind) error { return fault.New(k, k.String(), "wanted") }
