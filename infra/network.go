package main

import (
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/route"
)

// Network is a VPC of the account with databases that have no public address. The functions
// that connect to sources are put into it, and no others. They need a way from there to
// AWS's own services, which is a NAT gateway or an endpoint for each: DynamoDB, S3, SQS,
// Secrets Manager, Kinesis, Glue, Cognito, EventBridge Scheduler.
type Network struct {
	Subnets       []string // ids of private ones, best in two zones
	SecurityGroup string   // id: whom it lets out to can be reached
	Allow         []string // CIDRs of private networks that connectors may name
}

// enter puts a function into the network, if it is one that connects to sources.
func (n *Network) enter(fn awslambda.Function, spec route.Function) {
	if n == nil || !slices.Contains(spec.Needs, route.ReadDSNs) {
		return
	}
	resource := fn.Node().DefaultChild().(awslambda.CfnFunction)
	resource.SetVpcConfig(&awslambda.CfnFunction_VpcConfigProperty{SubnetIds: jsii.Strings(n.Subnets...), SecurityGroupIds: jsii.Strings(n.SecurityGroup)})
	fn.AddEnvironment(jsii.String(string(config.AllowNetworks)), jsii.String(strings.Join(n.Allow, ",")), nil)
	allowLambda(fn, interfaceActions, "Lambda itself makes network interfaces in the function's role, and names none of them before; the function's own code is denied it.")
}

// interfaceActions are what Lambda needs to put a function into a VPC.
var interfaceActions = []string{"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
	"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"}
