package main

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2authorizers"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/route"
)

// authorizerCache is how long the gateway believes the authorizer: as long as a
// revoked key may still pass it. Functions check the expiry on each request.
const authorizerCache = 60 // seconds

// accessLog is one line per request. It names no address and no credential.
var accessLog = func() string {
	text, err := json.Marshal(map[string]string{
		"request": "$context.requestId", "route": "$context.routeKey", "status": "$context.status",
		"ms": "$context.responseLatency", "function_ms": "$context.integrationLatency",
		"bytes": "$context.responseLength", "error": "$context.error.message",
		"integration_error": "$context.integrationErrorMessage", "authorizer_error": "$context.authorizer.error",
	})
	if err != nil {
		panic(err) // text only
	}
	return string(text)
}()

// newAPI makes the API's address. Pages of the origins that the stage names may call
// it, and no others: a caller is known by the token it sends, never by a cookie.
func newAPI(stack awscdk.Stack, s Stage) awsapigatewayv2.HttpApi {
	props := &awsapigatewayv2.HttpApiProps{CreateDefaultStage: jsii.Bool(false)}
	if len(s.AllowOrigins) > 0 {
		props.CorsPreflight = &awsapigatewayv2.CorsPreflightOptions{
			AllowOrigins: jsii.Strings(s.AllowOrigins...),
			AllowMethods: &[]awsapigatewayv2.CorsHttpMethod{awsapigatewayv2.CorsHttpMethod_GET, awsapigatewayv2.CorsHttpMethod_POST,
				awsapigatewayv2.CorsHttpMethod_PUT, awsapigatewayv2.CorsHttpMethod_PATCH, awsapigatewayv2.CorsHttpMethod_DELETE},
			AllowHeaders:  jsii.Strings("authorization", "content-type", "content-encoding", "if-none-match"),
			ExposeHeaders: jsii.Strings("tarn-version", "retry-after", "ratelimit", "ratelimit-policy", "etag"),
			MaxAge:        awscdk.Duration_Hours(jsii.Number(1)),
		}
	}
	api := awsapigatewayv2.NewHttpApi(stack, jsii.String("Api"), props)
	awsapigatewayv2.NewHttpStage(stack, jsii.String("Live"), &awsapigatewayv2.HttpStageProps{
		HttpApi:    api,
		AutoDeploy: jsii.Bool(true),
		Throttle:   &awsapigatewayv2.ThrottleSettings{RateLimit: jsii.Number(s.RequestsPerSecond), BurstLimit: jsii.Number(s.Burst)},
		AccessLogSettings: &accessLogSettings{
			awsapigatewayv2.NewLogGroupLogDestination(newLogGroup(stack, s, "AccessLog")),
		},
	})
	return api
}

// accessLogSettings is awsapigatewayv2.IAccessLogSettings.
type accessLogSettings struct {
	destination awsapigatewayv2.IAccessLogDestination
}

func (a *accessLogSettings) Destination() awsapigatewayv2.IAccessLogDestination { return a.destination }

func (a *accessLogSettings) Format() awsapigateway.AccessLogFormat {
	return awsapigateway.AccessLogFormat_Custom(jsii.String(accessLog))
}

// addRoutes gives the gateway exactly the rows of the route table: one integration
// and one permission for each function, however many routes it serves.
func addRoutes(stack awscdk.Stack, front awsapigatewayv2.HttpApi, fns map[string]awslambda.Function) {
	// What a route brings along is put beside its API; imported, that is this stack.
	api := awsapigatewayv2.HttpApi_FromHttpApiAttributes(stack, jsii.String("Api"), &awsapigatewayv2.HttpApiAttributes{
		HttpApiId: front.ApiId(),
	})
	authorizer := newAuthorizer(fns["authorizer"])
	integrations := map[string]awsapigatewayv2.HttpRouteIntegration{}
	for _, r := range route.All {
		integration, known := integrations[r.Function]
		if !known {
			integration = newIntegration(r.Function, fns[r.Function])
			integrations[r.Function] = integration
		}
		props := &awsapigatewayv2.HttpRouteProps{
			HttpApi:     api,
			RouteKey:    awsapigatewayv2.HttpRouteKey_With(jsii.String(gatewayPath(r)), gatewayMethods[r.Method]),
			Integration: integration,
		}
		if guarded(r) {
			props.Authorizer = authorizer
		}
		added := awsapigatewayv2.NewHttpRoute(stack, jsii.String(r.ID), props)
		switch {
		case r.Producer:
			excuse(added, "AwsSolutions-APIG4", "The function identifies the producer: its write key may stand in the body, which the gateway does not read.")
		case r.Action == "":
			excuse(added, "AwsSolutions-APIG4", "Open to anyone by the route table.")
		}
	}
}

// gatewayPath is the path of a route as the gateway wants it. It tells a slash at the end
// from none when it is asked, and refuses to deploy a route with one: what serves it is
// the greedy route below, whose function says of anything more that it is not there.
func gatewayPath(r route.Route) string {
	if strings.HasSuffix(r.Path, "/") {
		return r.Path + "{rest+}"
	}
	return r.Path
}

// guarded reports whether the gateway asks the authorizer before the function.
func guarded(r route.Route) bool { return r.Action != "" && !r.Producer }

var gatewayMethods = map[string]awsapigatewayv2.HttpMethod{
	http.MethodGet:    awsapigatewayv2.HttpMethod_GET,
	http.MethodPost:   awsapigatewayv2.HttpMethod_POST,
	http.MethodPut:    awsapigatewayv2.HttpMethod_PUT,
	http.MethodPatch:  awsapigatewayv2.HttpMethod_PATCH,
	http.MethodDelete: awsapigatewayv2.HttpMethod_DELETE,
}

func newIntegration(name string, fn awslambda.IFunction) awsapigatewayv2.HttpRouteIntegration {
	return awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String(name), fn, &awsapigatewayv2integrations.HttpLambdaIntegrationProps{
		PayloadFormatVersion:   awsapigatewayv2.PayloadFormatVersion_VERSION_2_0(),
		ScopePermissionToRoute: jsii.Bool(false),
	})
}

func newAuthorizer(fn awslambda.IFunction) awsapigatewayv2.IHttpRouteAuthorizer {
	return awsapigatewayv2authorizers.NewHttpLambdaAuthorizer(jsii.String("Authorizer"), fn, &awsapigatewayv2authorizers.HttpLambdaAuthorizerProps{
		IdentitySource:  jsii.Strings("$request.header.Authorization"),
		ResponseTypes:   &[]awsapigatewayv2authorizers.HttpLambdaResponseType{awsapigatewayv2authorizers.HttpLambdaResponseType_SIMPLE},
		ResultsCacheTtl: awscdk.Duration_Seconds(jsii.Number(authorizerCache)),
	})
}
