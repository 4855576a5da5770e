// Package samltest is a SAML identity provider for tests: a library's, whose answers a
// test can change before and after they are signed.
package samltest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/xml"
	"math/big"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// Signed says which parts of an answer the provider signs.
type Signed int

// What identity providers sign.
const (
	Assertion Signed = iota
	Response
	Both
)

// Provider is an identity provider.
type Provider struct{ idp saml.IdentityProvider }

// key is one for all providers but those that must have another, since making one takes a
// while.
var key = sync.OnceValue(newKey)

func newKey() *rsa.PrivateKey {
	made, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return made
}

// New returns a provider with this entity id.
func New(t testing.TB, entity string) *Provider {
	t.Helper()
	return open(t, entity, key())
}

// Impostor returns a provider that says it is p, and has another key.
func (p *Provider) Impostor(t testing.TB) *Provider {
	t.Helper()
	return open(t, p.idp.MetadataURL.String(), newKey())
}

func open(t testing.TB, entity string, with *rsa.PrivateKey) *Provider {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, with.Public(), with)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(entity)
	if err != nil {
		t.Fatal(err)
	}
	return &Provider{saml.IdentityProvider{Key: with, Certificate: certificate, MetadataURL: *at, SSOURL: *at.JoinPath("sso"),
		SignatureMethod: dsig.RSASHA256SignatureMethod}}
}

// Sign uses an algorithm of XML Signature from now on.
func (p *Provider) Sign(algorithm string) { p.idp.SignatureMethod = algorithm }

// Metadata is what the provider says of itself, but for the ways to sign in that are not
// among these bindings; none: all of them.
func (p *Provider) Metadata(t testing.TB, bindings ...string) string {
	t.Helper()
	m := p.idp.Metadata()
	if len(bindings) > 0 {
		role := &m.IDPSSODescriptors[0]
		role.SingleSignOnServices = nil
		for _, b := range bindings {
			role.SingleSignOnServices = append(role.SingleSignOnServices, saml.Endpoint{Binding: b, Location: p.idp.SSOURL.String()})
		}
	}
	text, err := xml.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Question is what somebody brings to the provider: of which client, by its metadata, in
// which request.
type Question struct {
	Client  []byte
	Request *http.Request
}

// services finds the one client.
type services struct{ *saml.EntityDescriptor }

func (s services) GetServiceProvider(*http.Request, string) (*saml.EntityDescriptor, error) {
	return s.EntityDescriptor, nil
}

// Answer answers that it is a person who asks, and changes the assertion before it is
// signed.
func (p *Provider) Answer(t testing.TB, q Question, who saml.Session, signed Signed, change func(*saml.Assertion)) *etree.Element {
	t.Helper()
	client := &saml.EntityDescriptor{}
	check(t, xml.Unmarshal(q.Client, client))
	idp := p.idp
	idp.ServiceProviderProvider = services{client}
	asked, err := saml.NewIdpAuthnRequest(&idp, q.Request)
	check(t, err)
	check(t, asked.Validate())
	check(t, saml.DefaultAssertionMaker{}.MakeAssertion(asked, &who))
	if change != nil {
		change(asked.Assertion)
	}
	if signed == Response {
		asked.AssertionEl = asked.Assertion.Element()
	}
	check(t, asked.MakeResponse())
	response := asked.ResponseEl
	if signed == Assertion {
		Remove(response, "./Signature")
	}
	return Parse(t, Text(t, response))
}

// Remove removes the elements at a path.
func Remove(from *etree.Element, path string) {
	for _, e := range from.FindElements(path) {
		e.Parent().RemoveChild(e)
	}
}

// Text writes an element as a document.
func Text(t testing.TB, e *etree.Element) []byte {
	t.Helper()
	doc := etree.NewDocument()
	doc.SetRoot(e)
	text, err := doc.WriteToBytes()
	check(t, err)
	return text
}

// Parse is the reverse of Text.
func Parse(t testing.TB, text []byte) *etree.Element {
	t.Helper()
	doc := etree.NewDocument()
	_, err := doc.ReadFrom(bytes.NewReader(text))
	check(t, err)
	return doc.Root()
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
