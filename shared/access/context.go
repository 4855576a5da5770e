package access

import (
	"fmt"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/tenant"
)

// The names under which a gateway carries a principal from its authorizer to the
// functions behind it. All values are text.
const (
	contextTenant  = "tenant"
	contextID      = "principal"
	contextRole    = "role"
	contextDataset = "dataset"
	contextExpires = "expires"
)

// Context returns p as an authorizer's answer carries it. Nobody is empty.
func (p Principal) Context() map[string]any {
	if p == (Principal{}) {
		return map[string]any{}
	}
	expires := ""
	if !p.Expires.IsZero() {
		expires = p.Expires.UTC().Format(time.RFC3339Nano)
	}
	return map[string]any{
		contextTenant: string(p.Tenant), contextID: p.ID, contextRole: string(p.Role),
		contextDataset: string(p.Dataset), contextExpires: expires,
	}
}

// FromContext is the reverse of Context: nobody for an empty one, an error for one
// that Context never made.
func FromContext(values map[string]any) (Principal, error) {
	if len(values) == 0 {
		return Principal{}, nil
	}
	text := map[string]string{}
	for _, name := range []string{contextTenant, contextID, contextRole, contextDataset, contextExpires} {
		value, ok := values[name].(string)
		if !ok {
			return Principal{}, fmt.Errorf("authorizer's context: %q is %T, want text", name, values[name])
		}
		text[name] = value
	}
	p := Principal{Tenant: tenant.ID(text[contextTenant]), ID: text[contextID],
		Role: Role(text[contextRole]), Dataset: dataset.Name(text[contextDataset])}
	if text[contextExpires] == "" {
		return p, nil
	}
	var err error
	if p.Expires, err = time.Parse(time.RFC3339Nano, text[contextExpires]); err != nil {
		return Principal{}, fmt.Errorf("authorizer's context: %w", err)
	}
	return p, nil
}
