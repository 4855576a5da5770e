package aws

import (
	"errors"
	"math/rand/v2"
	"net"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/tarnhq/tarn/shared/fault"
)

// A request whose answer was lost may have been applied. The SDK repeats it, which
// is right for reads, for transactions (a token makes them idempotent) and for
// queues (at least once is all they promise). It is wrong for the rest:
//
//   - a conditional write would find its own first attempt and call it a conflict,
//   - an addition would count twice,
//   - a record would enter the stream twice while the caller hears of one place.
//
// Those repeat only what the service refused, and report a lost answer as
// fault.Unavailable.

// attempts bounds the tries of one call; with the backoff below the last one is
// made within two seconds.
const attempts = 6

// repeatable retries everything that may succeed later.
func repeatable() sdk.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.Backoff = retry.BackoffDelayerFunc(backoff)
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(contended))
	})
}

// refusedOnly retries what certainly was not applied.
func refusedOnly() sdk.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.Backoff = retry.BackoffDelayerFunc(backoff)
		o.Retryables = []retry.IsErrorRetryable{
			retry.RetryableErrorCode{Codes: retry.DefaultThrottleErrorCodes},
			retry.RetryableErrorCode{Codes: map[string]struct{}{
				"ConditionalRequestConflict":   {},
				"TransactionConflictException": {},
			}},
			retry.IsErrorRetryableFunc(neverSent),
		}
	})
}

// backoff waits a random time of at most 25 ms, doubled with every attempt up to a
// second: the contention of two writers of one item is over in milliseconds.
func backoff(attempt int, _ error) (time.Duration, error) {
	ceiling := min(time.Second, 25*time.Millisecond<<min(attempt, 10))
	return rand.N(ceiling), nil // #nosec G404 -- spreads retries; nothing is protected
}

// contended recognizes a transaction that was cancelled only because another one
// touched the same items at that moment.
func contended(err error) sdk.Ternary {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return sdk.UnknownTernary
	}
	return sdk.BoolTernary(kindOfCancellation(cancelled.CancellationReasons) == fault.Throttled)
}

// neverSent recognizes a request for which no connection could be made.
func neverSent(err error) sdk.Ternary {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return sdk.TrueTernary
	}
	return sdk.UnknownTernary
}
