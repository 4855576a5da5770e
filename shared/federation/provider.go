package federation

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Kind is the protocol that a provider speaks.
type Kind string

// The kinds of providers.
const (
	OIDC Kind = "oidc"
	SAML Kind = "saml"
)

// Provider is one that people may sign in with, as an operator describes it.
type Provider struct {
	Name  string `json:"name"`  // in our addresses, which the provider knows: lower-case letters, digits, dashes
	Label string `json:"label"` // for people; empty: the name
	Kind  Kind   `json:"kind"`  // empty: OIDC

	Issuer   string   `json:"issuer"`    // OIDC: the URL that begins that of its configuration
	ClientID string   `json:"client_id"` // OIDC
	Secret   string   `json:"secret"`    // OIDC: the name of the client's secret; empty: the client has none
	Scopes   []string `json:"scopes"`    // OIDC; empty: openid email profile

	Metadata   string `json:"metadata"`    // SAML: the URL of the provider's metadata, or the metadata
	EmailClaim string `json:"email_claim"` // SAML: the attribute with the address; empty: those in common use

	Rules
}

// Title is the provider's name for people.
func (p Provider) Title() string {
	if p.Label == "" {
		return p.Name
	}
	return p.Label
}

// Parse reads a list of providers, as JSON, and says what is wrong with it.
func Parse(text []byte) ([]Provider, error) {
	var all []Provider
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&all); err != nil {
		return nil, fmt.Errorf("providers: %w", err)
	}
	names := map[string]bool{}
	for i := range all {
		p := &all[i]
		if p.Kind == "" {
			p.Kind = OIDC
		}
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("provider %d, %q: %w", i+1, p.Name, err)
		}
		if names[p.Name] {
			return nil, fmt.Errorf("two providers are named %q", p.Name)
		}
		names[p.Name] = true
	}
	return all, nil
}

var goodName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

func (p *Provider) check() error {
	if !goodName.MatchString(p.Name) {
		return fmt.Errorf("name: 1 to 32 lower-case letters, digits and dashes")
	}
	if err := p.Rules.Check(); err != nil {
		return err
	}
	return p.checkKind()
}

func (p *Provider) checkKind() error {
	switch p.Kind {
	case OIDC:
		if err := checkAddress(p.Issuer); err != nil {
			return fmt.Errorf("issuer: %w", err)
		}
		if p.ClientID == "" {
			return fmt.Errorf("client_id: is missing")
		}
		if len(p.Scopes) == 0 {
			p.Scopes = []string{"openid", "email", "profile"}
		}
		if !slices.Contains(p.Scopes, "openid") {
			return fmt.Errorf("scopes: openid is not among them")
		}
	case SAML:
		if !p.inline() {
			if err := checkAddress(p.Metadata); err != nil {
				return fmt.Errorf("metadata: %w", err)
			}
		}
		if !p.TrustEmail {
			return fmt.Errorf("trust_email: SAML has no word for a verified address; name the email_domains that are the provider's own")
		}
	default:
		return fmt.Errorf("kind: %q is neither oidc nor saml", p.Kind)
	}
	return nil
}

// inline reports whether Metadata is the text itself.
func (p *Provider) inline() bool { return strings.HasPrefix(strings.TrimSpace(p.Metadata), "<") }

// checkAddress returns nil for a URL that nobody on the way can answer in the place of its
// host: HTTPS, or of this machine.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("%q is no URL", address)
	}
	local := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return fmt.Errorf("%q is not HTTPS", address)
	}
	return nil
}
