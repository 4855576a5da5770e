package main

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/route"
)

// signInActions are what joining a person of another provider takes, and what their groups
// take at each sign-in. To delete is to take back an account that was made by halves.
var signInActions = []string{
	"cognito-idp:AdminGetUser", "cognito-idp:AdminCreateUser", "cognito-idp:AdminDeleteUser", "cognito-idp:AdminLinkProviderForUser", "cognito-idp:AdminSetUserPassword",
	"cognito-idp:CreateGroup", "cognito-idp:AdminListGroupsForUser", "cognito-idp:AdminAddUserToGroup", "cognito-idp:AdminRemoveUserFromGroup",
}

// maxRules leaves room beside them in a function's settings, which may have 4 KB.
const maxRules = 3 << 10 // bytes

// newSignIns makes the function that the pool asks about people of other providers. It is in
// the pool's stack: the pool names the function. The function is not told of the pool, which
// each event names, and its rights are a policy of their own, for a role's usual policy is
// there before the function; either would close a circle.
func newSignIns(stack awscdk.Stack, pool awscognito.UserPool, s Stage, a assets) awslambda.Function {
	settings := map[string]*string{string(config.Rules): jsii.String(rulesOf(s))}
	fn := newFunction(stack, s, route.SignIns, a.code(route.SignIns.Name), settings)
	awsiam.NewPolicy(stack, jsii.String("signinsPool"), &awsiam.PolicyProps{
		Roles: &[]awsiam.IRole{fn.Role()},
		Statements: &[]awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions: jsii.Strings(signInActions...), Resources: &[]*string{pool.UserPoolArn()},
		})},
	})
	pool.AddTrigger(awscognito.UserPoolOperation_PRE_SIGN_UP(), fn, awscognito.LambdaVersion_V1_0)
	pool.AddTrigger(awscognito.UserPoolOperation_PRE_TOKEN_GENERATION_CONFIG(), fn, awscognito.LambdaVersion_V2_0) // 1.0 leaves access tokens as they are
	return fn
}

// rulesOf is what the function decides by.
func rulesOf(s Stage) string {
	all := map[string]federation.Rules{}
	for _, p := range s.Providers {
		all[p.id()] = p.Rules
	}
	text, err := json.Marshal(all)
	if err == nil && len(text) > maxRules {
		err = fmt.Errorf("they take %d bytes, more than %d: name fewer groups", len(text), maxRules)
	}
	if err != nil {
		panic(fmt.Errorf("stage %s, the rules of its providers: %w", s.Name, err))
	}
	return string(text)
}

// signInFailures counts what is wrong with the function. It refuses people by errors, so
// that the usual count of errors says nothing.
func signInFailures(fn awslambda.Function) awscloudwatch.IMetric {
	filter := awslogs.NewMetricFilter(fn.Stack(), jsii.String("signinsFailures"), &awslogs.MetricFilterProps{
		LogGroup: fn.LogGroup(),
		FilterPattern: awslogs.FilterPattern_Any(
			awslogs.FilterPattern_StringValue(jsii.String("$.level"), jsii.String("="), jsii.String("ERROR")),
			awslogs.FilterPattern_StringValue(jsii.String("$.level"), jsii.String("="), jsii.String("FATAL")),
			awslogs.FilterPattern_StringValue(jsii.String("$.record.status"), jsii.String("="), jsii.String("timeout")),
		),
		MetricNamespace: jsii.String("Tarn/" + *fn.Stack().StackName()), MetricName: jsii.String("SignInFailures"), MetricValue: jsii.String("1"),
	})
	return filter.Metric(total())
}
