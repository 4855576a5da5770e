package embedded

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/secret"
)

// BlobPath is where BlobHandler expects to be mounted, below the base URL.
const BlobPath = "/blobs/"

// maxUpload is the size limit of an upload in bytes, that of one S3 request.
const maxUpload = 5 << 30

// signer makes and checks the signatures of URLs.
type signer struct {
	base   string // URL without a final slash
	secret secret.Value
	now    func() time.Time
}

// presignName is the secret that URLs are signed with, so that they survive a restart.
const presignName secret.Name = "presign"

// loadPresign returns it, and makes it at the first start. Folders of earlier versions
// have it in a file of its own, which goes.
func loadPresign(secrets secret.Store, d disk.FS, dir string) (secret.Value, error) {
	ctx := context.Background()
	found, err := secrets.Get(ctx, secret.Deployment, presignName)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return secret.Value{}, err
	}
	plain := filepath.Join(dir, "presign.key")
	if err != nil {
		value, err := disk.ReadFile(d, plain)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return secret.Value{}, err
		}
		if len(value) != sha256.Size { // too short: it was being written when the power was cut
			value = make([]byte, sha256.Size)
			_, _ = rand.Read(value) // never fails
		}
		found.Current = secret.New(value)
		if err := secrets.Create(ctx, secret.Deployment, presignName, found.Current); err != nil {
			return secret.Value{}, err
		}
	}
	if err := d.Remove(plain); err == nil {
		return found.Current, d.SyncDir(dir)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return secret.Value{}, err
	}
	return found.Current, nil
}

func (s signer) url(method, key string, expires time.Duration) string {
	at := strconv.FormatInt(s.now().Add(expires).Unix(), 10)
	return s.base + BlobPath + key + "?" + url.Values{"method": {method}, "expires": {at}, "signature": {s.sign(method, key, at)}}.Encode()
}

func (s signer) sign(method, key, expires string) string {
	mac := hmac.New(sha256.New, s.secret.Reveal())
	fmt.Fprintf(mac, "%s\n%s\n%s", method, expires, key)
	return hex.EncodeToString(mac.Sum(nil))
}

// permits reports whether a request bears a valid signature for a key.
func (s signer) permits(r *http.Request, key string) bool {
	q := r.URL.Query()
	method := q.Get("method")
	if method != r.Method && !(r.Method == http.MethodHead && method == http.MethodGet) {
		return false
	}
	if !hmac.Equal([]byte(q.Get("signature")), []byte(s.sign(method, key, q.Get("expires")))) {
		return false
	}
	at, err := strconv.ParseInt(q.Get("expires"), 10, 64)
	return err == nil && s.now().Before(time.Unix(at, 0))
}

// PresignGet returns a URL that BlobHandler serves until it expires.
func (b *Blobs) PresignGet(_ context.Context, key string, expires time.Duration) (string, error) {
	return b.presign(http.MethodGet, key, expires)
}

// PresignPut returns a URL that BlobHandler accepts an upload for until it expires.
// As with Put, a taken key is not replaced.
func (b *Blobs) PresignPut(_ context.Context, key string, expires time.Duration) (string, error) {
	return b.presign(http.MethodPut, key, expires)
}

func (b *Blobs) presign(method, key string, expires time.Duration) (string, error) {
	if err := checkBlobKey(key); err != nil {
		return "", err
	}
	return b.signer.url(method, key, expires), nil
}

// ServeHTTP serves presigned URLs: GET and HEAD with ranges, and PUT. Its path
// begins with BlobPath. Answers are plain text, as object stores speak XML and no
// problem documents either.
func (b *Blobs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, key, _ := strings.Cut(r.URL.Path, BlobPath)
	if checkBlobKey(key) != nil || !b.signer.permits(r, key) {
		http.Error(w, "this URL is not signed for this request, or has expired", http.StatusForbidden)
		return
	}
	if r.Method == http.MethodPut {
		b.upload(w, r, key)
		return
	}
	b.download(w, r, key)
}

func (b *Blobs) download(w http.ResponseWriter, r *http.Request, key string) {
	info, err := b.Stat(r.Context(), key)
	if err != nil {
		refuse(w, err)
		return
	}
	f, err := b.disk.Open(b.path(key))
	if err != nil {
		refuse(w, unreadable(err, key))
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", info.Modified, io.NewSectionReader(f, 0, info.Size))
}

func (b *Blobs) upload(w http.ResponseWriter, r *http.Request, key string) {
	if err := b.store(r.Context(), key, http.MaxBytesReader(w, r.Body, maxUpload), r.ContentLength); err != nil {
		refuse(w, err)
	}
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	switch fault.KindOf(err) {
	case fault.NotFound:
		status = http.StatusNotFound
	case fault.Conflict:
		status = http.StatusConflict
	case fault.Invalid:
		status = http.StatusBadRequest
	case fault.TooLarge:
		status = http.StatusRequestEntityTooLarge
	case fault.Unavailable:
		status = http.StatusServiceUnavailable
	}
	http.Error(w, fmt.Sprint(fault.KindOf(err)), status)
}
