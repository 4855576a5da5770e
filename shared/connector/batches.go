package connector

import (
	"iter"

	"github.com/tarnhq/tarn/shared/fault"
)

// Batches returns the batches that read yields, and the error that it ends with, unless no
// more were wanted.
func Batches(read func(yield func(Batch) bool) error) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		stopped := false
		err := read(func(b Batch) bool {
			stopped = !yield(b, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(Batch{}, err)
		}
	}
}

// AddressNotAllowed is the fault of a DSN that leads to where package outbound lets nobody.
func AddressNotAllowed() error {
	return fault.New(fault.Invalid, "address_not_allowed", "the dsn leads to an address that is not public").
		WithHint("the operator lets connectors reach private networks by ALLOW_NETWORKS")
}
