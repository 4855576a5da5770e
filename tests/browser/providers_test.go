package browser

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/crewjam/saml"
	"github.com/oauth2-proxy/mockoidc"

	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/federation/samltest"
)

// elsewhere are other providers that people sign in with: an issuer and a SAML identity
// provider, both of libraries, under another host name than the server's.
type elsewhere struct {
	issuer *mockoidc.MockOIDC
	corp   *samltest.Provider
	sso    *httptest.Server
	home   atomic.Pointer[string] // where the server is, once it serves
}

func newElsewhere(t *testing.T) *elsewhere {
	t.Helper()
	e := &elsewhere{}
	var err error
	if e.issuer, err = mockoidc.Run(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.issuer.Shutdown() })
	e.sso = httptest.NewServer(e.answer(t))
	t.Cleanup(e.sso.Close)
	e.corp = samltest.New(t, e.sso.URL)
	return e
}

// setting is what the server is told of them.
func (e *elsewhere) setting(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal([]federation.Provider{
		{Name: "acme", Label: "Acme", Issuer: e.issuer.Issuer(), ClientID: e.issuer.ClientID, Secret: "acme"},
		{Name: "corp", Label: "Corp", Kind: federation.SAML, Metadata: e.corp.Metadata(t), Rules: federation.Rules{EmailDomains: []string{"example.com"}, TrustEmail: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tell stores the issuer's secret in the data folder of a program that does not run.
func (e *elsewhere) tell(t *testing.T, program string, env []string) {
	t.Helper()
	store := exec.CommandContext(t.Context(), program, "-secret", "acme")
	store.Env, store.Stdin = env, strings.NewReader(e.issuer.ClientSecret)
	if out, err := store.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

var carry = template.Must(template.New("").Parse(`<!doctype html><title>Corp</title><form method="post" action="{{.To}}">
<input type="hidden" name="SAMLResponse" value="{{.Response}}"><input type="hidden" name="RelayState" value="{{.State}}"></form>
<script>document.forms[0].submit()</script>`))

// answer is the page of the SAML provider, where Kim is signed in already. It sends the
// browser back as such pages do.
func (e *elsewhere) answer(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		home := *e.home.Load()
		client, err := read(home + "/oidc/with/corp/metadata")
		if err != nil {
			t.Errorf("our metadata: %v", err)
			return
		}
		kim := saml.Session{NameID: "kim-7", NameIDFormat: string(saml.PersistentNameIDFormat), UserEmail: "kim@example.com"}
		response := samltest.Text(t, e.corp.Answer(t, samltest.Question{Client: client, Request: r}, kim, samltest.Assertion, nil))
		err = carry.Execute(w, map[string]string{"To": home + "/oidc/with/corp/acs", "Response": base64.StdEncoding.EncodeToString(response), "State": r.URL.Query().Get("RelayState")})
		if err != nil {
			t.Errorf("the provider's page: %v", err)
		}
	}
}

func read(address string) ([]byte, error) {
	answer, err := http.Get(address) // #nosec G107 -- of this machine
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", address, answer.Status)
	}
	return io.ReadAll(answer.Body)
}
