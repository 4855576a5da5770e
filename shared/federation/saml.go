package federation

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/tarnhq/tarn/shared/fault"
)

// What a browser brings back from a SAML identity provider, by POST.
const (
	samlResponse = "SAMLResponse"
	RelayState   = "RelayState" // the visit's State
)

// identityProvider is the Party of a SAML 2.0 identity provider: sign-in that we began,
// by the profile of web browsers (SAML Profiles, 4.1). An answer that nobody asked for is
// refused, and so is an encrypted one: we publish no key to encrypt for.
type identityProvider struct {
	provider Provider
	with     Surroundings
	known    memory[saml.EntityDescriptor]
}

func openSAML(p Provider, s Surroundings) (Party, error) {
	i := &identityProvider{provider: p, with: s}
	if !p.inline() {
		return i, nil
	}
	_, err := readMetadata([]byte(p.Metadata))
	return i, err
}

// Begin implements Party.
func (i *identityProvider) Begin(ctx context.Context, v Visit) (Errand, error) {
	sp, err := i.serviceProvider(ctx)
	if err != nil {
		return Errand{}, err
	}
	binding := saml.HTTPRedirectBinding
	if sp.GetSSOBindingLocation(binding) == "" {
		binding = saml.HTTPPostBinding
	}
	to := sp.GetSSOBindingLocation(binding)
	if err := checkAddress(to); err != nil {
		return Errand{}, unreachable(fmt.Errorf("the provider's address for sign-in: %w", err))
	}
	request, err := sp.MakeAuthenticationRequest(to, binding, saml.HTTPPostBinding)
	if err != nil {
		return Errand{}, err
	}
	request.ID = requestID(v)
	if v.Anew {
		request.ForceAuthn = &v.Anew
	}
	if binding == saml.HTTPRedirectBinding {
		at, err := request.Redirect(v.State, sp)
		if err != nil {
			return Errand{}, err
		}
		return Errand{URL: at.String()}, nil
	}
	doc := etree.NewDocument()
	doc.SetRoot(request.Element())
	text, err := doc.WriteToBytes()
	return Errand{URL: to, Form: url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(text)}, RelayState: {v.State}}}, err
}

// requestID is of the form that XML demands of an id.
func requestID(v Visit) string { return "id-" + v.Nonce }

// Finish implements Party. It reads the person from what the signature covers, and from
// nothing else.
func (i *identityProvider) Finish(ctx context.Context, v Visit, answer url.Values) (Person, error) {
	sp, err := i.serviceProvider(ctx)
	if err != nil {
		return Person{}, err
	}
	raw, err := base64.StdEncoding.DecodeString(answer.Get(samlResponse))
	if err != nil {
		return Person{}, refused(err)
	}
	assertion, err := verify(sp, raw, requestID(v))
	if err != nil {
		return Person{}, refused(err)
	}
	who := i.person(assertion)
	if err := i.with.Once(ctx, who.Issuer+" "+assertion.ID); fault.Is(err, fault.Conflict) {
		return Person{}, refused(errors.New("the assertion was used before"))
	} else if err != nil {
		return Person{}, err
	}
	return who, nil
}

// verify returns what an identity provider signed in a response to a request of ours.
func verify(sp *saml.ServiceProvider, response []byte, request string) (*saml.Assertion, error) {
	if err := checkShape(response); err != nil {
		return nil, err
	}
	signed := &signedElement{}
	strict := *sp
	strict.SignatureVerifier = signed
	_, err := strict.ParseXMLResponse(response, []string{request}, sp.AcsURL)
	if told := (*saml.InvalidResponseError)(nil); errors.As(err, &told) {
		return nil, told.PrivateErr // the other is a fixed text
	}
	if err != nil {
		return nil, err
	}
	assertion, err := signed.assertion()
	if err != nil {
		return nil, err
	}
	return assertion, checkAssertion(assertion)
}

// signedElement is what a signature was verified of, as it was when it was signed.
type signedElement struct{ element *etree.Element }

// VerifySignature implements saml.SignatureVerifier.
func (s *signedElement) VerifySignature(with *dsig.ValidationContext, element *etree.Element) (err error) {
	s.element, err = with.Validate(element)
	return err
}

func (s *signedElement) assertion() (*saml.Assertion, error) {
	if s.element == nil {
		return nil, errors.New("nothing is signed")
	}
	element := s.element
	if element.Tag == tagResponse {
		if element = only(element, tagAssertion); element == nil {
			return nil, errors.New("the signed response holds no assertion")
		}
	}
	doc := etree.NewDocument()
	doc.SetRoot(element.Copy())
	for _, a := range s.element.Attr { // what the response declares holds in the assertion
		if a.Space == "xmlns" && doc.Root().SelectAttr(a.FullKey()) == nil {
			doc.Root().CreateAttr(a.FullKey(), a.Value)
		}
	}
	text, err := doc.WriteToBytes()
	if err != nil {
		return nil, err
	}
	var a saml.Assertion
	return &a, xml.Unmarshal(text, &a)
}

// bearer is the way of confirmation that the profile of web browsers asks for.
const bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer" // #nosec G101 -- a name of SAML's

// checkAssertion asks for what the library checks only where it is there.
func checkAssertion(a *saml.Assertion) error {
	switch {
	case a.ID == "" || a.Version != "2.0":
		return errors.New("the assertion has no id or is of another version")
	case a.Subject == nil || a.Subject.NameID == nil || strings.TrimSpace(a.Subject.NameID.Value) == "":
		return errors.New("the assertion names nobody")
	case a.Subject.NameID.Format == string(saml.TransientNameIDFormat):
		return errors.New("the name of the person is good for one time: the provider must send one that stays")
	case len(a.AuthnStatements) == 0:
		return errors.New("the assertion does not say that anybody signed in")
	case a.Conditions == nil || a.Conditions.NotOnOrAfter.IsZero() || len(a.Conditions.AudienceRestrictions) == 0:
		return errors.New("the assertion does not say for whom or until when it is good")
	}
	for _, c := range a.Subject.SubjectConfirmations {
		if c.Method != bearer || c.SubjectConfirmationData == nil || c.SubjectConfirmationData.NotOnOrAfter.IsZero() {
			return fmt.Errorf("the assertion is confirmed by %.100q", c.Method)
		}
	}
	if len(a.Subject.SubjectConfirmations) == 0 {
		return errors.New("the assertion is confirmed by nothing")
	}
	return nil
}

// emailClaims are the attributes in common use that hold an address.
var emailClaims = []string{
	"email", "mail", "emailAddress", "urn:oid:0.9.2342.19200300.100.1.3",
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
}

func (i *identityProvider) person(a *saml.Assertion) Person {
	who := Person{Issuer: a.Issuer.Value, Subject: a.Subject.NameID.Value}
	if a.Subject.NameID.Format == string(saml.EmailAddressNameIDFormat) {
		who.Email = a.Subject.NameID.Value
	}
	names := emailClaims
	if i.provider.EmailClaim != "" {
		names, who.Email = []string{i.provider.EmailClaim}, ""
	}
	for _, name := range names {
		if found := attribute(a, name); len(found) > 0 {
			who.Email = found[0]
			break
		}
	}
	if i.provider.GroupsClaim != "" {
		who.Groups = attribute(a, i.provider.GroupsClaim)
	}
	return who
}

func attribute(a *saml.Assertion, name string) (values []string) {
	for _, statement := range a.AttributeStatements {
		for _, attribute := range statement.Attributes {
			if attribute.Name != name && attribute.FriendlyName != name {
				continue
			}
			for _, v := range attribute.Values {
				values = append(values, v.Value)
			}
		}
	}
	return values
}

// serviceProvider is our side, towards what the provider says of itself now.
func (i *identityProvider) serviceProvider(ctx context.Context) (*saml.ServiceProvider, error) {
	sp, err := newServiceProvider(i.with.Home)
	if err != nil {
		return nil, err
	}
	sp.IDPMetadata, err = i.known.get(ctx, i.with.Now(), i.read)
	return sp, err
}
