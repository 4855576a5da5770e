package policies

import (
	"context"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/gate"
)

// grantSpec is what a new grant is to be.
type grantSpec struct {
	Dataset dataset.Name `json:"dataset,omitempty" example:"web" doc:"which may come later; absent where a saved query is named"`
	Saved   string       `json:"saved,omitempty" maxLength:"256" doc:"a saved query, which is all that they may ask of its dataset then"`
	Role    access.Role  `json:"role,omitempty" enum:"editor,analyst,viewer,producer" doc:"what they may do there beside what their own role lets them; of a saved query viewer"`
	To      gate.Callers `json:"to" doc:"those of any of the roles or groups, and those who are named"`
}

func (d Deps) createGrant(ctx context.Context, caller access.Principal, in *struct{ Body grantSpec }) (*struct{ Body gate.Grant }, error) {
	g := gate.Grant{Granted: access.Granted{Dataset: in.Body.Dataset, Saved: in.Body.Saved, Role: in.Body.Role}, To: in.Body.To}
	if g.Saved != "" {
		if g.Dataset != "" {
			return nil, fault.New(fault.Invalid, "bad_grant", "a saved query says which dataset it is of").WithHint("leave out dataset, or saved")
		}
		question, err := d.Saved.Query(ctx, caller.Tenant, g.Saved)
		if err != nil {
			return nil, err
		}
		g.Dataset = question.Dataset
		if g.Role == "" {
			g.Role = access.Viewer
		}
	}
	if err := caller.AllowGrant(g.Role); err != nil {
		return nil, err
	}
	made, err := d.Rules.AddGrant(ctx, caller.Tenant, g)
	return &struct{ Body gate.Grant }{made}, err
}

type listedGrants struct {
	Body struct {
		Grants []gate.Grant `json:"grants"`
	}
}

func (d Deps) listGrants(ctx context.Context, caller access.Principal, _ *struct{}) (*listedGrants, error) {
	out := &listedGrants{}
	all, err := d.Rules.Grants(ctx, caller.Tenant)
	out.Body.Grants = append([]gate.Grant{}, all...)
	return out, err
}

func (d Deps) deleteGrant(ctx context.Context, caller access.Principal, in *struct {
	ID string `path:"id" maxLength:"100"`
}) (*struct{}, error) {
	return nil, d.Rules.RemoveGrant(ctx, caller.Tenant, in.ID)
}
