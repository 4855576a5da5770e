package connectortest

import (
	"context"
	"io"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/table"
)

// mortal is a table for a process that may end before or after a call.
type mortal struct {
	table.Table
	w *World
}

func (m mortal) Get(ctx context.Context, key table.Key) (table.Item, error) {
	m.w.step()
	return m.Table.Get(ctx, key)
}

func (m mortal) List(ctx context.Context, q table.Query) (table.Page, error) {
	m.w.step()
	return m.Table.List(ctx, q)
}

func (m mortal) Commit(ctx context.Context, writes ...table.Write) error {
	m.w.step()
	err := m.Table.Commit(ctx, writes...)
	m.w.step()
	return err
}

type mortalBlobs struct {
	blob.Store
	w *World
}

func (m mortalBlobs) Put(ctx context.Context, key string, body []byte) error {
	m.w.step()
	return m.Store.Put(ctx, key, body)
}

func (m mortalBlobs) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	m.w.step()
	return m.Store.Get(ctx, key, offset, length)
}
