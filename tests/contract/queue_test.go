package contract

import (
	"testing"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/queue/queuetest"
	"github.com/tarnhq/tarn/tests/oracle"
)

func TestQueue(t *testing.T) {
	t.Parallel()
	services := oracle.Start(t, oracle.SQS)
	queuetest.Run(t, func(t *testing.T) queuetest.Fixture {
		const tries = 3
		queue, failures := services.Queue(t, tries)
		return queuetest.Fixture{Queue: aws.NewQueue(services.SQS(), queue, failures), Tries: tries}
	})
}
