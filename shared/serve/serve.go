// Package serve is the only bridge to the Lambda runtime: it hands HTTP requests of
// an API Gateway and batches of a Kinesis stream to code that knows neither, and
// sets up the log. What a failed batch means to the event source is decided here
// and nowhere else.
package serve

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// margin of the runtime's deadline is kept for the answer: a function that is cut
// off cannot say why.
const margin = 500 * time.Millisecond

// lastMoment is what Lambda gives a process that it ends, less a margin.
const lastMoment = 400 * time.Millisecond

// Logger writes one JSON object a line, under the names that Lambda's own log uses,
// with the id of the request that a context belongs to.
func Logger() *slog.Logger { return lambdacontext.NewLogger() }

// start hands every invocation to handler and never returns. What atShutdown holds
// runs before Lambda ends the process. Lambda says so only to who registers an
// extension, which costs a call at each start: it is done for who needs it.
func start(handler any, atShutdown []func(context.Context)) {
	if len(atShutdown) == 0 {
		lambda.Start(handler)
	}
	lambda.StartWithOptions(handler, lambda.WithEnableSIGTERM(func() {
		ctx, cancel := context.WithTimeout(context.Background(), lastMoment)
		defer cancel()
		for _, f := range atShutdown {
			f(ctx)
		}
	}))
}

// withMargin returns a context that ends before Lambda ends the invocation.
func withMargin(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-margin))
}
