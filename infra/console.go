package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfrontorigins"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/route"
)

// newConsole serves the web page from a private bucket, and the API under the same
// origin, so that the page needs no permission to call it.
func newConsole(stack awscdk.Stack, s Stage, api awsapigatewayv2.HttpApi, d data, a assets) awscloudfront.Distribution {
	bucket := newPageBucket(stack, s)
	distribution := awscloudfront.NewDistribution(stack, jsii.String("Console"), s.named(stack, &awscloudfront.DistributionProps{
		DefaultRootObject:   jsii.String("index.html"),
		PriceClass:          awscloudfront.PriceClass_PRICE_CLASS_100,
		DefaultBehavior:     pageBehavior(stack, bucket, d),
		AdditionalBehaviors: apiBehaviors(stack, api),
	}))
	excuse(distribution, "AwsSolutions-CFR1", "Tarn has no reason to refuse a country.")
	excuse(distribution, "AwsSolutions-CFR2", "A firewall has a monthly price; the API bounds its callers itself.")
	excuse(distribution, "AwsSolutions-CFR3", "The page is public files, and the API keeps an access log of its own.")
	if s.Host == nil {
		excuse(distribution, "AwsSolutions-CFR4", "CloudFront's own certificate comes with its own TLS policy; a stage with a Host demands TLS 1.2.")
	}
	deployPage(stack, s, bucket, distribution, a)
	return distribution
}

// named gives the distribution the stage's own name, and with it the TLS policy.
func (s Stage) named(stack awscdk.Stack, p *awscloudfront.DistributionProps) *awscloudfront.DistributionProps {
	if s.Host == nil {
		return p
	}
	p.DomainNames = jsii.Strings(s.Host.Name)
	p.Certificate = awscertificatemanager.Certificate_FromCertificateArn(stack, jsii.String("Certificate"), jsii.String(s.Host.CertificateARN))
	p.MinimumProtocolVersion = awscloudfront.SecurityPolicyProtocol_TLS_V1_2_2021
	return p
}

// apiBehaviors hand every path of the route table to the API, uncached.
func apiBehaviors(stack awscdk.Stack, api awsapigatewayv2.HttpApi) *map[string]*awscloudfront.BehaviorOptions {
	host := awscdk.Fn_Select(jsii.Number(2), awscdk.Fn_Split(jsii.String("/"), api.ApiEndpoint(), nil))
	origin := awscloudfrontorigins.NewHttpOrigin(host, &awscloudfrontorigins.HttpOriginProps{
		ProtocolPolicy:     awscloudfront.OriginProtocolPolicy_HTTPS_ONLY,
		OriginSslProtocols: &[]awscloudfront.OriginSslPolicy{awscloudfront.OriginSslPolicy_TLS_V1_2},
	})
	behaviors := map[string]*awscloudfront.BehaviorOptions{}
	for _, pattern := range apiPatterns(route.All) {
		behaviors[pattern] = &awscloudfront.BehaviorOptions{
			Origin:               origin,
			ViewerProtocolPolicy: awscloudfront.ViewerProtocolPolicy_HTTPS_ONLY,
			AllowedMethods:       awscloudfront.AllowedMethods_ALLOW_ALL(),
			CachePolicy:          awscloudfront.CachePolicy_CACHING_DISABLED(),
			OriginRequestPolicy:  awscloudfront.OriginRequestPolicy_ALL_VIEWER_EXCEPT_HOST_HEADER(),
		}
	}
	return &behaviors
}

// apiPatterns returns the fewest path patterns that cover the routes: a folder for
// paths that have one, the path itself for the others.
func apiPatterns(routes []route.Route) []string {
	patterns := map[string]bool{}
	for _, r := range routes {
		folder, _, deeper := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/")
		if deeper {
			folder += "/*"
		}
		patterns["/"+folder] = true
	}
	return slices.Sorted(maps.Keys(patterns))
}
