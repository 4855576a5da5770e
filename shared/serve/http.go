package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/tarnhq/tarn/shared/access"
)

// HTTP serves requests of an API Gateway HTTP API (payload 2.0) and never returns.
// What atShutdown holds runs before the process ends, for a fraction of a second.
func HTTP(handler http.Handler, atShutdown ...func(context.Context)) {
	start(gateway{handler: handler, log: Logger()}, atShutdown)
}

// Principal is the api.Identify of functions behind the gateway: the caller whom
// the authorizer has identified, nobody where it was not asked.
func Principal(r *http.Request) (access.Principal, error) {
	request, _ := core.GetAPIGatewayV2ContextFromContext(r.Context())
	if request.Authorizer == nil {
		return access.Principal{}, nil
	}
	return access.FromContext(request.Authorizer.Lambda)
}

// gateway is a lambda.Handler. The adapter that it is built on misreads some of a
// request, so that it gets only what it reads right; mended adds the rest.
type gateway struct {
	handler http.Handler
	log     *slog.Logger
}

// Invoke answers one event of the gateway.
func (g gateway) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("the gateway's event: %w", err)
	}
	ctx, cancel := withMargin(ctx)
	defer cancel()
	panicked := false
	response, err := httpadapter.NewV2(g.mended(event, &panicked)).ProxyWithContext(ctx, readable(event))
	switch {
	case err != nil:
		return nil, err
	case panicked:
		response = internalProblem
	}
	return encode(response)
}

// readable is the part of an event that the adapter reads right. Headers it would
// split at commas, dates too; a query it would cut at "#"; and the path, which the
// gateway has decoded, it would parse again.
func readable(e events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPRequest {
	e.RawPath = escapedPath(e)
	e.RawQueryString, e.QueryStringParameters, e.Headers = "", nil, nil
	return e
}

// escapedPath returns the path as a client would have sent it. A gateway decodes
// both forms of it, a function URL only the one in the context.
func escapedPath(e events.APIGatewayV2HTTPRequest) string {
	u := url.URL{Path: e.RequestContext.HTTP.Path, RawPath: e.RawPath}
	if u.Path == "" {
		u.Path = e.RawPath
	}
	return u.EscapedPath()
}

// mended hands a request to the handler as net/http would have.
func (g gateway) mended(e events.APIGatewayV2HTTPRequest, panicked *bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mend(r, e)
		out := &answer{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				*panicked = true
				g.log.ErrorContext(r.Context(), "panic", "error", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
			out.WriteHeader(http.StatusOK) // unless it has been written
		}()
		g.handler.ServeHTTP(out, r)
	})
}

func mend(r *http.Request, e events.APIGatewayV2HTTPRequest) {
	r.RemoteAddr = net.JoinHostPort(e.RequestContext.HTTP.SourceIP, "0")
	r.URL.Scheme, r.URL.Host, r.URL.RawQuery = "", "", e.RawQueryString
	r.RequestURI = r.URL.RequestURI()
	for name, value := range e.Headers {
		r.Header.Set(name, value)
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	r.Header.Del("Host")
	if len(e.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
}
