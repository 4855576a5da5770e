package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/route"
)

// gatewayKey is a row as the gateway must have it: it deploys no path that ends in a slash.
func gatewayKey(r route.Route) string { return strings.Replace(r.Pattern(), "{$}", "{rest+}", 1) }

func TestTheGatewayHasExactlyTheRoutesOfTheTable(t *testing.T) {
	var want []string
	for _, r := range route.All {
		want = append(want, gatewayKey(r))
	}
	slices.Sort(want)
	everyStage(t, func(t *testing.T, s synth) {
		var got []string
		for _, r := range s.functions.of("AWS::ApiGatewayV2::Route") {
			got = append(got, r.Properties["RouteKey"].(string))
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestTheAuthorizerGuardsAllButProducersAndWhatIsOpenToAnyone(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		kinds := map[string]any{}
		for _, r := range s.functions.of("AWS::ApiGatewayV2::Route") {
			kinds[r.Properties["RouteKey"].(string)] = r.Properties["AuthorizationType"]
		}
		for _, r := range route.All {
			want := "CUSTOM"
			if r.Producer || r.Action == "" {
				want = "NONE"
			}
			if got := kinds[gatewayKey(r)]; got != want {
				t.Errorf("%s: authorization %v, want %s", r.Pattern(), got, want)
			}
		}
	})
}

func TestTheAuthorizersAnswerIsKeptForAMinuteByCredential(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		s.functions.HasResourceProperties(ptr("AWS::ApiGatewayV2::Authorizer"), map[string]any{
			"AuthorizerType":                 "REQUEST",
			"AuthorizerPayloadFormatVersion": "2.0",
			"EnableSimpleResponses":          true,
			"AuthorizerResultTtlInSeconds":   60,
			"IdentitySource":                 []any{"$request.header.Authorization"},
		})
	})
}

func TestAFunctionHasOneIntegrationAndOnePermissionHoweverManyRoutes(t *testing.T) {
	serving := map[string]bool{}
	for _, r := range route.All {
		serving[r.Function] = true
	}
	everyStage(t, func(t *testing.T, s synth) {
		s.functions.ResourceCountIs(ptr("AWS::ApiGatewayV2::Integration"), number(len(serving)))
		const authorizers = 1
		s.functions.ResourcePropertiesCountIs(ptr("AWS::Lambda::Permission"), map[string]any{"Principal": "apigateway.amazonaws.com"}, number(len(serving)+authorizers))
	})
}

func TestEveryMethodOfTheTableIsKnownToTheGateway(t *testing.T) {
	for _, r := range route.All {
		if _, known := gatewayMethods[r.Method]; !known {
			t.Errorf("%s: no gateway method", r.Pattern())
		}
	}
}

func TestTheWebPagesOriginReachesEveryRoute(t *testing.T) {
	patterns := apiPatterns(route.All)
	for _, r := range route.All {
		if !slices.ContainsFunc(patterns, func(p string) bool { return p == r.Path || strings.HasPrefix(r.Path, strings.TrimSuffix(p, "*")) }) {
			t.Errorf("%s: no pattern of %v covers it", r.Path, patterns)
		}
	}
}

func TestPatternsAreFoldersOrWholePaths(t *testing.T) {
	got := apiPatterns([]route.Route{
		{Method: http.MethodPost, Path: "/v1/datasets"}, {Method: http.MethodGet, Path: "/v1/datasets/{dataset}"},
		{Method: http.MethodPost, Path: "/b"}, {Method: http.MethodGet, Path: "/healthz"},
	})
	if diff := cmp.Diff([]string{"/b", "/healthz", "/v1/*"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCallersAreBoundedAndTheStageKeepsAnAccessLog(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for id, live := range s.front.of("AWS::ApiGatewayV2::Stage") {
			if got := at(live.Properties, "DefaultRouteSettings", "ThrottlingRateLimit"); got != float64(s.RequestsPerSecond) {
				t.Errorf("%s: %v requests a second, want %d", id, got, s.RequestsPerSecond)
			}
			if at(live.Properties, "AccessLogSettings", "DestinationArn") == nil {
				t.Errorf("%s: no access log", id)
			}
			if format, _ := at(live.Properties, "AccessLogSettings", "Format").(string); strings.Contains(format, "sourceIp") {
				t.Errorf("%s: the access log tells addresses", id)
			}
		}
	})
}
