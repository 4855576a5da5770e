package contract

import (
	"io"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tarnhq/tarn/shared/adapter/aws"
	"github.com/tarnhq/tarn/shared/drop/droptest"
	"github.com/tarnhq/tarn/tests/oracle"
)

var dropExcuses = excuses{
	"to take away what is gone is fine": "it answers 500 to the deletion of a version that is not there",
}

func TestDrops(t *testing.T) {
	t.Parallel()
	services := oracle.Start(t, oracle.S3)
	client := services.S3()
	droptest.Run(t, func(t *testing.T) droptest.Fixture {
		dropExcuses.apply(t)
		blobs, bucket := services.Bucket(t), services.VersionedBucket(t)
		key := func(path string) *string { return sdk.String("drop/" + string(droptest.Tenant) + "/" + path) }
		return droptest.Fixture{Folder: aws.NewDrops(client, bucket, blobs), Blobs: aws.NewBlob(client, blobs), Rest: func() {},
			Put: func(t *testing.T, path, text string) {
				if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: key(path), Body: strings.NewReader(text)}); err != nil {
					t.Fatal(err)
				}
			},
			Remove: func(t *testing.T, path string) {
				if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: key(path)}); err != nil {
					t.Fatal(err)
				}
			},
			Refused: func(t *testing.T) map[string]string { return refusedIn(t, client, bucket) },
		}
	})
}

// refusedIn reads the objects that were put aside.
func refusedIn(t *testing.T, client *s3.Client, bucket string) map[string]string {
	t.Helper()
	prefix := "refused/" + string(droptest.Tenant) + "/"
	page, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, object := range page.Contents {
		out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: object.Key})
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(out.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = out.Body.Close()
		found[strings.TrimPrefix(*object.Key, prefix)] = string(text)
	}
	return found
}
