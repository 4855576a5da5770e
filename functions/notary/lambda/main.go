// Command lambda is the function notary as AWS runs it: driven by the clock.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/tarnhq/tarn/functions/notary"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/audit"
	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/shared/serve"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	log := serve.Logger()
	copier := audit.Copier{Log: audit.New(account.Table(config.Table.Value()), time.Now, log), Blobs: account.Blob(config.Copies.Value())}
	lambda.Start(func(ctx context.Context) (audit.Copied, error) {
		done, err := notary.Run(ctx, copier, time.Now)
		log.InfoContext(ctx, "notary", "report", done) // the clock drops what is returned
		return done, err
	})
}
