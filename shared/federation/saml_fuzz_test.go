package federation

import (
	"bytes"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/crewjam/saml"

	"github.com/tarnhq/tarn/shared/federation/samltest"
)

// FuzzResponse puts other bytes into what an identity provider signed: what is read of it
// is what was signed, or nothing.
func FuzzResponse(f *testing.F) {
	const home = "https://tarn.example/oidc/with/corp"
	begun := time.Now()
	saml.TimeNow = func() time.Time { return begun } // or all would have expired soon
	f.Cleanup(func() { saml.TimeNow = time.Now })
	idp := samltest.New(f, "https://id.example.com/metadata")
	party, err := Open(Provider{Name: "corp", Kind: SAML, Metadata: idp.Metadata(f)}, Surroundings{Home: home, Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	asked := Visit{State: "5ca1ab1e", Nonce: "0ddba11"}
	errand, err := party.Begin(f.Context(), asked)
	if err != nil {
		f.Fatal(err)
	}
	client, err := Metadata(home)
	if err != nil {
		f.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodGet, errand.URL, nil)
	if err != nil {
		f.Fatal(err)
	}
	sp, err := party.(*identityProvider).serviceProvider(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	who := saml.Session{NameID: "grace-7", NameIDFormat: string(saml.PersistentNameIDFormat), UserEmail: "grace@example.com"}
	read := func(response []byte) (*saml.Assertion, error) { return verify(sp, response, requestID(asked)) }
	var responses [3][]byte
	for signed := range samltest.Signed(len(responses)) {
		responses[signed] = samltest.Text(f, idp.Answer(f, samltest.Question{Client: client, Request: request}, who, signed, nil))
		if _, err := read(responses[signed]); err != nil {
			f.Fatalf("the genuine response is refused: %v", err)
		}
		f.Add(int(signed), 0, 0, []byte{})
		name := bytes.Index(responses[signed], []byte("grace-7"))
		f.Add(int(signed), name, len("grace-7"), []byte("ada"))
		f.Add(int(signed), name+1, 0, []byte("<!---->"))
	}
	f.Fuzz(func(t *testing.T, signed, at, cut int, by []byte) {
		genuine := responses[uint(signed)%uint(len(responses))]
		at = int(uint(at) % uint(len(genuine)))
		cut = int(uint(cut) % uint(len(genuine)-at))
		a, err := read(slices.Concat(genuine[:at], by, genuine[at+cut:]))
		if err == nil && (a.Subject.NameID.Value != who.NameID || party.(*identityProvider).person(a).Email != who.UserEmail) {
			t.Errorf("signed in as %q", a.Subject.NameID.Value)
		}
	})
}
