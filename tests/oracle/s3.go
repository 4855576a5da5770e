package oracle

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// startS3 builds the gateway first, which the build cache makes quick.
func startS3(t testing.TB) string {
	folder, port := t.TempDir(), freePort(t)
	program := filepath.Join(folder, "s3gateway")
	build := exec.Command("go", "build", "-o", program, "./tests/oracle/s3gateway")
	build.Dir = root()
	if output, err := build.CombinedOutput(); err != nil {
		t.Errorf("build the S3 gateway: %v\n%s", err, output)
		return ""
	}
	buckets, attributes, versions := filepath.Join(folder, "buckets"), filepath.Join(folder, "attributes"), filepath.Join(folder, "versions")
	for _, path := range []string{buckets, attributes, versions} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Error(err)
			return ""
		}
	}
	child := exec.Command(program, "-listen", fmt.Sprintf("127.0.0.1:%d", port), "-folder", buckets, "-attributes", attributes, "-versions", versions)
	child.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secretKey, "AWS_REGION="+region)
	return run(t, port, child)
}

// S3 is a client of the service.
func (a *All) S3() *s3.Client {
	return s3.NewFromConfig(a.config, func(o *s3.Options) { o.BaseEndpoint = a.endpoint(S3) })
}

// Bucket makes a bucket and returns its name.
func (a *All) Bucket(t testing.TB) string {
	t.Helper()
	client, bucket := a.S3(), name()
	in := &s3.CreateBucketInput{Bucket: &bucket}
	if r := a.config.Region; r != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(r)}
	}
	if _, err := client.CreateBucket(t.Context(), in); err != nil {
		t.Fatalf("create a bucket: %v", err)
	}
	if Real() {
		cleanup(t, "bucket", func(ctx context.Context) error { return drop(ctx, client, bucket) })
	}
	return bucket
}

// VersionedBucket makes a bucket that keeps versions, and returns its name.
func (a *All) VersionedBucket(t testing.TB) string {
	t.Helper()
	bucket := a.Bucket(t)
	_, err := a.S3().PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	if err != nil {
		t.Fatalf("have a bucket keep versions: %v", err)
	}
	return bucket
}

// drop empties a bucket and deletes it.
func drop(ctx context.Context, client *s3.Client, bucket string) error {
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, object := range page.Contents {
			if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: object.Key}); err != nil {
				return err
			}
		}
	}
	_, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket})
	return err
}
