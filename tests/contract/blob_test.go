package contract

import (
	"testing"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/blob/blobtest"
	"github.com/tarnhq/tarn/tests/oracle"
)

var blobExcuses = excuses{
	"a segment of a key may be as long as a key": "it keeps blobs as files, whose names are at most 255 bytes long",
}

func TestBlob(t *testing.T) {
	t.Parallel()
	services := oracle.Start(t, oracle.S3)
	bucket := services.Bucket(t)
	blobtest.Run(t, func(t *testing.T) blobtest.Fixture {
		blobExcuses.apply(t)
		return blobtest.Fixture{Store: aws.NewBlob(services.S3(), bucket)}
	})
	t.Run("a blob whose answer is lost is stored", func(t *testing.T) { blobLost(t, services) })
}
