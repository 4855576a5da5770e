package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tarnhq/tarn/shared/api"
	"github.com/tarnhq/tarn/shared/fault"
)

// maxAnswer is what Lambda takes as an answer, in bytes of the encoded response.
const maxAnswer = 6 << 20

// answer gives the first status that a handler writes, as net/http does; the
// adapter would give the last one, and an error where there is none.
type answer struct {
	http.ResponseWriter
	written bool
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.written || status < http.StatusOK {
		return
	}
	a.written = true
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.ResponseWriter.Write(b)
}

// encode writes a response as Lambda returns it. One that Lambda would refuse
// becomes a problem that says so.
func encode(r events.APIGatewayV2HTTPResponse) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // it would make six bytes of one
	if err := e.Encode(r); err != nil {
		return nil, err
	}
	if out.Len() > maxAnswer {
		return encode(problemOf(fault.New(fault.TooLarge, "answer_too_large", "the answer is larger than %d MiB", maxAnswer>>20).
			WithHint("ask for less: a filter, a limit, or CSV")))
	}
	return out.Bytes(), nil
}

// internalProblem is the answer to a request whose handler panicked.
var internalProblem = problemOf(errors.New("panic"))

// problemOf is the response that tells an error.
func problemOf(err error) events.APIGatewayV2HTTPResponse {
	p := api.ProblemOf(err)
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // text and numbers
	}
	headers := map[string]string{"Content-Type": p.ContentType("")}
	for name := range p.GetHeaders() {
		headers[name] = p.GetHeaders().Get(name)
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: p.Status, Headers: headers, Body: string(body)}
}
