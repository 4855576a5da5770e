// Command infra describes what Tarn needs in an AWS account. The CDK's command line
// runs it. Each stage is three stacks: data outlives everything else, front is
// what the world addresses, and functions is what changes with every deploy.
package main

import (
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3deployment"
	"github.com/aws/jsii-runtime-go"
)

// assets are the files that a deploy uploads. Paths are relative to the
// repository's root, where the command line runs.
type assets struct {
	lambda  string // folder with one folder for each function, which holds its bootstrap
	console string // folder of the web page
}

func (a assets) code(function string) awslambda.Code {
	return awslambda.Code_FromAsset(jsii.String(a.lambda+"/"+function), nil)
}

// page leaves out the Go code that serves the same files locally.
func (a assets) page() awss3deployment.ISource {
	return awss3deployment.Source_Asset(jsii.String(a.console), &awss3assets.AssetOptions{
		IgnoreMode: awscdk.IgnoreMode_GIT,
		Exclude:    jsii.Strings("*", "!*.html", "!*.js", "!*.css", "!*.svg"),
	})
}

// stacks are the stacks of one stage.
type stacks struct {
	data      data
	front     front
	functions functions
}

func newStacks(app awscdk.App, s Stage, a assets) stacks {
	d := newData(app, s, a)
	f := newFront(app, s, d, a)
	return stacks{data: d, front: f, functions: newFunctions(app, s, d, f, a)}
}

// newStack returns a stack of a stage. It names neither account nor region: it is
// deployed to those of whoever deploys it.
func newStack(app awscdk.App, s Stage, name, description string) awscdk.Stack {
	stack := awscdk.NewStack(app, jsii.String("tarn-"+s.Name+"-"+name), &awscdk.StackProps{
		Description:           jsii.String(description),
		TerminationProtection: jsii.Bool(s.Keep),
	})
	awscdk.Tags_Of(stack).Add(jsii.String("tarn:stage"), jsii.String(s.Name), nil)
	return stack
}

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	for _, s := range Stages {
		if email, ok := os.LookupEnv("ALARM_EMAIL"); ok {
			s.AlarmEmail = email
		}
		newStacks(app, s, assets{lambda: "build/lambda", console: "console"})
	}
	app.Synth(nil)
}
