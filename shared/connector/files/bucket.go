package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/tarnhq/tarn/shared/fault"
)

// bucket is a folder of an S3 bucket. It has the keys that the dsn names and no others: the
// SDK's settings, and what the machine may do, are not looked at.
type bucket struct {
	client       *s3.Client
	name, prefix string
}

func newBucket(client *http.Client, key, secret, name, prefix, region, endpoint string) *bucket {
	o := s3.Options{
		Region: region, HTTPClient: client, RetryMaxAttempts: 3,
		Credentials:                               credentials.NewStaticCredentialsProvider(key, secret, ""),
		ResponseChecksumValidation:                sdk.ResponseChecksumValidationWhenRequired, // ranges have none
		DisableLogOutputChecksumValidationSkipped: true,
	}
	if endpoint != "" {
		o.BaseEndpoint, o.UsePathStyle = &endpoint, true
	}
	return &bucket{client: s3.New(o), name: name, prefix: prefix}
}

func (b *bucket) list(ctx context.Context, prefix string, some int) (all []entry, err error) {
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: sdk.String(b.prefix + prefix)}
	if some < 1000 {
		in.MaxKeys = sdk.Int32(int32(some)) // #nosec G115 -- less than 1000
	}
	for pages := s3.NewListObjectsV2Paginator(b.client, in); pages.HasMorePages() && len(all) < some; {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, bucketFault(err)
		}
		for _, o := range page.Contents {
			key := sdk.ToString(o.Key)
			if name := strings.TrimPrefix(key, b.prefix); name != "" && !strings.HasSuffix(name, "/") { // which shows a folder
				all = append(all, entry{name: name, version: fmt.Sprintf("%s %d", sdk.ToString(o.ETag), sdk.ToInt64(o.Size)), size: sdk.ToInt64(o.Size), modified: sdk.ToTime(o.LastModified), at: sdk.ToString(o.ETag)})
			}
		}
	}
	return all, nil
}

func (b *bucket) stat(_ context.Context, all []entry) ([]entry, error) { return all, nil }

func (b *bucket) check(ctx context.Context, e entry) error {
	if e.size == 0 {
		return nil
	}
	body, err := object{b, e}.Open(ctx, 0, 1)
	if err != nil {
		return err
	}
	return body.Close()
}

func (b *bucket) open(_ context.Context, e entry) (content, error) {
	return content{Source: object{b, e}, version: e.version, close: func() {}}, nil
}

// object is one version of an object: what else was put under its key is not read.
type object struct {
	*bucket
	entry
}

// Size implements tabular.Source.
func (o object) Size() int64 { return o.size }

// Open implements tabular.Source.
func (o object) Open(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	within := fmt.Sprintf("bytes=%d-", offset)
	if length >= 0 {
		within += fmt.Sprint(offset + length - 1)
	}
	out, err := o.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &o.bucket.name, Key: sdk.String(o.prefix + o.entry.name), Range: &within, IfMatch: &o.at})
	if err != nil {
		return nil, bucketFault(err)
	}
	return out.Body, nil
}

// refusals are the codes of S3 that say that the dsn is wrong, and how to mend it.
var refusals = map[string]string{
	"AccessDenied":                       "the key needs s3:ListBucket of the bucket and s3:GetObject of the files",
	"InvalidAccessKeyId":                 "check the key in the dsn",
	"SignatureDoesNotMatch":              "check the secret in the dsn",
	"NoSuchBucket":                       "check the bucket in the dsn",
	"PermanentRedirect":                  "check the region in the dsn",
	"AuthorizationHeaderMalformed":       "check the region in the dsn",
	"IllegalLocationConstraintException": "check the region in the dsn",
}

// bucketFault says what an error of S3 means, in its code alone.
func bucketFault(err error) error {
	var ours *fault.Error
	if errors.As(err, &ours) {
		return ours
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return unreachable(err)
	}
	code := api.ErrorCode()
	if hint, ok := refusals[code]; ok {
		return fault.New(fault.Invalid, "source_refused", "S3 refuses: %s", code).WithHint("%s", hint)
	}
	switch code {
	case "PreconditionFailed", "NoSuchKey", "NotFound":
		return moved()
	case "InvalidObjectState":
		return fault.New(fault.Invalid, "source_refused", "a file lies in an archive").WithHint("restore it, or leave it out of the pattern")
	}
	var answer interface{ HTTPStatusCode() int }
	if errors.As(err, &answer) && (answer.HTTPStatusCode() == http.StatusForbidden || answer.HTTPStatusCode() == http.StatusUnauthorized) {
		return fault.New(fault.Invalid, "source_refused", "S3 refuses: %.80s", code).WithHint("check the key and the secret in the dsn")
	}
	return fault.New(fault.Unavailable, "source_unavailable", "S3 answers %.80s", code)
}

// moved is the error of a file that is another by now, or none: the next try lists anew.
func moved() error {
	return fault.New(fault.Unavailable, "file_moved", "a file was changed or deleted while it was read")
}

// unreachable is the error of a call that had no answer.
func unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	return fault.New(fault.Unavailable, "source_unavailable", "the source cannot be reached, or its answer broke off")
}
