package answer

import (
	"context"
	"log/slog"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/tarnhq/tarn/shared/lru"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Shared keeps answers for several processes. Each tenant's are apart. What it loses
// costs an answer's time and no more, so that its failures stay here.
type Shared interface {
	// Get returns what was put under a tag, and false if it is not there any more.
	Get(ctx context.Context, t tenant.ID, tag Tag) ([]byte, bool, error)

	// Put keeps a value for some hours. It may refuse one that is too large.
	Put(ctx context.Context, t tenant.ID, tag Tag, value []byte) error
}

// Cache keeps answers: in memory and, where it has one, in what processes share. The
// same question asked many times at once is answered once. A nil Cache does neither.
type Cache struct {
	shared  Shared
	log     *slog.Logger
	memory  *lru.Cache[Tag, Answer]
	parsed  *lru.Cache[sent, Parsed]
	flights singleflight.Group
}

// NewCache keeps answers in so many bytes of memory. Shared may be nil.
func NewCache(memory int64, shared Shared, log *slog.Logger) *Cache {
	return &Cache{shared: shared, log: log, memory: lru.New[Tag, Answer](memory), parsed: lru.New[sent, Parsed](memory / 16)}
}

// forms are an answer as bytes, for surfaces that give the same bytes again.
type forms struct {
	mu    sync.Mutex
	bytes map[string][]byte
}

// Form returns the answer in a form that encode makes, which is made once while the
// answer is kept.
func (a Answer) Form(name string, encode func(query.Result) ([]byte, error)) ([]byte, error) {
	if a.forms == nil {
		return encode(a.Result)
	}
	a.forms.mu.Lock()
	defer a.forms.mu.Unlock()
	if made, ok := a.forms.bytes[name]; ok {
		return made, nil
	}
	made, err := encode(a.Result)
	if err == nil {
		a.forms.bytes[name] = made
	}
	return made, err
}

// answer returns the answer of a tag: the one that is kept, the one that somebody is
// about to get, or a new one.
func (c *Cache) answer(ctx context.Context, t tenant.ID, tag Tag, run func() (query.Result, error)) (Answer, error) {
	if c == nil {
		result, err := run()
		return Answer{Result: result, Tag: tag}, err
	}
	for {
		if a, ok := c.memory.Get(tag); ok {
			return a, nil
		}
		mine := false
		got, err, _ := c.flights.Do(string(tag), func() (any, error) {
			mine = true
			return c.fetch(ctx, t, tag, run)
		})
		if err == nil {
			return got.(Answer), nil
		}
		if mine || ctx.Err() != nil {
			return Answer{}, err
		}
		// Whoever asked first may have been called away, and that is nothing to others.
	}
}

// fetch gets an answer, and keeps it as one that cost nothing.
func (c *Cache) fetch(ctx context.Context, t tenant.ID, tag Tag, run func() (query.Result, error)) (Answer, error) {
	if a, ok := c.recall(ctx, t, tag); ok {
		return a, nil
	}
	result, err := run()
	if err != nil {
		return Answer{}, err
	}
	again := result
	again.Stats = query.Stats{Truncated: result.Stats.Truncated, Kept: true}
	c.keep(tag, again)
	if c.shared != nil {
		if err := c.shared.Put(ctx, t, tag, query.AppendResult(nil, again)); err != nil {
			c.log.Warn("an answer cannot be shared", "tag", tag, "error", err)
		}
	}
	return Answer{Result: result, Tag: tag}, nil
}

// recall asks what processes share.
func (c *Cache) recall(ctx context.Context, t tenant.ID, tag Tag) (Answer, bool) {
	if c.shared == nil {
		return Answer{}, false
	}
	value, ok, err := c.shared.Get(ctx, t, tag)
	if err != nil {
		c.log.Warn("shared answers cannot be read", "error", err)
		return Answer{}, false
	}
	if !ok {
		return Answer{}, false
	}
	result, err := query.DecodeResult(value)
	if err != nil {
		c.log.Warn("a shared answer cannot be read", "tag", tag, "error", err)
		return Answer{}, false
	}
	return c.keep(tag, result), true
}

func (c *Cache) keep(tag Tag, result query.Result) Answer {
	a := Answer{Result: result, Tag: tag, forms: &forms{bytes: map[string][]byte{}}}
	const forms = 2 // as bytes it takes about as much again
	c.memory.Put(tag, a, forms*result.Size())
	return a
}
