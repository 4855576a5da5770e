package crash

import (
	"context"
	"io"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
)

// misfortune is what can happen to one call of a port.
type misfortune int

const (
	none      misfortune = iota
	refuse               // not applied, Unavailable
	throttle             // not applied, Throttled
	lose                 // applied, and the answer lost: Unavailable; perhaps a resharding before the next try
	dieBefore            // the process ends before the call
	dieAfter             // the process ends after it was applied
	detour               // something else happens first: another worker, a resharding
	partial              // of a put, some entries are refused; of other calls, none
	misfortunes
)

// death is what a dying process panics with.
type death struct{}

// injector stands around every port of a process and does what is planned for the
// calls to come.
type injector struct {
	countdown int        // calls until the misfortune; negative: none is planned
	what      misfortune //
	aside     func()     // what a detour does; the injector is off meanwhile
	after     func()     // what happens once an answer is lost
	happened  map[misfortune]int
}

func (i *injector) plan(after int, what misfortune) { i.countdown, i.what = after, what }
func (i *injector) off()                            { i.countdown = -1 }

// next returns what happens to the call at hand: a put of several entries, or not.
func (i *injector) next(put bool) misfortune {
	i.countdown--
	if i.countdown != -1 || i.what == partial && !put {
		return none
	}
	i.happened[i.what]++
	return i.what
}

var errInjected = fault.New(fault.Unavailable, "injected", "injected")

// call runs one call of a port under the injector.
func (i *injector) call(op func() error) error {
	return i.suffer(i.next(false), op)
}

// suffer runs a call with what happens to it.
func (i *injector) suffer(what misfortune, op func() error) error {
	switch what {
	case refuse:
		return errInjected
	case throttle:
		return fault.New(fault.Throttled, "injected", "injected")
	case lose:
		if err := op(); err != nil {
			return err
		}
		i.after()
		return errInjected
	case dieBefore:
		panic(death{})
	case dieAfter:
		_ = op() // nobody is left to look at the outcome
		panic(death{})
	case detour:
		i.aside()
	}
	return op()
}

type faultyTable struct {
	table.Table
	*injector
}

func (f faultyTable) Get(ctx context.Context, key table.Key) (item table.Item, err error) {
	err = f.call(func() error { item, err = f.Table.Get(ctx, key); return err })
	return item, err
}

func (f faultyTable) List(ctx context.Context, q table.Query) (page table.Page, err error) {
	err = f.call(func() error { page, err = f.Table.List(ctx, q); return err })
	return page, err
}

func (f faultyTable) Commit(ctx context.Context, writes ...table.Write) error {
	return f.call(func() error { return f.Table.Commit(ctx, writes...) })
}

type faultyBlobs struct {
	blob.Store
	*injector
}

func (f faultyBlobs) Put(ctx context.Context, key string, body []byte) error {
	return f.call(func() error { return f.Store.Put(ctx, key, body) })
}

func (f faultyBlobs) PutFrom(ctx context.Context, key string, body io.ReadSeeker, size int64) error {
	return f.call(func() error { return f.Store.PutFrom(ctx, key, body, size) })
}

func (f faultyBlobs) Get(ctx context.Context, key string, offset, length int64) (r io.ReadCloser, err error) {
	err = f.call(func() error { r, err = f.Store.Get(ctx, key, offset, length); return err })
	return r, err
}

func (f faultyBlobs) Stat(ctx context.Context, key string) (info blob.Info, err error) {
	err = f.call(func() error { info, err = f.Store.Stat(ctx, key); return err })
	return info, err
}

func (f faultyBlobs) List(ctx context.Context, prefix, next string, limit int) (page blob.Page, err error) {
	err = f.call(func() error { page, err = f.Store.List(ctx, prefix, next, limit); return err })
	return page, err
}

func (f faultyBlobs) Delete(ctx context.Context, key string) error {
	return f.call(func() error { return f.Store.Delete(ctx, key) })
}

type faultyStream struct {
	stream.Stream
	*injector
}

// Put refuses every second entry of a put that is to succeed in part.
func (f faultyStream) Put(ctx context.Context, entries []stream.Entry) (places []stream.Place, err error) {
	what := f.next(len(entries) > 1)
	if what == partial {
		return f.some(ctx, entries)
	}
	err = f.suffer(what, func() error { places, err = f.Stream.Put(ctx, entries); return err })
	return places, err
}

func (f faultyStream) some(ctx context.Context, entries []stream.Entry) ([]stream.Place, error) {
	var lucky []stream.Entry
	for i := 0; i < len(entries); i += 2 {
		lucky = append(lucky, entries[i])
	}
	stored, err := f.Stream.Put(ctx, lucky)
	if err != nil {
		return nil, err
	}
	places := make([]stream.Place, len(entries))
	for i := range entries {
		if i%2 == 0 {
			places[i] = stored[i/2]
		} else {
			places[i].Err = fault.New(fault.Throttled, "injected", "injected")
		}
	}
	return places, nil
}

func (f faultyStream) Read(ctx context.Context, shard stream.ShardID, after stream.Sequence, limit int, wait time.Duration) (records []stream.Record, drained bool, err error) {
	err = f.call(func() error { records, drained, err = f.Stream.Read(ctx, shard, after, limit, wait); return err })
	return records, drained, err
}
