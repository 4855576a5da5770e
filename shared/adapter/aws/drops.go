package aws

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tarnhq/tarn/shared/drop"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Drops is drop.Folder on a bucket of its own, whose versions are kept: of what was dropped
// twice under one name both are loaded, and what is taken away is what was loaded, not what
// came meanwhile. Objects lie at drop/<tenant>/<dataset>/<file>; those that are refused are
// moved to refused/.
type Drops struct {
	client *s3.Client
	bucket string
	into   string // bucket of the blobs
	most   int64  // bytes of one copy
}

// largestCopy is what S3 copies at a time.
const largestCopy = 5 << 30

// NewDrops opens a bucket, and that of the blobs which drops become.
func NewDrops(client *s3.Client, bucket, blobs string) *Drops {
	return &Drops{client: client, bucket: bucket, into: blobs, most: largestCopy}
}

var _ drop.Folder = (*Drops)(nil)

// The folders of the bucket.
const (
	dropped = "drop/"
	refused = "refused/"
)

// List implements drop.Folder.
func (d *Drops) List(ctx context.Context) (all []drop.Drop, err error) {
	deleted := map[string]types.DeleteMarkerEntry{} // the last time
	pages := s3.NewListObjectVersionsPaginator(d.client, &s3.ListObjectVersionsInput{Bucket: &d.bucket, Prefix: sdk.String(dropped)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, translate("drop", err)
		}
		for _, m := range page.DeleteMarkers {
			if key := sdk.ToString(m.Key); sdk.ToTime(m.LastModified).After(sdk.ToTime(deleted[key].LastModified)) || sdk.ToBool(m.IsLatest) {
				deleted[key] = m
			}
		}
		for _, v := range page.Versions {
			if of, ok := placed(v.Key); ok {
				of.Version, of.Size, of.Modified = sdk.ToString(v.VersionId), sdk.ToInt64(v.Size), sdk.ToTime(v.LastModified)
				all = append(all, of)
			}
		}
	}
	slices.Reverse(all) // S3 lists the newest version of a key first
	return slices.DeleteFunc(all, func(of drop.Drop) bool { return withdrawn(of, deleted[dropped+dropKey(of)]) }), nil
}

// withdrawn reports whether somebody has deleted a drop by its name since. Times are of whole
// seconds: what was dropped in the second of a deletion is believed to be gone only if nothing
// came after it.
func withdrawn(of drop.Drop, deleted types.DeleteMarkerEntry) bool {
	at := sdk.ToTime(deleted.LastModified)
	return of.Modified.Before(at) || sdk.ToBool(deleted.IsLatest)
}

// placed tells whose a key is. What consoles make to show a folder is no drop.
func placed(object *string) (drop.Drop, bool) {
	owner, path, ok := strings.Cut(strings.TrimPrefix(sdk.ToString(object), dropped), "/")
	return drop.Drop{Tenant: tenant.ID(owner), Path: path}, ok && !strings.HasSuffix(path, "/") && path != ""
}

func dropKey(of drop.Drop) string { return string(of.Tenant) + "/" + of.Path }

// Copy implements drop.Folder. Who copies twice copies the same.
func (d *Drops) Copy(ctx context.Context, of drop.Drop, blob string) error {
	if err := checkBlobKey(blob); err != nil {
		return err
	}
	return d.copy(ctx, of, d.into, blob)
}

func (d *Drops) copy(ctx context.Context, of drop.Drop, bucket, to string) error {
	err := d.copyWhole(ctx, of, bucket, to)
	if code := codeOf(err); code == "NoSuchVersion" || code == "NoSuchKey" {
		return drop.ErrGone
	}
	return translate("drop", err)
}

// copyWhole notes nothing of what the dropper has noted with a drop: to read that may need
// rights of its own.
func (d *Drops) copyWhole(ctx context.Context, of drop.Drop, bucket, to string) error {
	if of.Size > d.most {
		return d.copyParts(ctx, of, bucket, to)
	}
	_, err := d.client.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &bucket, Key: &to, CopySource: d.source(of),
		MetadataDirective: types.MetadataDirectiveReplace, TaggingDirective: types.TaggingDirectiveReplace,
	})
	return err
}

// copyParts copies what is too large for one copy. The bucket's lifecycle clears away what
// is broken off.
func (d *Drops) copyParts(ctx context.Context, of drop.Drop, bucket, to string) error {
	upload, err := d.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &to})
	if err != nil {
		return err
	}
	var parts []types.CompletedPart
	for from := int64(0); from < of.Size; from += d.most {
		number := int32(len(parts) + 1) // #nosec G115 -- an object has 50 TB, a part 5 GiB
		out, err := d.client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
			Bucket: &bucket, Key: &to, UploadId: upload.UploadId, PartNumber: &number, CopySource: d.source(of),
			CopySourceRange: sdk.String(fmt.Sprintf("bytes=%d-%d", from, min(from+d.most, of.Size)-1)),
		})
		if err != nil {
			return err
		}
		parts = append(parts, types.CompletedPart{ETag: out.CopyPartResult.ETag, PartNumber: &number})
	}
	_, err = d.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &bucket, Key: &to, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return err
}

func (d *Drops) source(of drop.Drop) *string {
	path := strings.ReplaceAll(url.QueryEscape(d.bucket+"/"+dropped+dropKey(of)), "+", "%20")
	return sdk.String(path + "?versionId=" + url.QueryEscape(of.Version))
}

// Done implements drop.Folder.
func (d *Drops) Done(ctx context.Context, of drop.Drop) error {
	_, err := d.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &d.bucket, Key: sdk.String(dropped + dropKey(of)), VersionId: &of.Version})
	if err = translate("drop", err); fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// Refuse implements drop.Folder. Of what is refused under one name, the bucket keeps the
// versions.
func (d *Drops) Refuse(ctx context.Context, of drop.Drop, why string) error {
	err := d.copy(ctx, of, d.bucket, refused+dropKey(of))
	if errors.Is(err, drop.ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = d.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &d.bucket, Key: sdk.String(refused + dropKey(of) + ".txt"), Body: strings.NewReader(why)})
	if err != nil {
		return translate("drop", err)
	}
	return d.Done(ctx, of)
}
