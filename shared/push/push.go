// Package push is the port that sends to connected clients. Package pushtest
// holds the suite that every implementation passes.
package push

import "context"

// MaxMessage is the size limit of a message in bytes.
const MaxMessage = 120 << 10

// ConnectionID names a client's connection.
type ConnectionID string

// Push sends to connected clients.
type Push interface {
	// Send delivers a message to one connection, or answers fault.NotFound when
	// it has gone. Delivery is not confirmed by the client.
	Send(ctx context.Context, id ConnectionID, message []byte) error

	// Connected reports whether the connection is open.
	Connected(ctx context.Context, id ConnectionID) (bool, error)

	// Disconnect closes the connection; an absent one is fine.
	Disconnect(ctx context.Context, id ConnectionID) error
}
