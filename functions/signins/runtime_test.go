package signins

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
)

func TestTheRuntimeHandsOnWhatIsAnsweredAndRefused(t *testing.T) {
	handler := lambda.NewHandler(newPool().answers().Handle)
	raw := sample(t, "admincreate", "", nil)
	out, err := handler.Invoke(t.Context(), raw)
	if err != nil || strings.TrimSpace(string(out)) != string(raw) {
		t.Errorf("answered %s, %v, want the event itself", out, err)
	}
	if out, err := handler.Invoke(t.Context(), sample(t, "presignup", "", nil)); err == nil || !strings.HasPrefix(err.Error(), "not_invited: Nobody has invited you yet.") {
		t.Errorf("answered %s, %v", out, err)
	}
}

// FuzzHandle answers events of any form: with one, or with an error. Nobody is linked to an
// account but whom the pool asked about, and is then sent to sign in again.
func FuzzHandle(f *testing.F) {
	for _, name := range []string{"presignup", "tokens", "admincreate"} {
		text, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := newPool()
		p.invite(t, "viewer")
		out, err := p.answers().Handle(t.Context(), raw)
		if err == nil && !json.Valid(out) {
			t.Errorf("answered %q", out)
		}
		if joined := err != nil && strings.HasPrefix(err.Error(), "joined "); joined != (len(p.links) == 1) {
			t.Errorf("%v, links %v", err, p.links)
		}
	})
}
