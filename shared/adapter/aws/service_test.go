package aws

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// answer is what a service does with one request.
type answer func(http.ResponseWriter)

// reply answers with a status and a body.
func reply(status int, body string) answer {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// refuse answers with an error of the JSON protocols.
func refuse(status int, code string) answer {
	return reply(status, `{"__type":"com.amazonaws#`+code+`","message":"m"}`)
}

// lost applies the request and cuts the connection before it answers.
func lost(http.ResponseWriter) { panic(http.ErrAbortHandler) }

// service is a server that gives its answers one after the other, the last one
// again and again, and keeps what it was asked.
type service struct {
	config sdk.Config

	mu       sync.Mutex
	answers  []answer
	requests []*http.Request
	bodies   []string
}

func serve(t *testing.T, answers ...answer) *service {
	s := &service{answers: answers}
	server := httptest.NewServer(http.HandlerFunc(s.handle))
	t.Cleanup(server.Close)
	s.config = sdk.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
		Retryer:     func() sdk.Retryer { return repeatable() },
		HTTPClient:  unkept,
	}
	return s
}

// unkept leaves no connection open: in a bubble of synctest, where waiting before
// another attempt takes no time, nothing may wait for the network meanwhile. The server
// itself is started outside.
var unkept = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func (s *service) handle(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.next(r, string(body))(w)
}

func (s *service) next(r *http.Request, body string) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.bodies = append(s.requests, r), append(s.bodies, body)
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	return a
}

// asked returns the bodies of the requests so far.
func (s *service) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bodies
}

func (s *service) account() Account { return Account{config: s.config} }

// wants fails unless the service was asked so many times.
func (s *service) wants(t *testing.T, requests int) {
	t.Helper()
	if got := len(s.asked()); got != requests {
		t.Errorf("%d requests, want %d: %q", got, requests, s.asked())
	}
}
