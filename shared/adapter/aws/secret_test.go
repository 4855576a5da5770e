package aws

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

func TestALostAnswerOfAPutIsAskedForAgainWithTheSameToken(t *testing.T) {
	s := serve(t, lost, reply(200, "{}"))
	if err := s.account().Secrets("p/").Put(t.Context(), "main", "k", secret.New([]byte("v"))); err != nil {
		t.Fatal(err)
	}
	asked := s.asked()
	if len(asked) != 2 || asked[0] != asked[1] || !strings.Contains(asked[0], "ClientRequestToken") {
		t.Errorf("asked %q", asked)
	}
}

func TestAPutOfWhatSomebodyElseCreatesMeanwhileIsARotation(t *testing.T) {
	s := serve(t, refuse(400, "ResourceNotFoundException"), refuse(400, "ResourceExistsException"), reply(200, "{}"))
	if err := s.account().Secrets("p/").Put(t.Context(), "main", "k", secret.New([]byte("v"))); err != nil {
		t.Fatal(err)
	}
	s.wants(t, 3)
}

func TestASecretThatWasStoredAsTextIsRead(t *testing.T) {
	s := serve(t, reply(200, `{"SecretString":"typed"}`), refuse(400, "ResourceNotFoundException"))
	got, err := s.account().Secrets("p/").Get(t.Context(), "main", "k")
	if err != nil || string(got.Current.Reveal()) != "typed" || got.Previous.Reveal() != nil {
		t.Errorf("%q, %v", got.Current.Reveal(), err)
	}
	if asked := s.asked(); !strings.Contains(asked[0], "AWSCURRENT") || !strings.Contains(asked[1], "AWSPREVIOUS") {
		t.Errorf("the current value is not read first: %q", asked)
	}
}

// A service that quotes the request must not have the value reach a log.
func TestTheTextOfSecretsManagerStaysOutOfTheMessage(t *testing.T) {
	const planted = "planted-2b90"
	s := serve(t, reply(400, `{"__type":"InvalidParameterException","message":"`+planted+`"}`))
	err := s.account().Secrets("p/").Put(t.Context(), "main", "k", secret.New([]byte(planted)))
	if !fault.Is(err, fault.Invalid) || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), planted) {
		t.Errorf("%v", err)
	}
}
