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
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3deployment"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/route"
)

// front is what the world addresses: the API, the web page before it, and the
// client that signs people in there. It is apart from the functions, so that these
// can be replaced while the addresses stay.
type front struct {
	stack  awscdk.Stack
	api    awsapigatewayv2.HttpApi
	client awscognito.UserPoolClient
}

func newFront(app awscdk.App, s Stage, d data, a assets) front {
	stack := newStack(app, s, "front", "Tarn: the API's address and the web page")
	api := newAPI(stack, s)
	page := newConsole(stack, s, api, d.domain, a)
	home := awscdk.Fn_Join(jsii.String(""), &[]*string{jsii.String("https://"), page.DomainName()})
	if s.Host != nil {
		home = jsii.String("https://" + s.Host.Name)
	}
	awscdk.NewCfnOutput(stack, jsii.String("ConsoleURL"), &awscdk.CfnOutputProps{Value: home})
	awscdk.NewCfnOutput(stack, jsii.String("ApiURL"), &awscdk.CfnOutputProps{Value: api.ApiEndpoint()})
	return front{stack: stack, api: api, client: newClient(stack, d.pool, home)}
}

// newConsole serves the web page from a private bucket, and the API under the same
// origin, so that the page needs no permission to call it.
func newConsole(stack awscdk.Stack, s Stage, api awsapigatewayv2.HttpApi, signIn awscognito.UserPoolDomain, a assets) awscloudfront.Distribution {
	props := private(s)
	props.Encryption = awss3.BucketEncryption_S3_MANAGED
	bucket := awss3.NewBucket(stack, jsii.String("Page"), &props.BucketProps)
	excuse(bucket, "AwsSolutions-S1", "Public files, read by CloudFront alone.")

	distribution := awscloudfront.NewDistribution(stack, jsii.String("Console"), s.named(stack, &awscloudfront.DistributionProps{
		DefaultRootObject:   jsii.String("index.html"),
		PriceClass:          awscloudfront.PriceClass_PRICE_CLASS_100,
		DefaultBehavior:     pageBehavior(stack, bucket, signIn),
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

func pageBehavior(stack awscdk.Stack, bucket awss3.IBucket, signIn awscognito.UserPoolDomain) *awscloudfront.BehaviorOptions {
	return &awscloudfront.BehaviorOptions{
		Origin:                awscloudfrontorigins.S3BucketOrigin_WithOriginAccessControl(bucket, nil),
		ViewerProtocolPolicy:  awscloudfront.ViewerProtocolPolicy_REDIRECT_TO_HTTPS,
		CachePolicy:           awscloudfront.CachePolicy_CACHING_OPTIMIZED(),
		ResponseHeadersPolicy: newPageHeaders(stack, signIn),
	}
}

// newPageHeaders let the page run its own files, call its own origin and exchange
// codes for tokens where people sign in, and nothing else.
func newPageHeaders(stack awscdk.Stack, signIn awscognito.UserPoolDomain) awscloudfront.ResponseHeadersPolicy {
	policy := awscdk.Fn_Join(jsii.String(""), &[]*string{
		jsii.String("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self' "), signIn.BaseUrl(nil),
	})
	override := jsii.Bool(true)
	return awscloudfront.NewResponseHeadersPolicy(stack, jsii.String("PageHeaders"), &awscloudfront.ResponseHeadersPolicyProps{
		SecurityHeadersBehavior: &awscloudfront.ResponseSecurityHeadersBehavior{
			ContentSecurityPolicy: &awscloudfront.ResponseHeadersContentSecurityPolicy{ContentSecurityPolicy: policy, Override: override},
			ContentTypeOptions:    &awscloudfront.ResponseHeadersContentTypeOptions{Override: override},
			FrameOptions:          &awscloudfront.ResponseHeadersFrameOptions{FrameOption: awscloudfront.HeadersFrameOption_DENY, Override: override},
			ReferrerPolicy:        &awscloudfront.ResponseHeadersReferrerPolicy{ReferrerPolicy: awscloudfront.HeadersReferrerPolicy_NO_REFERRER, Override: override},
			StrictTransportSecurity: &awscloudfront.ResponseHeadersStrictTransportSecurity{
				AccessControlMaxAge: awscdk.Duration_Days(jsii.Number(365)), IncludeSubdomains: jsii.Bool(true), Override: override,
			},
		},
	})
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

func deployPage(stack awscdk.Stack, s Stage, bucket awss3.IBucket, distribution awscloudfront.IDistribution, a assets) {
	awss3deployment.NewBucketDeployment(stack, jsii.String("DeployPage"), &awss3deployment.BucketDeploymentProps{
		Sources:           &[]awss3deployment.ISource{a.page()},
		DestinationBucket: bucket,
		Distribution:      distribution,
		CacheControl: &[]awss3deployment.CacheControl{
			awss3deployment.CacheControl_FromString(jsii.String("public, max-age=300")),
		},
		LogGroup: newLogGroup(stack, s, "DeployPageLogs"),
	})
	excuseDeployment(stack)
}

// excuseDeployment is about the CDK's own function that copies the page's files; it
// runs during a deploy only.
func excuseDeployment(stack awscdk.Stack) {
	for _, child := range *stack.Node().Children() {
		if !strings.HasPrefix(*child.Node().Id(), "Custom::CDKBucketDeployment") {
			continue
		}
		excuse(child, "AwsSolutions-L1", "The CDK chooses the runtime of its own function.")
		excuse(child, "AwsSolutions-IAM4", "The CDK gives its own function the managed policy for logs.")
		excuse(child, "AwsSolutions-IAM5", "The CDK lets its own function copy from the deploy's assets to the page's bucket and invalidate CloudFront.")
	}
}
