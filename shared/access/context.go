package access

import (
	"encoding/json"
	"fmt"
	"strings"
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
	contextScopes  = "scopes" // with spaces between them
	contextSeen    = "seen"   // groups and attributes, as JSON
	contextEmbed   = "embed"  // what the holder of an embed token may see, as JSON
)

// seen is what rules about rows look at.
type seen struct {
	Groups     []string            `json:"groups,omitempty"`
	Attributes map[string][]string `json:"attributes,omitempty"`
}

// Context returns p as an authorizer's answer carries it. Nobody is empty.
func (p Principal) Context() map[string]any {
	if p.IsNobody() {
		return map[string]any{}
	}
	expires := ""
	if !p.Expires.IsZero() {
		expires = p.Expires.UTC().Format(time.RFC3339Nano)
	}
	values := map[string]any{
		contextTenant: string(p.Tenant), contextID: p.ID, contextRole: string(p.Role),
		contextDataset: string(p.Dataset), contextExpires: expires, contextScopes: joined(p.Scopes),
	}
	if len(p.Groups)+len(p.Attributes) > 0 {
		text, _ := json.Marshal(seen{p.Groups, p.Attributes}) // texts alone
		values[contextSeen] = string(text)
	}
	if p.Embed != nil {
		text, _ := json.Marshal(p.Embed) // was JSON before
		values[contextEmbed] = string(text)
	}
	return values
}

// FromContext is the reverse of Context: nobody for an empty one, an error for one
// that Context never made.
func FromContext(values map[string]any) (Principal, error) {
	if len(values) == 0 {
		return Principal{}, nil
	}
	text := map[string]string{}
	for _, name := range []string{contextTenant, contextID, contextRole, contextDataset, contextExpires, contextScopes} {
		value, ok := values[name].(string)
		if !ok {
			return Principal{}, fmt.Errorf("authorizer's context: %q is %T, want text", name, values[name])
		}
		text[name] = value
	}
	p := Principal{Tenant: tenant.ID(text[contextTenant]), ID: text[contextID],
		Role: Role(text[contextRole]), Dataset: dataset.Name(text[contextDataset])}
	p.Scopes = scopesOf(text[contextScopes])
	if text, _ := values[contextSeen].(string); text != "" { // without attributes, rows are denied
		var rules seen
		if err := json.Unmarshal([]byte(text), &rules); err != nil {
			return Principal{}, fmt.Errorf("authorizer's context: %w", err)
		}
		p.Groups, p.Attributes = rules.Groups, rules.Attributes
	}
	if text, _ := values[contextEmbed].(string); text != "" { // without it, its holder has no role either
		if err := json.Unmarshal([]byte(text), &p.Embed); err != nil {
			return Principal{}, fmt.Errorf("authorizer's context: %w", err)
		}
	}
	if text[contextExpires] == "" {
		return p, nil
	}
	var err error
	if p.Expires, err = time.Parse(time.RFC3339Nano, text[contextExpires]); err != nil {
		return Principal{}, fmt.Errorf("authorizer's context: %w", err)
	}
	return p, nil
}

func joined(scopes []Action) string {
	words := make([]string, len(scopes))
	for i, scope := range scopes {
		words[i] = string(scope)
	}
	return strings.Join(words, " ")
}
