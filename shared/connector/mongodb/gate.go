package mongodb

import (
	"context"
	"net"
	"strings"
	"sync"

	"github.com/tarnhq/tarn/shared/outbound"
)

// Dial connects to an address as package outbound allows.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// gate is through which all connections go: to the hosts of the connection string, and to
// the members that a server tells of. It remembers what may not be reached, because the
// driver only says that it has found no server.
type gate struct {
	dial  Dial
	hosts []string // of the connection string
	shut  func()   // called once none of them may be reached

	mu      sync.Mutex
	refused map[string]bool
}

// DialContext implements options.ContextDialer.
func (g *gate) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := g.dial(ctx, network, address)
	if outbound.Forbidden(err) {
		g.refuse(strings.ToLower(address))
	}
	return conn, err
}

func (g *gate) refuse(address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused[address] = true
	for _, host := range g.hosts {
		if !g.refused[host] {
			return
		}
	}
	g.shut()
}

// refuses reports whether an address was asked for that may not be reached.
func (g *gate) refuses() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.refused) > 0
}
