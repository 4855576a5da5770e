// Command lambda is the function authorizer as AWS runs it.
package main

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/tarnhq/tarn/functions/authorizer"
	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/config"
)

func main() {
	ctx := context.Background()
	account, err := aws.Load(ctx)
	if err != nil {
		panic(err)
	}
	issuer, err := account.Directory(config.UserPool.Value(), config.Client.Value(), config.Domain.Value()).Issuer(ctx)
	if err != nil {
		panic(err)
	}
	tbl := account.Table(config.Table.Value())
	lambda.Start(authorizer.Handler(&access.Authenticator{
		Keys:   access.Keys{Table: tbl, Now: time.Now},
		Tokens: access.NewTokens(issuer, access.PublishedKeys(http.DefaultClient, issuer.JWKS), access.People{Table: tbl, Now: time.Now}),
	}))
}
