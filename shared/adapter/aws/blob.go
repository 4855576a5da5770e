package aws

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
)

// Blob is blob.Store on an S3 bucket.
type Blob struct {
	client    *s3.Client
	presigner *s3.PresignClient
	bucket    string
	once      func(*s3.Options)
}

// NewBlob opens the bucket with this name.
func NewBlob(client *s3.Client, bucket string) *Blob {
	once := refusedOnly()
	return &Blob{
		client: client,
		presigner: s3.NewPresignClient(client, func(p *s3.PresignOptions) {
			// The holder's body is not known yet, so a checksum would be that of nothing.
			p.ClientOptions = append(p.ClientOptions, func(o *s3.Options) {
				o.RequestChecksumCalculation = sdk.RequestChecksumCalculationWhenRequired
			})
		}),
		bucket: bucket,
		once:   func(o *s3.Options) { o.Retryer = once },
	}
}

// Put implements blob.Store. fault.Unavailable leaves open whether the blob is
// stored.
func (b *Blob) Put(ctx context.Context, key string, body []byte) error {
	if err := checkBlobKey(key); err != nil {
		return err
	}
	return b.put(ctx, key, bytes.NewReader(body), int64(len(body)))
}

// PutFrom implements blob.Store, as Put does.
func (b *Blob) PutFrom(ctx context.Context, key string, body io.ReadSeeker, size int64) error {
	if err := checkBlobKey(key); err != nil {
		return err
	}
	if size > blob.MaxSize {
		return fault.New(fault.TooLarge, "blob_too_large", "a blob has at most %d bytes", int64(blob.MaxSize))
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("body of blob %q: %w", key, err)
	}
	return b.put(ctx, key, body, size)
}

func (b *Blob) put(ctx context.Context, key string, body io.ReadSeeker, size int64) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.bucket, Key: &key, Body: body, ContentLength: &size, IfNoneMatch: sdk.String("*"),
	}, b.once)
	return translate("blob", err)
}

// Get implements blob.Store.
func (b *Blob) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := checkBlobKey(key); err != nil {
		return nil, err
	}
	if offset < 0 {
		return nil, invalid("blob_range", "a range begins at 0 or later")
	}
	if length == 0 {
		return b.nothing(ctx, key, offset)
	}
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.bucket, Key: &key, Range: byteRange(offset, length)})
	if offset == 0 && codeOf(err) == "InvalidRange" {
		return b.nothing(ctx, key, offset) // S3 has no range of an empty blob
	}
	if err != nil {
		return nil, translate("blob", err)
	}
	return body{out.Body}, nil
}

// byteRange returns a Range header, nil for the whole blob.
func byteRange(offset, length int64) *string {
	switch {
	case length < 0 && offset == 0:
		return nil
	case length < 0:
		return sdk.String(fmt.Sprintf("bytes=%d-", offset))
	default:
		return sdk.String(fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	}
}

// nothing is the range of no bytes, which HTTP cannot ask for.
func (b *Blob) nothing(ctx context.Context, key string, offset int64) (io.ReadCloser, error) {
	info, err := b.Stat(ctx, key)
	if err != nil {
		return nil, err
	}
	if offset > 0 && offset >= info.Size {
		return nil, invalid("blob_range", "the blob ends at %d", info.Size)
	}
	return http.NoBody, nil
}

// body gives the errors of a download their kind.
type body struct{ io.ReadCloser }

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = faultOf("blob", fault.Unavailable, err)
	}
	return n, err
}

// Stat implements blob.Store.
func (b *Blob) Stat(ctx context.Context, key string) (blob.Info, error) {
	if err := checkBlobKey(key); err != nil {
		return blob.Info{}, err
	}
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.bucket, Key: &key})
	if err != nil {
		return blob.Info{}, translate("blob", err)
	}
	return blob.Info{Key: key, Size: sdk.ToInt64(out.ContentLength), Modified: sdk.ToTime(out.LastModified)}, nil
}

// List implements blob.Store. A page holds at most 1,000 blobs, whatever the limit.
func (b *Blob) List(ctx context.Context, prefix, next string, limit int) (blob.Page, error) {
	in := &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: &prefix}
	if next != "" {
		in.StartAfter = &next
	}
	if limit > 0 {
		in.MaxKeys = sdk.Int32(int32(min(limit, 1000))) // #nosec G115 -- at most 1000
	}
	out, err := b.client.ListObjectsV2(ctx, in)
	if err != nil {
		return blob.Page{}, translate("blob", err)
	}
	page := blob.Page{Blobs: make([]blob.Info, len(out.Contents))}
	for i, object := range out.Contents {
		page.Blobs[i] = blob.Info{
			Key: sdk.ToString(object.Key), Size: sdk.ToInt64(object.Size), Modified: sdk.ToTime(object.LastModified),
		}
		if sdk.ToBool(out.IsTruncated) {
			page.Next = page.Blobs[i].Key
		}
	}
	return page, nil
}

// Delete implements blob.Store.
func (b *Blob) Delete(ctx context.Context, key string) error {
	if err := checkBlobKey(key); err != nil {
		return err
	}
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.bucket, Key: &key})
	if err != nil && kindOf(err) == fault.NotFound {
		return nil
	}
	return translate("blob", err)
}

// PresignGet implements blob.Store. The URL dies with the credentials that signed
// it, which for a role may be sooner.
func (b *Blob) PresignGet(ctx context.Context, key string, expires time.Duration) (string, error) {
	if err := checkPresign(key, expires); err != nil {
		return "", err
	}
	request, err := b.presigner.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &b.bucket, Key: &key}, s3.WithPresignExpires(expires))
	if err != nil {
		return "", translate("blob", err)
	}
	return request.URL, nil
}

// PresignPut implements blob.Store, as PresignGet does.
func (b *Blob) PresignPut(ctx context.Context, key string, expires time.Duration) (string, error) {
	if err := checkPresign(key, expires); err != nil {
		return "", err
	}
	request, err := b.presigner.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: &b.bucket, Key: &key}, s3.WithPresignExpires(expires))
	if err != nil {
		return "", translate("blob", err)
	}
	return request.URL, nil
}

// maxPresign is the longest that a signature of S3 is good for.
const maxPresign = 7 * 24 * time.Hour

func checkPresign(key string, expires time.Duration) error {
	if expires <= 0 || expires > maxPresign {
		return invalid("blob_expiry", "a URL can be good for at most %s", maxPresign)
	}
	return checkBlobKey(key)
}
