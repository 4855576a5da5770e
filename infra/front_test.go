package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/console"
)

func TestTheWebPageIsWhatTheLocalServerServes(t *testing.T) {
	want := map[string]bool{}
	for _, p := range console.Paths() {
		if name := strings.TrimPrefix(p, "/"); strings.Contains(name, ".") {
			want[name] = true
		}
	}
	everyStage(t, func(t *testing.T, s synth) {
		got := map[string]bool{}
		for _, name := range s.page {
			got[name] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestNamesWithoutADotArePages(t *testing.T) {
	for _, p := range console.Paths() {
		named := p == "/" || strings.Contains(p, ".")
		if page := p + ".html"; !named && !slices.Contains(console.Paths(), page) {
			t.Errorf("%s is no page of its own: CloudFront would look for %s", p, page)
		}
	}
}

func TestTheWebPageIsReadThroughCloudFrontAlone(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for id, d := range s.front.of("AWS::CloudFront::Distribution") {
			for _, origin := range at(d.Properties, "DistributionConfig", "Origins").([]any) {
				isBucket := at(origin, "S3OriginConfig") != nil
				if isBucket && at(origin, "OriginAccessControlId") == nil {
					t.Errorf("%s: reads its bucket as anybody would: %v", id, origin)
				}
				if !isBucket && at(origin, "CustomOriginConfig", "OriginProtocolPolicy") != "https-only" {
					t.Errorf("%s: reaches the API in the clear", id)
				}
			}
		}
	})
}

func TestAStageWithANameOfItsOwnDemandsTLS12(t *testing.T) {
	stage := Stages[0]
	stage.Host = &Host{Name: "tarn.example.com", CertificateARN: "arn:aws:acm:us-east-1:123456789012:certificate/1"}
	all, err := renderAll(stage)
	if err != nil {
		t.Fatal(err)
	}
	all[0].front.HasResourceProperties(ptr("AWS::CloudFront::Distribution"), map[string]any{
		"DistributionConfig": map[string]any{
			"Aliases": []any{"tarn.example.com"},
			"ViewerCertificate": map[string]any{
				"AcmCertificateArn":      "arn:aws:acm:us-east-1:123456789012:certificate/1",
				"MinimumProtocolVersion": "TLSv1.2_2021",
				"SslSupportMethod":       "sni-only",
			},
		},
	})
	all[0].front.HasResourceProperties(ptr("AWS::Cognito::UserPoolClient"), map[string]any{
		"CallbackURLs": []any{"https://tarn.example.com/", "http://localhost:47113/", "http://localhost:47114/", "http://localhost:47115/"},
	})
}

func TestTheWebPageMayRunItsOwnFilesOnly(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for id, p := range s.front.of("AWS::CloudFront::ResponseHeadersPolicy") {
			headers := at(p.Properties, "ResponseHeadersPolicyConfig", "SecurityHeadersConfig")
			text, err := json.Marshal(at(headers, "ContentSecurityPolicy", "ContentSecurityPolicy"))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "Segments"} { // uploads go to presigned addresses of its bucket
				if !strings.Contains(string(text), want) {
					t.Errorf("%s: the policy lacks %s: %s", id, want, text)
				}
			}
			if strings.Contains(string(text), "unsafe-inline") {
				t.Errorf("%s: inline scripts may run", id)
			}
			if at(headers, "StrictTransportSecurity", "AccessControlMaxAgeSec") != float64(365*24*60*60) {
				t.Errorf("%s: TLS is not insisted on for a year", id)
			}
		}
	})
}

func TestOnlyPagesOfNamedOriginsMayCallTheAPI(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for id, api := range s.front.of("AWS::ApiGatewayV2::Api") {
			if cors := at(api.Properties, "CorsConfiguration"); cors != nil {
				t.Errorf("%s: pages of others may call: %v", id, cors)
			}
		}
	})
	stage := Stages[0]
	stage.AllowOrigins = []string{"https://shop.example.com"}
	all, err := renderAll(stage)
	if err != nil {
		t.Fatal(err)
	}
	for id, api := range all[0].front.of("AWS::ApiGatewayV2::Api") {
		cors := at(api.Properties, "CorsConfiguration")
		if diff := cmp.Diff([]any{"https://shop.example.com"}, at(cors, "AllowOrigins")); diff != "" || at(cors, "AllowCredentials") != nil {
			t.Errorf("%s: %v", id, cors)
		}
	}
}

// TestNothingIsServedBelowTLS12: API Gateway's own addresses are at TLS 1.2 at least;
// an address of one's own states it, and so does the way from CloudFront to it.
func TestNothingIsServedBelowTLS12(t *testing.T) {
	everyStage(t, func(t *testing.T, s synth) {
		for id, d := range s.front.of("AWS::CloudFront::Distribution") {
			config := at(d.Properties, "DistributionConfig")
			behaviors := []any{at(config, "DefaultCacheBehavior")}
			if more, ok := at(config, "CacheBehaviors").([]any); ok {
				behaviors = append(behaviors, more...)
			}
			for _, b := range behaviors {
				if policy := at(b, "ViewerProtocolPolicy"); policy != "https-only" && policy != "redirect-to-https" {
					t.Errorf("%s: %v is served by %v", id, at(b, "PathPattern"), policy)
				}
			}
			for _, origin := range at(config, "Origins").([]any) {
				if custom := at(origin, "CustomOriginConfig"); custom != nil {
					if diff := cmp.Diff([]any{"TLSv1.2"}, at(custom, "OriginSSLProtocols")); diff != "" {
						t.Errorf("%s: %s", id, diff)
					}
				}
			}
		}
		for id, name := range s.front.of("AWS::ApiGatewayV2::DomainName") {
			for _, c := range at(name.Properties, "DomainNameConfigurations").([]any) {
				if at(c, "SecurityPolicy") != "TLS_1_2" {
					t.Errorf("%s: %v", id, c)
				}
			}
		}
	})
}
