package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

const cognitoScript = "cognito-local/lib/bin/start.js"

// startCognito gives the emulator a folder of its own, for it keeps its data in
// the one it is started in.
func startCognito(t testing.TB) string {
	port := freePort(t)
	folder := t.TempDir()
	config, err := json.Marshal(map[string]any{
		"ServerConfig": map[string]any{"hostname": "127.0.0.1", "port": port},
		"TokenConfig":  map[string]any{"IssuerDomain": fmt.Sprintf("http://127.0.0.1:%d", port)},
	})
	if err == nil {
		err = os.Mkdir(filepath.Join(folder, ".cognito"), 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, ".cognito", "config.json"), config, 0o600)
	}
	if err != nil {
		t.Error(err)
		return ""
	}
	child := nodeScript(cognitoScript)
	child.Dir = folder
	return run(t, port, child)
}

// Cognito is a client of the service. Where only the emulator of secrets was started, it is
// that one's, moto's, which has user pools too: without pages to sign in at, but with what
// cognito-local lacks.
func (a *All) Cognito() *cognito.Client {
	return cognito.NewFromConfig(a.config, func(o *cognito.Options) { o.BaseEndpoint = a.cognitoEndpoint() })
}

func (a *All) cognitoEndpoint() *string {
	if url := a.endpoint(Cognito); url != nil {
		return url
	}
	return a.endpoint(Secrets)
}

// UserPool is where people sign in.
type UserPool struct {
	ID     string
	App    string // the id of the app client
	Domain string // URL of the sign-in pages
}

// UserPool makes a user pool with an app client that sends people back to redirect.
func (a *All) UserPool(t testing.TB, redirect string) UserPool {
	t.Helper()
	client := a.Cognito()
	pool, err := client.CreateUserPool(t.Context(), &cognito.CreateUserPoolInput{
		PoolName: sdk.String(name()), UsernameAttributes: []types.UsernameAttributeType{types.UsernameAttributeTypeEmail},
		Policies: &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{MinimumLength: sdk.Int32(12)}},
	})
	if err != nil {
		t.Fatalf("create a user pool: %v", err)
	}
	id := pool.UserPool.Id
	cleanup(t, "user pool", func(ctx context.Context) error {
		_, err := client.DeleteUserPool(ctx, &cognito.DeleteUserPoolInput{UserPoolId: id})
		return err
	})
	app, err := client.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
		UserPoolId: id, ClientName: sdk.String("console"), CallbackURLs: []string{redirect},
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode},
		AllowedOAuthScopes: []string{"openid", "email"}, SupportedIdentityProviders: []string{"COGNITO"},
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	if err != nil {
		t.Fatalf("create an app client: %v", err)
	}
	return UserPool{ID: *id, App: *app.UserPoolClient.ClientId, Domain: a.domain(t, client, *id)}
}

// domain is the emulator itself, or a domain that is made for a pool.
func (a *All) domain(t testing.TB, client *cognito.Client, pool string) string {
	t.Helper()
	if url := a.cognitoEndpoint(); url != nil {
		return *url
	}
	prefix := name()
	if _, err := client.CreateUserPoolDomain(t.Context(), &cognito.CreateUserPoolDomainInput{UserPoolId: &pool, Domain: &prefix}); err != nil {
		t.Fatalf("create a sign-in domain: %v", err)
	}
	cleanup(t, "sign-in domain", func(ctx context.Context) error {
		_, err := client.DeleteUserPoolDomain(ctx, &cognito.DeleteUserPoolDomainInput{UserPoolId: &pool, Domain: &prefix})
		return err
	})
	return "https://" + prefix + ".auth." + a.config.Region + ".amazoncognito.com"
}
