package oracle

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

func startMoto(t testing.TB) string {
	port := freePort(t)
	child := exec.Command("moto_server", "-H", "127.0.0.1", "-p", strconv.Itoa(port))
	child.Env = os.Environ()
	return run(t, port, child)
}

// SecretsManager is a client of the service.
func (a *All) SecretsManager() *secretsmanager.Client {
	return secretsmanager.NewFromConfig(a.config, func(o *secretsmanager.Options) { o.BaseEndpoint = a.endpoint(Secrets) })
}

// SecretPrefix returns what the names of a test's secrets begin with, which are deleted
// after it.
func (a *All) SecretPrefix(t testing.TB) string {
	t.Helper()
	client, prefix := a.SecretsManager(), name()+"/"
	cleanup(t, "secrets", func(ctx context.Context) error {
		pages := secretsmanager.NewListSecretsPaginator(client, &secretsmanager.ListSecretsInput{
			Filters: []types.Filter{{Key: types.FilterNameStringTypeName, Values: []string{prefix}}},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, s := range page.SecretList {
				if _, err := client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: s.ARN, ForceDeleteWithoutRecovery: sdk.Bool(true)}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return prefix
}
