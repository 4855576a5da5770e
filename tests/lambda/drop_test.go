package lambda

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestADroppedFileIsLoadedByTheBuiltFunctions drops one that can be loaded and one that
// cannot, and has the collector told of them twice.
func TestADroppedFileIsLoadedByTheBuiltFunctions(t *testing.T) {
	s := deploy(t)
	s.must(t, http.StatusCreated, http.MethodPost, "/v1/datasets", `{"name": "orders", "kind": "table"}`)
	s.functions["collector"].Timeout, s.functions["worker"].Timeout = 5*time.Minute, time.Minute
	for key, text := range map[string]string{"drop/main/orders/upsert=id/a b.csv": "id,v\n1,a\n2,b\n", "drop/main/order/b.csv": "id,v\n3,c\n"} {
		if _, err := s.services.S3().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &s.drops, Key: sdk.String(key), Body: strings.NewReader(text)}); err != nil {
			t.Fatal(err)
		}
	}
	event, err := os.ReadFile("../../events/samples/s3-upload.json")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	for range cap(done) {
		go func() {
			_, err := s.functions["collector"].Invoke(t.Context(), event)
			done <- err
		}()
	}
	for ended := 0; ended < cap(done); {
		s.hint(t)
		select {
		case err := <-done:
			if ended++; err != nil {
				t.Error(err)
			}
		default:
		}
	}
	s.await(t, "orders", func(v totals) bool { return v.Visible == 2 })
	for key, want := range map[string]bool{"drop/main/orders/upsert=id/a b.csv": false, "drop/main/order/b.csv": false, "refused/main/order/b.csv": true, "refused/main/order/b.csv.txt": true} {
		_, err := s.services.S3().HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &s.drops, Key: sdk.String(key)})
		if got := err == nil; got != want {
			t.Errorf("%s is there: %v, want %v", key, got, want)
		}
	}
}
