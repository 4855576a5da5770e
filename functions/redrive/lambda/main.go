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
	"github.com/tarnhq/tarn/shared/feed"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/feedserver"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	feeds, err := feedserver.New(account, serve.Logger())
	if err != nil {
		panic(err)
	}
	r := redrive.Redriver{
		Failures: account.Blob(config.Failures.Value()),
		Stream:   account.Stream(config.Stream.Value()),
		Hash:     aws.HashOf,
		Now:      time.Now,
		Own:      config.Stream.Value(),
		ReadFeed: func(payload []byte) (feed.Feed, []feed.Record, error) { return serve.ReadFeed(feeds.Feeds, payload) },
		Take:     feeds.Intake.Take,
	}
	lambda.Start(func(ctx context.Context) (redrive.Report, error) {
		defer feeds.Flush(context.WithoutCancel(ctx))
		return r.Run(ctx)
	})
}
