package api

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// state of a dependency.
type state int32

const (
	up     state = iota
	down         // refuses every call
	losing       // does what it is told to write, and loses the answer
	states
)

// outage stands before a port and fails its calls as its state says.
type outage struct{ now atomic.Int32 }

func (o *outage) set(s state) { o.now.Store(int32(s)) }

var errAway = fault.New(fault.Unavailable, "away", "a dependency cannot be reached")

func (o *outage) read(op func() error) error {
	if state(o.now.Load()) == down {
		return errAway
	}
	return op()
}

func (o *outage) write(op func() error) error {
	switch state(o.now.Load()) {
	case down:
		return errAway
	case losing:
		if err := op(); err != nil {
			return err
		}
		return errAway
	}
	return op()
}

type frailTable struct {
	table.Table
	*outage
}

func (f frailTable) Get(ctx context.Context, key table.Key) (item table.Item, err error) {
	err = f.read(func() error { item, err = f.Table.Get(ctx, key); return err })
	return item, err
}

func (f frailTable) List(ctx context.Context, q table.Query) (page table.Page, err error) {
	err = f.read(func() error { page, err = f.Table.List(ctx, q); return err })
	return page, err
}

func (f frailTable) Commit(ctx context.Context, writes ...table.Write) error {
	return f.write(func() error { return f.Table.Commit(ctx, writes...) })
}

type frailBlobs struct {
	blob.Store
	*outage
}

func (f frailBlobs) Put(ctx context.Context, key string, body []byte) error {
	return f.write(func() error { return f.Store.Put(ctx, key, body) })
}

func (f frailBlobs) Get(ctx context.Context, key string, offset, length int64) (r io.ReadCloser, err error) {
	err = f.read(func() error { r, err = f.Store.Get(ctx, key, offset, length); return err })
	return r, err
}

func (f frailBlobs) Stat(ctx context.Context, key string) (info blob.Info, err error) {
	err = f.read(func() error { info, err = f.Store.Stat(ctx, key); return err })
	return info, err
}

func (frailBlobs) PresignPut(_ context.Context, key string, _ time.Duration) (string, error) {
	return "https://blobs.invalid/" + key, nil // it is made without asking anybody
}

type frailStream struct {
	stream.Stream
	*outage
}

func (f frailStream) Put(ctx context.Context, entries []stream.Entry) (places []stream.Place, err error) {
	err = f.write(func() error { places, err = f.Stream.Put(ctx, entries); return err })
	return places, err
}

func (f frailStream) Shards(ctx context.Context) (shards []stream.Shard, err error) {
	err = f.read(func() error { shards, err = f.Stream.Shards(ctx); return err })
	return shards, err
}

func (f frailStream) Read(ctx context.Context, shard stream.ShardID, after stream.Sequence, limit int, wait time.Duration) (records []stream.Record, drained bool, err error) {
	err = f.read(func() error { records, drained, err = f.Stream.Read(ctx, shard, after, limit, wait); return err })
	return records, drained, err
}

type frailSecrets struct {
	secret.Store
	*outage
}

func (f frailSecrets) Create(ctx context.Context, t tenant.ID, name secret.Name, value secret.Value) error {
	return f.write(func() error { return f.Store.Create(ctx, t, name, value) })
}

func (f frailSecrets) Get(ctx context.Context, t tenant.ID, name secret.Name) (found secret.Secret, err error) {
	err = f.read(func() error { found, err = f.Store.Get(ctx, t, name); return err })
	return found, err
}
