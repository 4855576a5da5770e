package contract

import (
	"testing"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/blob/blobtest"
	"github.com/tarnhq/tarn/tests/oracle"
)

var blobExcuses = excuses{}

func TestBlob(t *testing.T) {
	t.Parallel()
	services := oracle.Start(t, oracle.S3)
	bucket := services.Bucket(t)
	blobtest.Run(t, func(t *testing.T) blobtest.Fixture {
		blobExcuses.apply(t)
		return blobtest.Fixture{Store: aws.NewBlob(services.S3(), bucket)}
	})
}
