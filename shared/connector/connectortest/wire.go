package connectortest

import (
	"context"
	"net"
	"sync"
)

// Dial connects to an address.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Wire is a network that breaks once, after so many bytes were received. Left is how many
// are left until then; 0 of one that has broken, or never does.
type Wire struct {
	Left int
	mu   sync.Mutex // some drivers have several connections
}

// Dial connects to any address.
func (w *Wire) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &frail{conn, w}, nil
}

// Mend has the network break no more, and reports whether it never did.
func (w *Wire) Mend() (whole bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	whole, w.Left = w.Left > 0, 0
	return whole
}

type frail struct {
	net.Conn
	wire *Wire
}

func (f *frail) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	f.wire.mu.Lock()
	defer f.wire.mu.Unlock()
	if f.wire.Left > 0 && f.wire.Left <= n {
		n, err = f.wire.Left, net.ErrClosed
		_ = f.Conn.Close()
	}
	if f.wire.Left > 0 {
		f.wire.Left -= n
	}
	return n, err
}
