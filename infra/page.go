package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfrontorigins"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3deployment"
	"github.com/aws/jsii-runtime-go"
)

func newPageBucket(stack awscdk.Stack, s Stage) awss3.Bucket {
	props := private(s)
	props.Encryption = awss3.BucketEncryption_S3_MANAGED
	bucket := awss3.NewBucket(stack, jsii.String("Page"), &props.BucketProps)
	excuse(bucket, "AwsSolutions-S1", "Public files, read by CloudFront alone.")
	return bucket
}

func pageBehavior(stack awscdk.Stack, bucket awss3.IBucket, d data) *awscloudfront.BehaviorOptions {
	return &awscloudfront.BehaviorOptions{
		Origin:                awscloudfrontorigins.S3BucketOrigin_WithOriginAccessControl(bucket, nil),
		ViewerProtocolPolicy:  awscloudfront.ViewerProtocolPolicy_REDIRECT_TO_HTTPS,
		CachePolicy:           awscloudfront.CachePolicy_CACHING_OPTIMIZED(),
		ResponseHeadersPolicy: newPageHeaders(stack, d),
		FunctionAssociations: &[]*awscloudfront.FunctionAssociation{{
			EventType: awscloudfront.FunctionEventType_VIEWER_REQUEST, Function: newPageNames(stack),
		}},
	}
}

// newPageNames finds pages under the names people use, as the local server does:
// /docs is docs.html.
func newPageNames(stack awscdk.Stack) awscloudfront.Function {
	return awscloudfront.NewFunction(stack, jsii.String("PageNames"), &awscloudfront.FunctionProps{
		Code: awscloudfront.FunctionCode_FromInline(jsii.String(pageNames)),
	})
}

const pageNames = `function handler(event) {
  var request = event.request;
  if (request.uri !== "/" && !request.uri.includes(".")) request.uri += ".html";
  return request;
}`

// newPageHeaders let the page run its own files, call its own origin, exchange codes for
// tokens where people sign in and upload to presigned addresses, and nothing else.
func newPageHeaders(stack awscdk.Stack, d data) awscloudfront.ResponseHeadersPolicy {
	policy := awscdk.Fn_Join(jsii.String(""), &[]*string{
		jsii.String("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self' "), d.domain.BaseUrl(nil),
		jsii.String(" https://"), d.segments.BucketRegionalDomainName(),
	})
	override := jsii.Bool(true)
	isolated := &awscloudfront.ResponseCustomHeader{
		Header: jsii.String("Cross-Origin-Opener-Policy"), Value: jsii.String("same-origin"), Override: override,
	}
	return awscloudfront.NewResponseHeadersPolicy(stack, jsii.String("PageHeaders"), &awscloudfront.ResponseHeadersPolicyProps{
		CustomHeadersBehavior: &awscloudfront.ResponseCustomHeadersBehavior{
			CustomHeaders: &[]*awscloudfront.ResponseCustomHeader{isolated},
		},
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

func deployPage(stack awscdk.Stack, s Stage, bucket awss3.IBucket, distribution awscloudfront.IDistribution, a assets) {
	awss3deployment.NewBucketDeployment(stack, jsii.String("DeployPage"), &awss3deployment.BucketDeploymentProps{
		Sources:           &[]awss3deployment.ISource{a.page()},
		DestinationBucket: bucket,
		Distribution:      distribution,
		CacheControl: &[]awss3deployment.CacheControl{
			awss3deployment.CacheControl_FromString(jsii.String("no-cache")), // asked for each time, so that an upgrade shows at once
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
