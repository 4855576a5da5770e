package contract

import (
	"testing"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/secret/secrettest"
	"github.com/tarnhq/tarn/tests/oracle"
)

func TestSecrets(t *testing.T) {
	t.Parallel()
	services := oracle.Start(t, oracle.Secrets)
	s := aws.NewSecrets(services.SecretsManager(), services.SecretPrefix(t))
	secrettest.Run(t, func(*testing.T) secret.Store { return s })
}
