package fake

import (
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/stream/streamtest"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/table/tabletest"
)

func TestTableKeepsThePortsPromises(t *testing.T) {
	tabletest.Run(t, func(*testing.T) table.Table { return &Table{Now: time.Now} })
}

func TestStreamKeepsThePortsPromises(t *testing.T) {
	streamtest.Run(t, func(*testing.T) streamtest.Fixture {
		s := NewStream(2)
		s.Now = time.Now
		return streamtest.Fixture{Stream: s, Split: s.Split, Merge: s.Merge}
	})
}
