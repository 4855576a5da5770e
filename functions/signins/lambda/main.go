// Command lambda is the function signins as AWS runs it: driven by the user pool.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/tarnhq/tarn/functions/signins"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/federation"
	"github.com/tarnhq/tarn/shared/serve"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	rules, err := federation.ParseRules([]byte(config.Rules.Value()))
	if err != nil {
		panic(err)
	}
	answers := signins.Answers{
		Rules: rules,
		Open:  func(pool string) signins.Directory { return account.Directory(pool, "", "") }, // the pool's client is younger than the function
		Now:   time.Now,
		Log:   serve.Logger(),
	}
	lambda.Start(answers.Handle)
}
