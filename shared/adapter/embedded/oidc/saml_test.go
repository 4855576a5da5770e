package oidc

import (
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/federation/samltest"
)

// company is a site whose people sign in with SAML too, and the provider.
type company struct {
	*site
	idp *samltest.Provider
}

func newCompany(t *testing.T, bindings ...string) company {
	t.Helper()
	idp := samltest.New(t, "https://id.example.com/metadata")
	s := newSite(t, func(c *Config) {
		c.Others = []federation.Provider{{Name: "corp", Label: "Corp", Kind: federation.SAML, Metadata: idp.Metadata(t, bindings...),
			Rules: federation.Rules{EmailDomains: []string{"example.com"}, TrustEmail: true}}}
	})
	s.invite(t, grace, "viewer")
	return company{s, idp}
}

var graceElsewhere = saml.Session{NameID: "grace-7", NameIDFormat: string(saml.PersistentNameIDFormat), UserEmail: grace}

// question is what a browser that begins to sign in carries to the provider.
func (c company) question(t *testing.T, b *browser) (samltest.Question, string) {
	t.Helper()
	left := b.knock(t, c.client())
	to := must(left.Location())
	return c.ask(t, must(http.NewRequest(http.MethodGet, to.String(), nil))), left.query().Get("RelayState")
}

func (c company) ask(t *testing.T, r *http.Request) samltest.Question {
	t.Helper()
	described := newBrowser().get(t, c.url+"/oidc/with/corp/metadata")
	return samltest.Question{Client: []byte(described.body), Request: r}
}

// post brings an answer, as the provider's page does: without the browser's cookies.
func (c company) post(t *testing.T, response []byte, relay string) answer {
	t.Helper()
	return c.postText(t, base64.StdEncoding.EncodeToString(response), relay)
}

func (c company) postText(t *testing.T, response, relay string) answer {
	t.Helper()
	return newBrowser().post(t, c.url+"/oidc/with/corp/acs", url.Values{"SAMLResponse": {response}, "RelayState": {relay}},
		"Origin", "https://id.example.com", "Sec-Fetch-Site", "cross-site")
}

func TestAnInvitedPersonSignsInWithSAML(t *testing.T) {
	for claim, signed := range map[string]samltest.Signed{
		"whose assertions are signed": samltest.Assertion, "whose responses are signed": samltest.Response, "who signs both": samltest.Both,
	} {
		t.Run("at a provider "+claim, func(t *testing.T) {
			c, b := newCompany(t), newBrowser()
			q, relay := c.question(t, b)
			posted := c.post(t, samltest.Text(t, c.idp.Answer(t, q, graceElsewhere, signed, nil)), relay)
			if posted.StatusCode != http.StatusSeeOther {
				t.Fatalf("%s: %s", posted.Status, alert(posted))
			}
			if got := b.follow(t, posted); got.query().Get("code") == "" {
				t.Errorf("%s: %s", got.Status, alert(got))
			}
		})
	}
}

var hidden = regexp.MustCompile(`name="([A-Za-z]+)" value="([^"]*)"`)

func TestARequestCanGoByPOST(t *testing.T) {
	c, b := newCompany(t, saml.HTTPPostBinding), newBrowser()
	shown := b.knock(t, c.client())
	form := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(shown.body, -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	to := html.UnescapeString(formAction.FindStringSubmatch(shown.body)[1])
	if policy := shown.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https://id.example.com;") {
		t.Errorf("the page may not send its form: %s", policy)
	}
	r := must(http.NewRequest(http.MethodPost, to, strings.NewReader(form.Encode())))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	posted := c.post(t, samltest.Text(t, c.idp.Answer(t, c.ask(t, r), graceElsewhere, samltest.Assertion, nil)), form.Get("RelayState"))
	if got := b.follow(t, posted); got.query().Get("code") == "" {
		t.Errorf("%s: %s", got.Status, alert(got))
	}
}

func TestAnAssertionThatSaysTheWrongThingIsRefused(t *testing.T) {
	late, early := time.Now().Add(-10*time.Minute), time.Now().Add(10*time.Minute)
	data := func(a *saml.Assertion) *saml.SubjectConfirmationData {
		return a.Subject.SubjectConfirmations[0].SubjectConfirmationData
	}
	for claim, change := range map[string]func(*saml.Assertion){
		"it has expired":                 func(a *saml.Assertion) { a.Conditions.NotOnOrAfter = late },
		"it is not good yet":             func(a *saml.Assertion) { a.Conditions.NotBefore = early },
		"its confirmation has expired":   func(a *saml.Assertion) { data(a).NotOnOrAfter = late },
		"it was made long ago":           func(a *saml.Assertion) { a.IssueInstant = late },
		"it never expires":               func(a *saml.Assertion) { a.Conditions.NotOnOrAfter = time.Time{} },
		"its confirmation never expires": func(a *saml.Assertion) { data(a).NotOnOrAfter = time.Time{} },
		"it is for another":              func(a *saml.Assertion) { a.Conditions.AudienceRestrictions[0].Audience.Value = "https://other.example" },
		"it is for anybody":              func(a *saml.Assertion) { a.Conditions.AudienceRestrictions = nil },
		"another received it":            func(a *saml.Assertion) { data(a).Recipient = "https://other.example/acs" },
		"it answers another request":     func(a *saml.Assertion) { data(a).InResponseTo = "id-another" },
		"it answers no request":          func(a *saml.Assertion) { data(a).InResponseTo = "" },
		"another provider made it":       func(a *saml.Assertion) { a.Issuer.Value = "https://other.example" },
		"it is of a key's holder": func(a *saml.Assertion) {
			a.Subject.SubjectConfirmations[0].Method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"
		},
		"nothing confirms it":                func(a *saml.Assertion) { a.Subject.SubjectConfirmations = nil },
		"its confirmation is empty":          func(a *saml.Assertion) { a.Subject.SubjectConfirmations[0].SubjectConfirmationData = nil },
		"nobody signed in":                   func(a *saml.Assertion) { a.AuthnStatements = nil },
		"it is of nobody":                    func(a *saml.Assertion) { a.Subject.NameID.Value = " " },
		"it has no name":                     func(a *saml.Assertion) { a.Subject.NameID = nil },
		"its name is good for one time":      func(a *saml.Assertion) { a.Subject.NameID.Format = string(saml.TransientNameIDFormat) },
		"its address is of another's domain": func(a *saml.Assertion) { rename(a, "grace@evil.example") },
		"its address begins like ours":       func(a *saml.Assertion) { rename(a, "grace@example.com.evil.example") },
	} {
		t.Run(claim, func(t *testing.T) {
			c, b := newCompany(t), newBrowser()
			q, relay := c.question(t, b)
			got := c.post(t, samltest.Text(t, c.idp.Answer(t, q, graceElsewhere, samltest.Assertion, change)), relay)
			if got.StatusCode == http.StatusSeeOther { // whose account it is, is asked with the cookie
				got = b.follow(t, got)
			}
			wantTold(t, got, http.StatusUnauthorized, "")
		})
	}
}

func rename(a *saml.Assertion, address string) {
	for i := range a.AttributeStatements[0].Attributes {
		for n, v := range a.AttributeStatements[0].Attributes[i].Values {
			if v.Value == grace {
				a.AttributeStatements[0].Attributes[i].Values[n].Value = address
			}
		}
	}
}

func TestAResponseThatWasTouchedIsRefused(t *testing.T) {
	for claim, change := range map[string]func(*testing.T, *etree.Element) []byte{
		"it is not signed": edited(func(r *etree.Element) { samltest.Remove(r, "//Signature") }),
		"another name":     edited(func(r *etree.Element) { node(r, "//NameID").SetText("ada") }),
		"another address":  edited(func(r *etree.Element) { node(r, "//AttributeValue").SetText(email) }),
		"a longer life": edited(func(r *etree.Element) {
			node(r, "//Conditions").CreateAttr("NotOnOrAfter", time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		}),
		"another request":     edited(func(r *etree.Element) { r.CreateAttr("InResponseTo", "id-another") }),
		"another destination": edited(func(r *etree.Element) { r.CreateAttr("Destination", "https://other.example/acs") }),
		"another issuer":      edited(func(r *etree.Element) { node(r, "./Issuer").SetText("https://other.example") }),
		"no success": edited(func(r *etree.Element) {
			node(r, "//StatusCode").CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")
		}),
		"no assertion":        edited(func(r *etree.Element) { samltest.Remove(r, "./Assertion") }),
		"no subject":          edited(func(r *etree.Element) { samltest.Remove(r, "//Subject") }),
		"no conditions":       edited(func(r *etree.Element) { samltest.Remove(r, "//Conditions") }),
		"no data":             edited(func(r *etree.Element) { samltest.Remove(r, "//SubjectConfirmationData") }),
		"an empty signature":  edited(func(r *etree.Element) { samltest.Remove(r, "//Signature/*") }),
		"no value":            edited(func(r *etree.Element) { samltest.Remove(r, "//SignatureValue") }),
		"no reference":        edited(func(r *etree.Element) { samltest.Remove(r, "//Reference") }),
		"an empty reference":  edited(func(r *etree.Element) { node(r, "//Reference").CreateAttr("URI", "") }),
		"two references":      edited(func(r *etree.Element) { twice(node(r, "//Reference")) }),
		"two signatures":      edited(func(r *etree.Element) { twice(node(r, "//Signature")) }),
		"two assertions":      edited(func(r *etree.Element) { twice(node(r, "./Assertion")) }),
		"two names":           edited(func(r *etree.Element) { twice(node(r, "//NameID")) }),
		"an encrypted one":    edited(func(r *etree.Element) { node(r, "./Assertion").Tag = "EncryptedAssertion" }),
		"a comment in a name": replaced("grace-7", "grace<!-- -->-7"),
		"an instruction":      replaced("grace-7", "grace<?x y?>-7"),
		"a section":           replaced("grace-7", "grace<![CDATA[-]]><!---->7"),
		"a document type": func(t *testing.T, r *etree.Element) []byte {
			return append([]byte(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>`), replaced("grace-7", "&e;")(t, r)...)
		},
		"an id of HTML":      edited(func(r *etree.Element) { node(r, "//NameID").CreateAttr("id", "x") }),
		"half of it":         func(t *testing.T, r *etree.Element) []byte { text := samltest.Text(t, r); return text[:len(text)/2] },
		"another root":       func(*testing.T, *etree.Element) []byte { return []byte("<Assertion/>") },
		"no XML":             func(*testing.T, *etree.Element) []byte { return []byte("{}") },
		"nothing":            func(*testing.T, *etree.Element) []byte { return nil },
		"much nesting":       func(*testing.T, *etree.Element) []byte { return []byte("<Response>" + strings.Repeat("<a>", 20_000)) },
		"text after its end": func(t *testing.T, r *etree.Element) []byte { return append(samltest.Text(t, r), "<Response/>"...) },
	} {
		t.Run(claim, func(t *testing.T) {
			c, b := newCompany(t), newBrowser()
			q, relay := c.question(t, b)
			response := c.idp.Answer(t, q, graceElsewhere, samltest.Assertion, nil)
			wantTold(t, c.post(t, change(t, response), relay), http.StatusUnauthorized, "Try again from the start")
		})
	}
}

func edited(change func(*etree.Element)) func(*testing.T, *etree.Element) []byte {
	return func(t *testing.T, r *etree.Element) []byte {
		change(r)
		return samltest.Text(t, r)
	}
}

func replaced(old, by string) func(*testing.T, *etree.Element) []byte {
	return func(t *testing.T, r *etree.Element) []byte {
		text := string(samltest.Text(t, r))
		if !strings.Contains(text, old) {
			t.Fatalf("there is no %q to replace", old)
		}
		return []byte(strings.Replace(text, old, by, 1))
	}
}

func twice(e *etree.Element) { e.Parent().AddChild(e.Copy()) }

func TestACommentCannotShortenAName(t *testing.T) {
	c, b := newCompany(t), newBrowser()
	s := graceElsewhere
	s.NameID, s.NameIDFormat, s.UserEmail = grace+".evil.example", string(saml.EmailAddressNameIDFormat), ""
	q, relay := c.question(t, b)
	// The canonical form leaves comments out: the signature stays good.
	response := replaced(grace+".evil", grace+"<!---->.evil")(t, c.idp.Answer(t, q, s, samltest.Assertion, nil))
	wantTold(t, c.post(t, response, relay), http.StatusUnauthorized, "Try again from the start")
}

func TestASignatureThatIsNotTheProvidersIsRefused(t *testing.T) {
	for claim, change := range map[string]func(*testing.T, *samltest.Provider) *samltest.Provider{
		"another key": func(t *testing.T, p *samltest.Provider) *samltest.Provider { return p.Impostor(t) },
		"a weak algorithm": func(_ *testing.T, p *samltest.Provider) *samltest.Provider {
			p.Sign(dsig.RSASHA1SignatureMethod)
			return p
		},
	} {
		for _, signed := range []samltest.Signed{samltest.Assertion, samltest.Response, samltest.Both} {
			c, b := newCompany(t), newBrowser()
			q, relay := c.question(t, b)
			got := c.post(t, samltest.Text(t, change(t, c.idp).Answer(t, q, graceElsewhere, signed, nil)), relay)
			if wantTold(t, got, http.StatusUnauthorized, "Try again from the start"); t.Failed() {
				t.Fatalf("%s, %v", claim, signed)
			}
		}
	}
}

func TestAnAssertionIsGoodOnce(t *testing.T) {
	c, b := newCompany(t), newBrowser()
	q, relay := c.question(t, b)
	response := samltest.Text(t, c.idp.Answer(t, q, graceElsewhere, samltest.Assertion, nil))
	posted := c.post(t, response, relay)
	wantTold(t, c.post(t, response, relay), http.StatusUnauthorized, "over")
	if b.follow(t, posted).query().Get("code") == "" {
		t.Fatal("the first time failed")
	}
	wantTold(t, c.post(t, response, relay), http.StatusUnauthorized, "over")
	_, fresh := c.question(t, newBrowser())
	wantTold(t, c.post(t, response, fresh), http.StatusUnauthorized, "Try again from the start")
	if err := c.visits.once(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if err := c.visits.once(t.Context(), "x"); err == nil {
		t.Error("an id that was seen is new")
	}
}

func TestAnotherBrowserCannotTakeASAMLAnswer(t *testing.T) {
	c, b := newCompany(t), newBrowser()
	q, relay := c.question(t, b)
	posted := c.post(t, samltest.Text(t, c.idp.Answer(t, q, graceElsewhere, samltest.Assertion, nil)), relay)
	wantTold(t, newBrowser().follow(t, posted), http.StatusUnauthorized, "another browser")
	if b.follow(t, posted).query().Get("code") == "" {
		t.Error("the browser that asked gets nothing")
	}
}

func TestNobodySignsInBeforeTheAssertionCame(t *testing.T) {
	c, b := newCompany(t), newBrowser()
	_, relay := c.question(t, b)
	wantTold(t, b.get(t, c.url+"/oidc/with/corp/back?state="+relay), http.StatusUnauthorized, "over")
}

func TestAnAnswerThatIsNoFormIsToldOf(t *testing.T) {
	c := newCompany(t)
	_, relay := c.question(t, newBrowser())
	wantTold(t, c.postText(t, "not base64!", relay), http.StatusUnauthorized, "Try again")
	wantTold(t, c.postText(t, "", ""), http.StatusUnauthorized, "over")
	wantTold(t, c.postText(t, strings.Repeat("A", maxAnswer+1), relay), http.StatusBadRequest, "could not be read")
}

func node(r *etree.Element, path string) *etree.Element { return r.FindElement(path) }
