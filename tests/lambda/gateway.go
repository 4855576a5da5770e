package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/tarnhq/tarn/shared/route"
)

// Invoke hands an event to the function of this name.
type Invoke func(ctx context.Context, function string, payload []byte) ([]byte, error)

// gateway is an API Gateway HTTP API with the rows of the route table as routes.
// Unlike the real one it asks the authorizer each time, so that no test waits for
// its memory to fade.
type gateway struct{ invoke Invoke }

// NewGateway serves the API by invoking functions.
func NewGateway(invoke Invoke) http.Handler {
	g, mux := gateway{invoke}, http.NewServeMux()
	for _, rt := range route.All {
		mux.HandleFunc(rt.Pattern(), func(w http.ResponseWriter, r *http.Request) { g.serve(w, r, rt) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { message(w, http.StatusNotFound, "Not Found") })
	return mux
}

// message is how the gateway itself answers.
func message(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": text})
}

const maxRequest = 10 << 20 // bytes that API Gateway takes

func (g gateway) serve(w http.ResponseWriter, r *http.Request, rt route.Route) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		message(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	event := eventOf(r, rt, body)
	if rt.Action != "" && !rt.Producer && !g.authorize(w, r, &event) {
		return
	}
	var response events.APIGatewayV2HTTPResponse
	switch err := g.call(r.Context(), rt.Function, event, &response); {
	case errors.Is(err, errTooLarge):
		message(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	case err != nil:
		message(w, http.StatusInternalServerError, "Internal Server Error")
	default:
		send(w, response)
	}
}

func (g gateway) call(ctx context.Context, function string, event, into any) error {
	payload, err := json.Marshal(event)
	if err != nil {
		return err
	}
	answer, err := g.invoke(ctx, function, payload)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, into)
}

// authorize asks the authorizer, which the gateway does only where its identity
// source, the Authorization header, is there.
func (g gateway) authorize(w http.ResponseWriter, r *http.Request, event *events.APIGatewayV2HTTPRequest) bool {
	source := r.Header.Get("Authorization")
	if source == "" {
		message(w, http.StatusUnauthorized, "Unauthorized")
		return false
	}
	var verdict events.APIGatewayV2CustomAuthorizerSimpleResponse
	err := g.call(r.Context(), "authorizer", events.APIGatewayV2CustomAuthorizerV2Request{
		Version: "2.0", Type: "REQUEST", IdentitySource: []string{source}, RouteKey: event.RouteKey,
		RouteArn: "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/$default/" + strings.ReplaceAll(event.RouteKey, " ", ""),
		RawPath:  event.RawPath, RawQueryString: event.RawQueryString, Headers: event.Headers, RequestContext: event.RequestContext,
	}, &verdict)
	switch {
	case err != nil:
		message(w, http.StatusInternalServerError, "Internal Server Error")
	case !verdict.IsAuthorized:
		message(w, http.StatusForbidden, "Forbidden")
	default:
		event.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: verdict.Context}
		return true
	}
	return false
}

// eventOf is the gateway's event of a request, payload 2.0: the path decoded, the
// query not, headers in lower case and joined by commas, cookies apart.
func eventOf(r *http.Request, rt route.Route, body []byte) events.APIGatewayV2HTTPRequest {
	now := time.Now().UTC()
	ip, _, _ := net.SplitHostPort(r.RemoteAddr)
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: rt.Pattern(), RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{"host": r.Host, "x-forwarded-for": ip, "x-forwarded-port": "443", "x-forwarded-proto": "https"},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: rt.Pattern(), AccountID: "123456789012", APIID: "a1b2c3d4e5", Stage: "$default", RequestID: "JKJaXmPLvHcESHA=",
			DomainName: "api.example.com", DomainPrefix: "api", Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: ip, UserAgent: r.UserAgent()},
		},
		Body: string(body),
	}
	for name, values := range r.Header {
		if name == "Cookie" {
			e.Cookies = strings.Split(strings.Join(values, "; "), "; ")
			continue
		}
		e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	if len(r.URL.Query()) > 0 {
		e.QueryStringParameters = map[string]string{}
		for name, values := range r.URL.Query() {
			e.QueryStringParameters[name] = strings.Join(values, ",")
		}
	}
	if !isText(r.Header) {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// isText reports whether the gateway passes a body on as text.
func isText(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || h.Get("Content-Encoding") != "" {
		return false
	}
	return strings.HasPrefix(media, "text/") || media == "application/json" || media == "application/xml" || media == "application/javascript"
}

func send(w http.ResponseWriter, r events.APIGatewayV2HTTPResponse) {
	body := []byte(r.Body)
	if r.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			message(w, http.StatusInternalServerError, "Internal Server Error")
			return
		}
	}
	for name, value := range r.Headers {
		w.Header().Set(name, value)
	}
	for _, cookie := range r.Cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	w.WriteHeader(r.StatusCode)
	if r.StatusCode != http.StatusNoContent {
		_, _ = w.Write(body)
	}
}
