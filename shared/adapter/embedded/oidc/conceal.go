package oidc

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/table"
)

// Conceal moves the signing keys and the seeds of second factors that earlier versions
// had in the table behind the port of secrets, and reports whether there were any. What
// was broken off is finished by doing it again: the keys go last.
func Conceal(ctx context.Context, t table.Table, secrets secret.Store) (moved bool, err error) {
	keys, err := t.List(ctx, table.Query{Partition: at("keys", "-").Partition})
	if err != nil || len(keys.Items) == 0 {
		return false, err
	}
	if err := concealSeeds(ctx, users{table: t}, seeds{secrets: secrets, random: rand.Reader}); err != nil {
		return false, err
	}
	var all []signingKey
	var gone []table.Write
	for _, item := range keys.Items {
		var key signingKey
		if err := json.Unmarshal(item.Body, &key); err != nil {
			return false, fmt.Errorf("signing key %s: %w", item.Key.Sort, err)
		}
		all, gone = append(all, key), append(gone, table.Delete(item.Key))
	}
	if err := storeKeys(ctx, secrets, all); err != nil {
		return false, err
	}
	return true, t.Commit(ctx, gone...)
}

// concealSeeds moves those of all people. Who was about to set theirs up begins anew.
func concealSeeds(ctx context.Context, u users, to seeds) error {
	for next := ""; ; {
		page, err := u.table.List(ctx, table.Query{Partition: byID("-").Partition, Next: next})
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			var plain struct {
				Factor struct{ Secret, Pending []byte }
			}
			if err := json.Unmarshal(item.Body, &plain); err != nil {
				return fmt.Errorf("user %s: %w", item.Key.Sort, err)
			}
			if plain.Factor.Secret == nil && plain.Factor.Pending == nil {
				continue
			}
			if err := concealSeed(ctx, u, to, item.Key.Sort, plain.Factor.Secret); err != nil {
				return err
			}
		}
		if next = page.Next; next == "" {
			return nil
		}
	}
}

func concealSeed(ctx context.Context, u users, to seeds, user string, plain []byte) (err error) {
	id := ""
	if plain != nil {
		if id, _, err = to.create(ctx, user, plain); err != nil {
			return err
		}
	}
	return u.change(ctx, user, func(now *account) { now.Factor.Seed = id })
}
