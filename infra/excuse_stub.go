package main
import "github.com/aws/aws-cdk-go/awscdk/v2"
func excuseDeployment(stack awscdk.Stack) {}
