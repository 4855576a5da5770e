package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/tenant"
)

const planted = "planted-7f3a-in-plain-sight"

// holder has a secret wherever a struct can have one.
type holder struct {
	Shown   secret.Value
	hidden  secret.Value
	pair    secret.Secret
	pointer *secret.Value
	list    []secret.Value
	byName  map[string]secret.Value
	any     any
}

func planting() holder {
	v := secret.New([]byte(planted))
	return holder{v, v, secret.Secret{Current: v, Previous: v}, &v, []secret.Value{v}, map[string]secret.Value{"k": v}, v}
}

// shows reports whether the planted bytes stand in a text in any form that package fmt
// or an encoder may have given them.
func shows(text string) bool {
	raw := []byte(planted)
	for _, form := range []string{planted, fmt.Sprintf("%x", raw), fmt.Sprintf("%X", raw), strings.Trim(fmt.Sprint(raw), "[]"), "cGxhbnRlZC"} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestASecretIsNeverPrinted(t *testing.T) {
	h := planting()
	for _, what := range []any{h.Shown, &h.Shown, h, &h, h.pair, h.list, h.byName, fmt.Errorf("wrapped: %v", h)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%o", "%b", "%U"} {
			if text := fmt.Sprintf(verb, what); shows(text) {
				t.Errorf("%s of %T: %s", verb, what, text)
			}
		}
	}
}

func TestASecretIsNeverLogged(t *testing.T) {
	h := planting()
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
	} {
		var out bytes.Buffer
		log := slog.New(handler(&out))
		log.Error("told", "value", h.Shown, "holder", h, "error", fault.Wrap(fault.Internal, "c", fmt.Errorf("%v", h)), slog.Group("g", "v", h.list))
		if text := out.String(); shows(text) || !strings.Contains(text, "[secret]") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestASecretIsNeverEncoded(t *testing.T) {
	h := planting()
	for name, encode := range map[string]func(any) ([]byte, error){
		"JSON": json.Marshal,
		"XML":  xml.Marshal,
		"gob": func(v any) ([]byte, error) {
			var out bytes.Buffer
			err := gob.NewEncoder(&out).Encode(v)
			return out.Bytes(), err
		},
	} {
		for _, what := range []any{h.Shown, h, h.pair} {
			if text, _ := encode(what); shows(string(text)) { // an encoder may refuse
				t.Errorf("%s of %T: %s", name, what, text)
			}
		}
	}
	var back secret.Value
	if err := json.Unmarshal([]byte(`"[secret]"`), &back); err == nil {
		t.Error("what a secret is redacted to was taken for one")
	}
}

func TestTheFaultsOfSecretsTellNoValue(t *testing.T) {
	long := secret.New([]byte(strings.Repeat(planted, secret.MaxValue/len(planted)+1)))
	err := secret.CheckValue("main", "k", long)
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Invalid || shows(err.Error()+e.Hint) {
		t.Errorf("%v", err)
	}
}

func TestEqualComparesWhatIsHeld(t *testing.T) {
	a, b := secret.New([]byte("a")), secret.New([]byte("a"))
	if !a.Equal(b) || a.Equal(secret.New([]byte("b"))) || a.Equal(secret.Value{}) || !(secret.Value{}).Equal(secret.New(nil)) {
		t.Error("Equal is not that of the values")
	}
}

func TestWhatANameIs(t *testing.T) {
	for name, want := range map[secret.Name]bool{
		"embeds": true, "federation/google": true, "connector/crm.v2/pass_word-1": true, "0": true,
		secret.Name(strings.Repeat("a", secret.MaxName)):       true,
		secret.Name(strings.Repeat("a", secret.MaxName) + "a"): false,
		"": false, "/": false, "a/": false, "/a": false, "a//b": false, "..": false, "a/../b": false, "a/.b": false,
		"A": false, "ä": false, "a b": false, "a\x00": false, "a*": false, "-a": false,
	} {
		if err := secret.Check("main", name); (err == nil) != want {
			t.Errorf("Check(%q) = %v", name, err)
		}
	}
	for owner, want := range map[string]bool{"main": true, string(secret.Deployment): true, "": false, "a/b": false, "_other": false} {
		if err := secret.CheckOwner(tenant.ID(owner)); (err == nil) != want {
			t.Errorf("CheckOwner(%q) = %v", owner, err)
		}
	}
}
