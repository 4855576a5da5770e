package eventlog

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/tarnhq/tarn/shared/stream"
)

// Shards lists the shards, open ones and those that were closed within what is kept.
func (l *Log) Shards(context.Context) ([]stream.Shard, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errClosed
	}
	var all []stream.Shard
	for _, p := range l.parts {
		s := stream.Shard{ID: p.id, From: p.From, Through: p.Through, Closed: p.Closed}
		for _, parent := range p.Parents {
			s.Parents = append(s.Parents, shardID(parent))
		}
		all = append(all, s)
	}
	return all, nil
}

// Split closes a shard and opens two in its place, of which the upper one begins
// at at. When it returns nil the change survives a crash.
func (l *Log) Split(ctx context.Context, id stream.ShardID, at stream.Hash) error {
	return l.reshard(ctx, func(now layout, last uint64) (layout, error) { return now.split(id, at, last) })
}

// Merge closes two neighbouring shards and opens one in their place.
func (l *Log) Merge(ctx context.Context, a, b stream.ShardID) error {
	return l.reshard(ctx, func(now layout, last uint64) (layout, error) { return now.merge(a, b, last) })
}

// reshard writes a change of the shards into the log, behind all records of the
// old ones. Puts wait until it is synced.
func (l *Log) reshard(ctx context.Context, change func(now layout, last uint64) (layout, error)) error {
	l.mu.Lock()
	if err := l.admission(ctx); err != nil {
		return err
	}
	next, err := change(l.layout(), l.next-1)
	if err != nil {
		l.mu.Unlock()
		return err
	}
	done, err := l.enqueueLayout(next)
	if err != nil {
		l.mu.Unlock()
		return err
	}
	gate := make(chan struct{})
	l.gate = gate
	l.mu.Unlock()

	<-done.done
	l.mu.Lock()
	defer l.mu.Unlock()
	if done.err == nil {
		l.install(next)
	}
	l.gate = nil
	close(gate)
	return done.err
}

// enqueueLayout puts a layout behind all records so far and returns the batch that
// stores it.
func (l *Log) enqueueLayout(next layout) (*batch, error) {
	text, err := json.Marshal(next)
	if err != nil {
		return nil, err
	}
	err = l.enqueue(frame{kind: kindLayout, sequence: l.next - 1, payload: text}, payloadSum(text))
	l.work.Signal()
	return l.batch, err
}

// install makes a synced layout the one that Puts and readers see.
func (l *Log) install(next layout) {
	l.nextShard = next.Next
	for _, s := range next.Shards {
		p := l.part(shardID(s.Number))
		if p == nil {
			l.parts = append(l.parts, newPart(s))
			continue
		}
		p.Closed, p.ClosedAt = s.Closed, s.ClosedAt
		p.wake()
	}
}

// forget drops the shards that were closed before the oldest file began.
func (l *Log) forget() {
	if len(l.files) == 0 {
		return
	}
	oldest := l.files[0].first
	l.parts = slices.DeleteFunc(l.parts, func(p *part) bool {
		gone := p.Closed && p.ClosedAt < oldest && p.Last < oldest
		if gone {
			p.wake()
		}
		return gone
	})
}
