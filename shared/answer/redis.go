package answer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tarnhq/tarn/shared/tenant"
)

// Redis shares answers in a Redis or Valkey server.
type Redis struct{ client *redis.Client }

// NewRedis connects when it is first needed. The URL is redis:// or rediss://, with
// the password and the number of the database, if any.
func NewRedis(url string) (*Redis, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("the URL of the shared cache: %w", err)
	}
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = time.Second, time.Second, time.Second // sooner than most answers take
	options.MaxRetries = -1
	return &Redis{redis.NewClient(options)}, nil
}

// Close closes the connections.
func (s *Redis) Close() error { return s.client.Close() }

func (s *Redis) key(t tenant.ID, tag Tag) string {
	return "tarn:answer:" + string(t) + ":" + string(tag)
}

// Get implements Shared.
func (s *Redis) Get(ctx context.Context, t tenant.ID, tag Tag) ([]byte, bool, error) {
	value, err := s.client.Get(ctx, s.key(t, tag)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, false, nil
	}
	return value, err == nil, err
}

// Clear forgets all that is kept of a tenant, and returns how many answers that were.
func (s *Redis) Clear(ctx context.Context, t tenant.ID) (deleted int, err error) {
	for cursor := uint64(0); ; {
		keys, next, err := s.client.Scan(ctx, cursor, s.key(t, "*"), 1000).Result()
		if err != nil {
			return deleted, err
		}
		if len(keys) > 0 {
			if err := s.client.Unlink(ctx, keys...).Err(); err != nil {
				return deleted, err
			}
		}
		deleted += len(keys)
		if cursor = next; cursor == 0 {
			return deleted, nil
		}
	}
}

// Put implements Shared.
func (s *Redis) Put(ctx context.Context, t tenant.ID, tag Tag, value []byte) error {
	return s.client.Set(ctx, s.key(t, tag), value, hours).Err()
}
