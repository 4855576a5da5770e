package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Secrets is secret.Store on Secrets Manager. A secret is called prefix, tenant, slash,
// name; its values are the versions that AWS labels AWSCURRENT and AWSPREVIOUS. A request
// that was lost is repeated with the same token, which the service knows again.
type Secrets struct {
	client *secretsmanager.Client
	prefix string
}

// NewSecrets opens the secrets whose names begin with a prefix.
func NewSecrets(client *secretsmanager.Client, prefix string) *Secrets {
	return &Secrets{client: client, prefix: prefix}
}

var _ secret.Store = (*Secrets)(nil)

const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

func (s *Secrets) id(t tenant.ID, name secret.Name) *string {
	return sdk.String(s.prefix + string(t) + "/" + string(name))
}

// Create implements secret.Store.
func (s *Secrets) Create(ctx context.Context, t tenant.ID, name secret.Name, value secret.Value) error {
	if err := secret.CheckValue(t, name, value); err != nil {
		return err
	}
	_, err := s.client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: s.id(t, name), SecretBinary: value.Reveal()})
	return secretFault(err)
}

// Put implements secret.Store.
func (s *Secrets) Put(ctx context.Context, t tenant.ID, name secret.Name, value secret.Value) error {
	if err := secret.CheckValue(t, name, value); err != nil {
		return err
	}
	err := s.rotate(ctx, t, name, value)
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	if err = s.Create(ctx, t, name, value); fault.Is(err, fault.Conflict) {
		return s.rotate(ctx, t, name, value) // somebody else created it meanwhile
	}
	return err
}

func (s *Secrets) rotate(ctx context.Context, t tenant.ID, name secret.Name, value secret.Value) error {
	_, err := s.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: s.id(t, name), SecretBinary: value.Reveal()})
	return secretFault(err)
}

// Get implements secret.Store. It reads the current value first: of a value that is put
// in between, the one before is then known twice, and never missing.
func (s *Secrets) Get(ctx context.Context, t tenant.ID, name secret.Name) (out secret.Secret, err error) {
	if err := secret.Check(t, name); err != nil {
		return out, err
	}
	if out.Current, err = s.version(ctx, t, name, current); err != nil {
		return out, err
	}
	out.Previous, err = s.version(ctx, t, name, previous)
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return out, err
}

func (s *Secrets) version(ctx context.Context, t tenant.ID, name secret.Name, label string) (secret.Value, error) {
	got, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: s.id(t, name), VersionStage: &label})
	if isDeleted(err) {
		return secret.Value{}, secret.NotFound(name)
	}
	if err != nil {
		return secret.Value{}, secretFault(err)
	}
	if got.SecretString != nil { // as the console and the command line store it
		return secret.New([]byte(*got.SecretString)), nil
	}
	return secret.New(got.SecretBinary), nil
}

// Delete implements secret.Store. There is no window to recover it in: what was deleted
// is gone, and its name soon free.
func (s *Secrets) Delete(ctx context.Context, t tenant.ID, name secret.Name) error {
	if err := secret.Check(t, name); err != nil {
		return err
	}
	_, err := s.client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: s.id(t, name), ForceDeleteWithoutRecovery: sdk.Bool(true)})
	if isDeleted(err) {
		return nil
	}
	return secretFault(err)
}

// List implements secret.Store.
func (s *Secrets) List(ctx context.Context, t tenant.ID) ([]secret.Name, error) {
	if err := secret.CheckOwner(t); err != nil {
		return nil, err
	}
	prefix := *s.id(t, "")
	pages := secretsmanager.NewListSecretsPaginator(s.client, &secretsmanager.ListSecretsInput{
		Filters: []types.Filter{{Key: types.FilterNameStringTypeName, Values: []string{prefix}}},
	})
	var names []secret.Name
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, secretFault(err)
		}
		for _, entry := range page.SecretList {
			if name, ok := strings.CutPrefix(sdk.ToString(entry.Name), prefix); ok && entry.DeletedDate == nil {
				names = append(names, secret.Name(name))
			}
		}
	}
	slices.Sort(names)
	return names, nil
}

// isDeleted recognizes a secret that is absent, or is being deleted.
func isDeleted(err error) bool {
	code := codeOf(err)
	return code == "ResourceNotFoundException" || code == "InvalidRequestException"
}

// secretFault gives the service's answers the kinds that they have of secrets: of other
// services, a resource that is absent is a mistake of ours. The text of an answer might
// quote what was sent, and is dropped.
func secretFault(err error) error {
	if err == nil {
		return nil
	}
	kind, code := kindOf(err), codeOf(err)
	switch code {
	case "ResourceNotFoundException":
		kind = fault.NotFound
	case "ResourceExistsException":
		kind = fault.Conflict
	case "InvalidRequestException": // the name is being deleted
		kind = fault.Unavailable
	}
	if code != "" {
		err = fmt.Errorf("Secrets Manager answered %d %s", statusOf(err), code)
	}
	return faultOf("secret", kind, err)
}
