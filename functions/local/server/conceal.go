package server

import (
	"context"
	"fmt"

	"github.com/tarnhq/tarn/shared/access"
	"github.com/tarnhq/tarn/shared/adapter/embedded/oidc"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/table"
)

// plainEmbedKey is where earlier versions had the key of embed tokens.
var plainEmbedKey = table.Key{Partition: "embeds#key", Sort: "key"}

// conceal moves what earlier versions had in the table in plain sight behind the port of
// secrets, and has the table's file forget it. It does nothing when that is done.
func (s *Server) conceal(ctx context.Context) error {
	embeds, err := s.concealEmbedKey(ctx)
	if err != nil {
		return fmt.Errorf("key of embed tokens: %w", err)
	}
	people, err := oidc.Conceal(ctx, s.store.Table(), s.store.Secrets())
	if err != nil {
		return fmt.Errorf("secrets of the sign-in: %w", err)
	}
	if !embeds && !people {
		return nil
	}
	return s.store.Scrub(ctx)
}

func (s *Server) concealEmbedKey(ctx context.Context) (moved bool, err error) {
	item, err := s.store.Table().Get(ctx, plainEmbedKey)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	err = s.store.Secrets().Create(ctx, secret.Deployment, access.EmbedSecret, secret.New(item.Body))
	if err != nil && !fault.Is(err, fault.Conflict) { // an earlier start came as far
		return false, err
	}
	return true, s.store.Table().Commit(ctx, table.Delete(plainEmbedKey))
}
