// Package federation signs people in whom another provider knows: an OpenID Connect
// issuer or a SAML identity provider. It speaks the protocols, as the relying party, and
// says whom such a provider vouches for. Whose account that is, and which groups it is in,
// Rules decide, whoever keeps the accounts and whoever spoke to the provider.
//
// What it promises: a Person is one that the provider named in an answer to our own
// question, made for us, signed with a key of the provider's, and good still.
package federation

import (
	"context"
	"net/url"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// Person is whom a provider vouches for.
type Person struct {
	Issuer   string   // with Subject, the person's name for ever
	Subject  string   //
	Email    string   //
	Verified bool     // whether the provider says that the address is the person's
	Groups   []string // the values of the provider's GroupsClaim
}

// Visit is a browser's errand at a provider. What it holds is known to us and, but for
// the verifier, to the provider; nobody else can guess it.
type Visit struct {
	State    string // comes back with the answer
	Nonce    string // is in the answer's ID token; the id of a SAML request
	Verifier string // of PKCE
	Anew     bool   // the person must prove themselves, whatever session they are in
}

// Errand is where a browser is sent, and with what.
type Errand struct {
	URL  string
	Form url.Values // to be sent by POST; nil: the browser is redirected
}

// Party asks one provider. Both methods fail with fault.Unavailable when the provider
// cannot be reached and with fault.Denied when its answer will not do.
type Party interface {
	// Begin tells where to send a browser.
	Begin(ctx context.Context, v Visit) (Errand, error)

	// Finish reads what the browser brought back.
	Finish(ctx context.Context, v Visit, answer url.Values) (Person, error)
}

// skew is by how much a provider's clock may be ahead of ours.
const skew = time.Minute

func refused(cause error) error {
	return fault.New(fault.Denied, "bad_answer", "The answer of the other provider will not do. Try again from the start.").Because(cause)
}

func unreachable(cause error) error {
	return fault.New(fault.Unavailable, "provider_unreachable", "The other provider cannot be reached at the moment. Try again soon.").Because(cause)
}
