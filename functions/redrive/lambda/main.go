// Command lambda is the function redrive as AWS runs it: called by hand, without
// an argument.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/tarnhq/tarn/functions/redrive"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	lambda.Start(redrive.Redriver{
		Failures: account.Blob(config.Failures.Value()),
		Stream:   account.Stream(config.Stream.Value()),
		Hash:     aws.HashOf,
		Now:      time.Now,
	}.Run)
}
