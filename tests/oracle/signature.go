package oracle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// signed lets through what was signed with the right key for the right service,
// over the very bytes that arrived.
func signed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !signatureHolds(r, body) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// signatureHolds signs the request again and compares.
func signatureHolds(r *http.Request, body []byte) bool {
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || time.Since(at).Abs() > 5*time.Minute {
		return false
	}
	again := r.Clone(r.Context())
	again.URL.Host = r.Host
	again.Header = http.Header{}
	for _, name := range signedHeaders(r.Header.Get("Authorization")) {
		if values := r.Header.Values(name); len(values) > 0 && name != "x-amz-date" {
			again.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	credentials, err := emulated().Credentials.Retrieve(r.Context())
	if err != nil {
		return false
	}
	sum := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(r.Context(), credentials, again, hex.EncodeToString(sum[:]), "execute-api", region, at)
	return err == nil && again.Header.Get("Authorization") == r.Header.Get("Authorization")
}

func signedHeaders(authorization string) []string {
	_, after, _ := strings.Cut(authorization, "SignedHeaders=")
	names, _, _ := strings.Cut(after, ",")
	return strings.Split(names, ";")
}
