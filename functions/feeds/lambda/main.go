// Command lambda is the function feeds as AWS runs it: driven by streams that others
// write, Kinesis's and Kafka's.
package main

import (
	"context"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/serve"
	"github.com/tarnhq/tarn/shared/serve/feedserver"
)

func main() {
	account, err := aws.Load(context.Background())
	if err != nil {
		panic(err)
	}
	s, err := feedserver.New(account, serve.Logger())
	if err != nil {
		panic(err)
	}
	serve.Feeds(s.Feeds, s.Intake.Take, s.Flush)
}
