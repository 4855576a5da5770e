package access

import (
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

func TestEachRoleMayDoExactlyThis(t *testing.T) {
	const yes, no = true, false
	rows := []struct {
		action                                          Action
		owner, admin, editor, analyst, viewer, producer bool
	}{
		{ReadSelf, yes, yes, yes, yes, yes, yes},
		{ReadDataset, yes, yes, yes, yes, yes, no},
		{RunQuery, yes, yes, yes, yes, yes, no},
		{RunSQL, yes, yes, yes, yes, yes, no},
		{ReadEvents, yes, yes, yes, yes, no, no},
		{WriteEvents, yes, yes, yes, no, no, yes},
		{ReplayEvents, yes, yes, yes, no, no, no},
		{LoadRows, yes, yes, yes, no, no, no},
		{CreateDataset, yes, yes, yes, no, no, no},
		{UpdateDataset, yes, yes, yes, no, no, no},
		{DeleteDataset, yes, yes, no, no, no, no},
		{CreateExport, yes, yes, yes, yes, no, no},
		{ReadJobs, yes, yes, yes, yes, yes, no},
		{ChangeJobs, yes, yes, yes, yes, yes, no},
		{ManageJobs, yes, yes, no, no, no, no},
		{ManageKeys, yes, yes, no, no, no, no},
		{ManageLimits, yes, yes, no, no, no, no},
		{ManageRules, yes, yes, no, no, no, no},
		{"no such action", no, no, no, no, no, no},
	}
	for _, row := range rows {
		may := [...]bool{row.owner, row.admin, row.editor, row.analyst, row.viewer, row.producer}
		for i, role := range roles {
			err := Principal{Tenant: "main", ID: "key:1", Role: role}.Allow(row.action, "", time.Now())
			if may[i] && err != nil {
				t.Errorf("%s is refused %s: %v", role, row.action, err)
			}
			if !may[i] && !fault.Is(err, fault.Denied) {
				t.Errorf("%s doing %s: got %v, want Denied", role, row.action, err)
			}
		}
	}
	listed := map[Action]bool{}
	for _, row := range rows {
		listed[row.action] = true
	}
	for role, actions := range allowed {
		for action := range actions {
			if !listed[action] {
				t.Errorf("%s may do %s, which this table does not list", role, action)
			}
		}
	}
}

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
