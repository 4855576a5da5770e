package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/jsii-runtime-go"
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
	page := newConsole(stack, s, api, d, a)
	home := awscdk.Fn_Join(jsii.String(""), &[]*string{jsii.String("https://"), page.DomainName()})
	if s.Host != nil {
		home = jsii.String("https://" + s.Host.Name)
	}
	awscdk.NewCfnOutput(stack, jsii.String("ConsoleURL"), &awscdk.CfnOutputProps{Value: home})
	awscdk.NewCfnOutput(stack, jsii.String("ApiURL"), &awscdk.CfnOutputProps{Value: api.ApiEndpoint()})
	return front{stack: stack, api: api, client: newClient(stack, s, d.pool, home)}
}
