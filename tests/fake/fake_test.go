package fake

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/identity/identitytest"
	"github.com/tarnhq/tarn/shared/queue/queuetest"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/secret/secrettest"
	"github.com/tarnhq/tarn/shared/stream/streamtest"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/table/tabletest"
)

func TestTableKeepsThePortsPromises(t *testing.T) {
	tabletest.Run(t, func(*testing.T) table.Table { return &Table{Now: time.Now} })
}

func TestDirectoryKeepsThePortsPromises(t *testing.T) {
	d := &Directory{}
	identitytest.Run(t, func(*testing.T) identitytest.Setup { return identitytest.Setup{Directory: d} })
}

func TestQueueKeepsThePortsPromises(t *testing.T) {
	queuetest.Run(t, func(*testing.T) queuetest.Fixture {
		var ahead atomic.Int64
		q := &Queue{Tries: 3, Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }}
		return queuetest.Fixture{Queue: q, Tries: q.Tries, Advance: func(d time.Duration) { ahead.Add(int64(d)) }}
	})
}

func TestStreamKeepsThePortsPromises(t *testing.T) {
	streamtest.Run(t, func(*testing.T) streamtest.Fixture {
		s := NewStream(2)
		s.Now = time.Now
		return streamtest.Fixture{Stream: s, Split: s.Split, Merge: s.Merge}
	})
}

func TestSecretsKeepThePortsPromises(t *testing.T) {
	s := &Secrets{}
	secrettest.Run(t, func(*testing.T) secret.Store { return s })
}
