// Command lambda is the function authorizer as AWS runs it.
package main

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
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
	usage := &access.Usage{Table: tbl, Now: time.Now}
	keys, secrets := access.Keys{Table: tbl, Now: time.Now}, account.Secrets(config.Secrets.Value())
	identify := authorizer.Handler(&access.Authenticator{
		Usage:   usage,
		Embeds:  &access.Embeds{Secrets: secrets, Now: time.Now},
		Keys:    keys,
		Clients: &access.Clients{Keys: keys, Secrets: secrets},
		Tokens:  access.NewTokens(issuer, access.PublishedKeys(http.DefaultClient, issuer.JWKS), access.People{Table: tbl, Now: time.Now}),
	})
	lambda.Start(func(ctx context.Context, r events.APIGatewayV2CustomAuthorizerV2Request) (events.APIGatewayV2CustomAuthorizerSimpleResponse, error) {
		out, err := identify(ctx, r)
		go record(usage)
		return out, err
	})
}

// record writes beside the answer, or while the next request is served. What fails is
// written later; nobody waits for it.
func record(usage *access.Usage) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = usage.Flush(ctx)
}
